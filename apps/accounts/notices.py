"""What the audit trail hears of people's logins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.audit import api as audit

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who is logging in, or of whose login something is found out: no credential has
    said who acts yet."""

    name: str
    user_id: int | None
    address: str
    key_id: str = ""
    project: str = ""


def record(
    user: User | None,
    address: str,
    action: str,
    *,
    why: str = "",
    failed: bool = False,
    after: dict[str, Any] | None = None,
) -> None:
    """``user`` did this to their own account, or somebody who said so; None: there is no such
    account, and what was typed in place of a name is not kept."""
    person = _Person(user.username if user else "nobody", user.pk if user else None, address)
    audit.record(
        person,
        action,
        "user",
        user.pk if user else "",
        after=after,
        outcome="failed" if failed else "done",
        why=why,
    )
