"""Groups of users, made by superusers, so that projects can take in many people at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from apps.accounts.actions import users
from apps.accounts.actions.guard import changing_people, check
from apps.accounts.actor import Actor
from apps.audit import api as audit
from xplatform.core.errors import Conflict, InvalidValue, NotFound

_ACTION: Final = "users.manage"
_LONGEST: Final = 150


@dataclass(frozen=True, slots=True)
class GroupInfo:
    name: str
    members: tuple[str, ...]
    #: slug of each project → the role that its members have there
    roles: Mapping[str, str]


def groups(by: Actor | None = None) -> list[GroupInfo]:
    check(by, _ACTION)
    found = Group.objects.order_by("name")
    return [_info(group) for group in found.prefetch_related("user_set", "memberships__project")]


def group_info(name: str, by: Actor | None = None) -> GroupInfo:
    check(by, _ACTION)
    return _info(named(name))


def create_group(name: str, *, by: Actor | None = None) -> GroupInfo:
    """Raises Conflict for a name that is taken."""
    actor = check(by, _ACTION)
    name = name.strip()
    if not name or len(name) > _LONGEST or "/" in name or not name.isprintable():
        raise InvalidValue(
            f"A group's name has 1 to {_LONGEST} visible characters and no slash.", param="name"
        )
    with changing_people():
        try:
            with transaction.atomic():
                group = Group.objects.create(name=name)
        except IntegrityError:
            raise Conflict(f"There is a group {name!r} already.", param="name") from None
        audit.record(actor, "group.create", "group", name)
    return _info(group)


def delete_group(name: str, *, by: Actor | None = None) -> None:
    actor = check(by, _ACTION)
    with changing_people():
        group = named(name)
        info = _info(group)
        group.delete()
        before = {"members": list(info.members), "roles": dict(info.roles)}
        audit.record(actor, "group.delete", "group", name, before=before)


def add_to_group(name: str, username: str, *, by: Actor | None = None) -> GroupInfo:
    """Twice is no error."""
    return _set(name, username, True, by)


def remove_from_group(name: str, username: str, *, by: Actor | None = None) -> GroupInfo:
    """Whoever is not in it is no error."""
    return _set(name, username, False, by)


def _set(name: str, username: str, member: bool, by: Actor | None) -> GroupInfo:
    actor = check(by, _ACTION)
    with changing_people():
        group = named(name)
        user = users.named(username)
        was = user.groups.filter(pk=group.pk).exists()
        if member and not was:
            user.groups.add(group)
            audit.record(actor, "group.add", "group", name, after={"user": username})
        elif was and not member:
            user.groups.remove(group)
            audit.record(actor, "group.remove", "group", name, before={"user": username})
    return _info(named(name))


def named(name: str) -> Group:
    """Raises NotFound."""
    found = Group.objects.filter(name=name).first()
    if found is None:
        raise NotFound(f"There is no group {name[:100]!r}.", param="name")
    return found


def _info(group: Group) -> GroupInfo:
    roles = {each.project.slug: each.role for each in group.memberships.all()}
    members = tuple(sorted(user.get_username() for user in group.user_set.all()))
    return GroupInfo(group.name, members, roles)
