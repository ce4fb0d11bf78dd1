"""Whose the things of this app are, for ``things``."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ValidationError

from apps.accounts import things
from apps.accounts.models import ApiKey, Project
from apps.accounts.things import Found


def register() -> None:
    things.register("project", _project)
    things.register("key", _key, "API key")


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
