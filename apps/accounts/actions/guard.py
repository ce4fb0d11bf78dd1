"""Changes of who may do what happen one after another, and leave nobody locked out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Q

from apps.accounts.actions.setup import ensure_default_project
from apps.accounts.actor import Actor
from apps.accounts.credentials import local_operator
from apps.accounts.hints import keys_changed
from apps.accounts.models import Membership, Project, User
from apps.accounts.roles import lowered, standings
from xplatform.core.errors import Conflict, Forbidden


@contextmanager
def changing_people() -> Iterator[None]:
    """A transaction around a change of users, groups, members or projects.

    Two at once could each see the other's owner and remove its own; so they wait for each other,
    at the row of the default project. Raises Conflict, undoing all, when no superuser would be
    left, or a project that had an owner would have none. Who may less afterwards is told to the
    web processes by name.
    """
    default = ensure_default_project()
    with transaction.atomic():
        Project.objects.select_for_update().get(slug=default)
        had_superuser, had_owner, before = _has_superuser(), _owned(), standings()
        yield
        if had_superuser and not _has_superuser():
            raise Conflict("This is the last superuser. Make another one first.")
        if orphans := had_owner - _owned() - _archived():
            raise Conflict(
                f"This is the last owner of {', '.join(sorted(orphans))}."
                " Make somebody else its owner first."
            )
        keys_changed(lowered=lowered(before, standings()))


def check(by: Actor | None, action: str) -> Actor:
    """Who acts; the local operator if nobody is named. Raises Forbidden."""
    if by is None:
        return local_operator().actor()
    if not by.may(action):
        raise Forbidden.lacking(action)
    return by


def _has_superuser() -> bool:
    return User.objects.filter(is_superuser=True, is_active=True).exists()


def _archived() -> set[str]:
    return set(Project.objects.exclude(archived=None).values_list("slug", flat=True))


def _owned() -> set[str]:
    """Projects with an owner who may log in."""
    someone = Q(user__is_active=True) | Q(group__user__is_active=True)
    owners = Membership.objects.filter(someone, role="owner", project__archived=None)
    return set(owners.order_by().values_list("project__slug", flat=True))
