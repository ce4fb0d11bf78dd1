"""Telling the web processes that who may come in has changed."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from apps.accounts.models.changes import Changes
from apps.accounts.records import Lowered, UserRecord
from xplatform.core.channels import broadcast

#: a hint is a message and no table: of a project with more people the rest waits for the reading
_MOST_LOWERED: Final = 2_000


def keys_changed(*revoked: str, lowered: Lowered | None = None) -> None:
    """Once the change is visible to them. For keys, tokens, users, memberships and projects: what
    a credential may follows from all of these.

    ``revoked``: ids of credentials that open nothing any more; ``lowered``: people who may less
    than before. Both are believed even if the database goes away before it can be read.
    """

    def tell() -> None:
        # (No `partial`: when it fails Django wants to log its name, which one has not.)
        _tell(revoked, list((lowered or {}).items())[:_MOST_LOWERED])

    transaction.on_commit(tell, robust=True)


def credentials_version() -> int:
    """Another number whenever anything has changed: one cheap query."""
    return Changes.counted()


def _tell(revoked: tuple[str, ...], lowered: list[tuple[int, UserRecord | None]]) -> None:
    # Two ways, either of which may fail. The number is counted in a statement of its own: within
    # the change it would be a lock that all changes share.
    try:
        Changes.count()
    finally:
        broadcast("keys", revoked=revoked, lowered=lowered)
