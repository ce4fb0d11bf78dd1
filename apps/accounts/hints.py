"""Telling the web processes that who may come in has changed."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models.changes import Changes
from xplatform.core.channels import broadcast


def keys_changed(*revoked: str) -> None:
    """Once the change is visible to them. For keys, tokens, users, memberships and projects: what
    a credential may follows from all of these.

    ``revoked``: ids of credentials that open nothing any more, which is believed even if the
    database goes away before it can be read.
    """

    def tell() -> None:
        # (No `partial`: when it fails Django wants to log its name, which one has not.)
        _tell(revoked)

    transaction.on_commit(tell, robust=True)


def credentials_version() -> int:
    """Another number whenever anything has changed: one cheap query."""
    return Changes.counted()


def _tell(revoked: tuple[str, ...]) -> None:
    # Two ways, either of which may fail. The number is counted in a statement of its own: within
    # the change it would be a lock that all changes share.
    try:
        Changes.count()
    finally:
        broadcast("keys", revoked=revoked)
