"""Whose an access token is: by what a process has in memory, or by queries."""

from __future__ import annotations

from collections.abc import Callable

from apps.accounts.records import KeyRecord, UserRecord
from apps.accounts.tokens import jwt

__all__ = ["login_record"]


def login_record(
    token: str,
    user: Callable[[int], UserRecord | None],
    is_ended: Callable[[str], bool],
) -> KeyRecord | None:
    """The login whose access token this is, for the first project of its owner. None: it is over.

    ``user`` finds who may log in now, ``is_ended`` says whether a login was ended: in memory
    ``credentials().users.get`` and ``credentials().ended_logins.__contains__``. Raises
    MalformedToken, and NotAuthenticated for a token that is expired or not of our making.
    """
    claims = jwt.read(token, "access")
    found = user(claims.user_id)
    if found is None or claims.issued < found.tokens_after or is_ended(claims.login):
        return None
    return found.login(claims.login, claims.expires)
