"""In which projects an application may be allowed to act, and what is told of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from apps.accounts.asking import address_of, user_actor
from apps.accounts.models import Project
from apps.accounts.oauth.models import Application
from apps.accounts.oauth.scopes import ALL_PROJECTS
from apps.accounts.roles import user_record
from apps.audit.api import record


def projects(user: Any, application: Application, asked: str | None) -> list[tuple[str, str]]:
    """(slug, title) of the projects that ``user`` can choose; ``asked``: the one that the client
    named, which is then the only choice."""
    found = Project.objects.filter(archived=None).order_by("slug")
    if not user.is_superuser:
        person = user_record(user.pk)
        found = found.filter(slug__in=list(person.roles) if person else [])
    if application.project is not None:
        found = found.filter(pk=application.project.pk)
    choices = [(project.slug, project.title or project.slug) for project in found]
    if user.is_superuser and application.project is None:
        choices.append((ALL_PROJECTS, "All projects"))
    return [choice for choice in choices if asked in (None, choice[0])]


def tell(
    request: HttpRequest,
    application: Application,
    scopes: Sequence[str],
    slug: str | None,
    *,
    allowed: bool,
) -> None:
    """To the audit: who allowed what to whom is asked when something has gone wrong."""
    assert request.user.pk is not None
    record(
        user_actor(request.user.pk, address=address_of(request)),
        "oauth.allow",
        "application",
        application.client_id,
        project=slug if slug and slug != ALL_PROJECTS else "",
        after={"application": application.name, "scopes": " ".join(scopes), "in": slug or ""},
        outcome="done" if allowed else "refused",
        why="" if allowed else "Not allowed by the user.",
    )
