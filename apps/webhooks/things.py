"""What this app tells the others when a process starts: whose a webhook is, what becomes of those
of a project that goes, and what the control plane does for it. Nothing is loaded before it is
needed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from apps.accounts.farewells import when_a_project_is_archived
from apps.accounts.things import Found, register
from apps.models.control.beside import when_leading


def register_all() -> None:
    register("webhook", _webhook)
    when_a_project_is_archived(_silence)
    when_leading(_deliver)


def _webhook(parameters: Mapping[str, str]) -> Found | None:
    """One for the whole installation is of no project: nobody sees it from within one."""
    from apps.webhooks.models import Webhook

    try:
        id = uuid.UUID(parameters["webhook_id"])
    except ValueError:
        return None
    project = Webhook.objects.filter(pk=id).values_list("project", flat=True).first()
    return None if project is None else Found(project)


def _silence(project: str, by: str) -> None:
    from apps.webhooks.models import Webhook

    Webhook.objects.filter(project=project).update(active=False)


def _deliver() -> None:
    from apps.webhooks.delivery import postman

    postman().look()
