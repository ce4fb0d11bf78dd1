"""How things of this app are found that a path names, for the permission matrix. Registered when a
process starts, so nothing is loaded here before it is needed."""

from __future__ import annotations

from collections.abc import Mapping

from apps.accounts.things import Found, register
from apps.models.models import Model, Registration
from xplatform.core.errors import PlatformError


def register_all() -> None:
    register("launch", _launch)
    register("registration", _registration)


def _launch(parameters: Mapping[str, str]) -> Found | None:
    uid = parameters.get("uid") or parameters.get("model_uid", "")
    row = Model.objects.filter(uid=uid).values_list("project", "shared").first()
    return Found(*row) if row else None


def _registration(parameters: Mapping[str, str]) -> Found | None:
    """By our words, and by Xinference's."""
    from apps.models.catalogue.convert import kind_of

    try:
        kind = parameters.get("kind") or kind_of(parameters.get("model_type", ""))
    except PlatformError:
        return None
    name = parameters.get("name") or parameters.get("model_name", "")
    rows = Registration.objects.filter(kind=kind, name=name, current=True)
    row = rows.values_list("project", "shared").first()
    return Found(*row) if row else None
