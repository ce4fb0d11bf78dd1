"""Telling the web processes that who may come in has changed."""

from __future__ import annotations

from django.db import transaction

from xplatform.core.channels import broadcast


def keys_changed() -> None:
    """Once the change is visible to them. For keys, tokens, users, memberships and projects: what
    a credential may follows from all of these."""
    transaction.on_commit(_tell, robust=True)


def _tell() -> None:
    broadcast("keys")
