"""People for tests, in a project and a role."""

from __future__ import annotations

from typing import Any

from apps.accounts import api
from apps.accounts.models import Membership, Project, User


def person(name: str, role: str = "developer", project: str = "default", **values: Any) -> User:
    """A user with that role in that project (made if need be); with ``""`` in none. Somebody who
    is there already gets one more."""
    user = User.objects.filter(username=name).first()
    user = user or User.objects.create_user(name, **values)
    if role:
        place, _ = Project.objects.get_or_create(slug=project)
        Membership.objects.update_or_create(project=place, user=user, defaults={"role": role})
    return user


def key_of(name: str, role: str = "developer", project: str = "default", **values: Any) -> str:
    """The token of a new key of such a person."""
    person(name, role, project)
    token, _ = api.create_key(f"{name}'s", owner_name=name, project=project, **values)
    return token
