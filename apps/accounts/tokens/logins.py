"""Which logins are over. Changed by ``actions``."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.utils import timezone

from apps.accounts.tokens.models import Login
from xplatform.core.config import settings


def access_life() -> timedelta:
    return timedelta(minutes=settings().access_token_minutes)


def recently_ended() -> frozenset[str]:
    """Ids of ended logins of which an access token could still be alive. One query."""
    since = timezone.now() - access_life()
    found = Login.objects.filter(ended__gte=since).values_list("pk", flat=True)
    return frozenset(str(pk) for pk in found)


def is_ended(login_id: str) -> bool:
    """For callers without ``recently_ended`` in memory."""
    try:
        wanted = uuid.UUID(login_id)
    except ValueError:
        return True
    return not Login.objects.filter(pk=wanted, ended=None).exists()
