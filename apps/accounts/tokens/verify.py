"""Whose an access token is: by what a process has in memory, or by queries."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from apps.accounts.records import KeyRecord, UserRecord
from apps.accounts.tokens import jwt
from apps.accounts.tokens.jwt import Claims

__all__ = ["login_record"]


def login_record(
    token: str,
    user: Callable[[int], UserRecord | None],
    is_ended: Callable[[str], bool],
) -> KeyRecord | None:
    """The login whose access token this is, for the first project of its owner. None: it is over.

    ``user`` finds who may log in now, ``is_ended`` says whether a login was ended: in memory
    ``credentials().users.get`` and ``credentials().ended_logins.__contains__``. Raises
    MalformedToken, and NotAuthenticated for a token that is expired or not of our making; who
    holds on to a record compares its ``expires``.
    """
    claims = _read(token)
    found = user(claims.user_id)
    if found is None or claims.issued < found.tokens_after or is_ended(claims.login):
        return None
    return found.login(claims.login, claims.expires)


@lru_cache(maxsize=10_000)
def _read(token: str) -> Claims:
    """A signature is verified once. (What is refused is not kept.)"""
    return jwt.read(token, "access")
