"""What is locked, in words for administrators."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts import lockout
from apps.accounts.actions.guard import check
from apps.accounts.actor import Actor
from apps.accounts.models import User
from apps.audit import api as audit


@dataclass(frozen=True, slots=True)
class Lock:
    what: str
    #: "": an address, or a name that is nobody's
    account: str
    address: str
    failures: int
    seconds: int


def locks() -> list[Lock]:
    """Counters have no names, so the users' names are compared with them."""
    found = lockout.locked()
    if not found:
        return []
    names = {
        lockout.account_mark(name): name for name in User.objects.values_list("username", flat=True)
    }
    return [
        Lock(one.what, names.get(one.account, ""), one.address, one.failures, one.seconds)
        for one in found
    ]


def unlock(account: str = "", address: str = "", *, by: Actor | None = None) -> int:
    """How many doors were shut. Neither: all of them."""
    actor = check(by, "users.manage")
    opened = lockout.unlock(account=account, address=address)
    audit.record(
        actor,
        "login.unlock",
        "user" if account else "address",
        account or address or "all",
        after={"address": address, "unlocked": opened},
    )
    return opened
