"""Xinference's permissions and our roles.

There, each user has a list of names; here, a role in a project, or all as a superuser. A user has
one of their names if they may do everything that stands behind it. A list that is set becomes the
least role in the project ``default`` that covers it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from apps.accounts.matrix.actions import ROLES, SUPERUSER, actions_of
from xplatform.core.errors import InvalidValue

#: their name → our actions
PERMISSIONS: Final[dict[str, tuple[str, ...]]] = {
    "admin": ("cluster.write", "users.manage", "settings.write", "nodes.write"),
    "models:list": ("models.read", "launches.read", "registrations.read"),
    "models:read": ("models.use", "models.read"),
    "models:write": ("launches.write",),
    "models:register": ("registrations.write",),
    "keys:create": ("keys.own",),
    "keys:manage": ("keys.manage",),
    "users:manage": ("users.manage",),
    "cache:list": ("files.read",),
    "cache:delete": ("files.write",),
    "virtualenv:list": ("files.read",),
    "virtualenv:delete": ("files.write",),
    "logs:list": ("logs.read",),
    "model_requests:read_body": ("logs.read",),
    "monitor:view": ("nodes.read", "usage.own"),
    "settings:read": ("settings.read",),
    "settings:write": ("settings.write",),
}


def names_of(actions: Collection[str]) -> list[str]:
    """What somebody has there who may do this here."""
    return [name for name, needed in PERMISSIONS.items() if set(needed) <= set(actions)]


def role_for(names: Iterable[str]) -> str:
    """The least role that covers these; "" for none of them. Raises InvalidValue for a name that
    is not known, and for one that only superusers have unless ``admin`` asks for all."""
    asked = list(names)
    if unknown := [name for name in asked if name not in PERMISSIONS]:
        raise InvalidValue(
            f"There is no permission {str(unknown[0])[:50]!r}; there are {', '.join(PERMISSIONS)}.",
            param="permissions",
        )
    if "admin" in asked:
        return SUPERUSER
    if not asked:
        return ""
    for role in ROLES:
        if set(asked) <= set(names_of(actions_of(role))):
            return role
    beyond = [name for name in asked if name not in names_of(actions_of(ROLES[-1]))]
    raise InvalidValue(
        f"{', '.join(beyond)}: only superusers have this here. Ask for `admin`.",
        param="permissions",
    )
