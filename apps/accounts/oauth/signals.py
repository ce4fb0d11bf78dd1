"""Tokens are made and deleted by django-oauth-toolkit: what it does is told from here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.models.signals import post_delete, post_save
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from apps.accounts.hints import keys_changed
from apps.accounts.oauth.models import Application
from apps.accounts.oauth.tokens import token_id

_renewing: ContextVar[bool] = ContextVar("renewing", default=False)


def _token_made(sender: Any, instance: Any, created: bool, **_: Any) -> None:
    keys_changed()


@contextmanager
def renewing() -> Iterator[None]:
    """Within it a token goes since another one takes its place: it opens nothing new from then on,
    but what runs on it goes on with the new one, so nobody is told to end it at once."""
    before = _renewing.set(True)
    try:
        yield
    finally:
        _renewing.reset(before)


def _token_gone(sender: Any, instance: Any, **_: Any) -> None:
    if _renewing.get():
        keys_changed()
    # What has expired opens nothing anyhow.
    elif instance.expires > timezone.now():
        keys_changed(token_id(instance))


def connect() -> None:
    post_save.connect(_token_made, sender=get_access_token_model(), dispatch_uid="oauth made")
    post_delete.connect(_token_gone, sender=get_access_token_model(), dispatch_uid="oauth gone")
    post_save.connect(_token_made, sender=Application, dispatch_uid="oauth application")
