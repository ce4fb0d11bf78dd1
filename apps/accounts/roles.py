"""Which roles people have, by their own memberships and those of their groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apps.accounts import standing
from apps.accounts.matrix.actions import highest, rank
from apps.accounts.models import Membership, User
from apps.accounts.records import UserRecord

#: (superuser, slug of each project → role)
Standing = tuple[bool, dict[str, str]]
Standings = Mapping[int, Standing]


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


def standings() -> Standings:
    """Of those who may log in now: whether they are superusers, and their roles. Three queries."""
    roles = all_roles()
    people = User.objects.filter(is_active=True).values_list("pk", "is_superuser")
    return {pk: (superuser, roles.get(pk, {})) for pk, superuser in people}


def lowered(before: Standings, now: Standings) -> dict[int, UserRecord | None]:
    """Who may less than before, and what they are now."""
    fallen = [pk for pk, was in before.items() if was != now.get(pk) and _is_less(now.get(pk), was)]
    records = user_records(fallen) if fallen else {}
    return {pk: records.get(pk) for pk in fallen}


def _is_less(now: Standing | None, was: Standing) -> bool:
    if now is None or was[0] > now[0]:
        return True
    return any(rank(now[1].get(slug, "")) < rank(role) for slug, role in was[1].items())


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
