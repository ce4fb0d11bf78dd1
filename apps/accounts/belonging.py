"""Whose the things of this app are, for ``things``. Registered when a process starts, so nothing is
loaded here but the models."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ValidationError

from apps.accounts import things
from apps.accounts.models import ApiKey, Application, Project
from apps.accounts.things import Found


def register() -> None:
    things.register("project", _project)
    things.register("key", _key, "API key")
    things.register("application", _application)


def _project(parameters: Mapping[str, str]) -> Found | None:
    slug = parameters["slug"]
    return Found(slug) if Project.objects.filter(slug=slug).exists() else None


def _key(parameters: Mapping[str, str]) -> Found | None:
    try:
        key = ApiKey.objects.select_related("project").filter(pk=parameters["key_id"]).first()
    except (ValidationError, ValueError):
        return None
    if key is None:
        return None
    # A key for all projects is seen by those who see all.
    return Found(key.project.slug if key.project else "")


def _application(parameters: Mapping[str, str]) -> Found | None:
    rows = Application.objects.select_related("project").filter(client_id=parameters["client_id"])
    found = rows.first()
    # Those of no project, which only superusers make, are seen by those who see all.
    return Found(found.project.slug if found.project else "") if found else None
