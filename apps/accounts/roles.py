"""Which roles people have, by their own memberships and those of their groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apps.accounts import standing
from apps.accounts.matrix.actions import highest
from apps.accounts.models import Membership, User
from apps.accounts.records import UserRecord


def user_records(users: Iterable[int] | None = None) -> dict[int, UserRecord]:
    """Of those who may log in now; all of them, or of these. Three queries, however many."""
    people = User.objects.filter(is_active=True)
    if users is not None:
        users = list(users)
        people = people.filter(pk__in=users)
    roles = all_roles(users)
    return {
        pk: UserRecord(
            pk,
            name,
            superuser,
            dict(sorted(roles.get(pk, {}).items())),
            after.timestamp() if after else 0.0,
            owes,
        )
        for pk, name, superuser, after, owes in people.annotate(owes=standing.owes()).values_list(
            "pk", "username", "is_superuser", "tokens_after", "owes"
        )
    }


def user_record(user_id: int) -> UserRecord | None:
    return user_records([user_id]).get(user_id)


def all_roles(users: list[int] | None = None) -> dict[int, dict[str, str]]:
    """By id of the user: slug of each project that is not archived → the highest role there."""
    found: dict[int, dict[str, str]] = {}
    there = Membership.objects.filter(project__archived=None).order_by()
    for who in ("user", "group__user"):
        among: dict[str, Any] = {f"{who}__isnull": False}
        if users is not None:
            among = {f"{who}__in": users}
        rows = there.filter(**among).values_list(who, "project__slug", "role")
        for user, slug, role in rows:
            mine = found.setdefault(user, {})
            mine[slug] = highest(role, mine.get(slug, ""))
    return found
