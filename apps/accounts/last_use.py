"""When keys were last used, as web processes tell it now and then."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import ApiKey

#: several web processes tell of the same key: one of them is enough
_FRESH: Final = timedelta(seconds=20)


#: of this process: keys used on REST's way, where no gateway sees them
_noted: set[str] = set()


def note(key_id: str) -> None:
    _noted.add(key_id)


def noted() -> set[str]:
    """Since the last time that this was asked for."""
    found: set[str] = set()
    while _noted:
        # One by one: others add while this takes.
        found.add(_noted.pop())
    return found


def used(key_ids: Collection[str]) -> None:
    now = timezone.now()
    stale = Q(last_used=None) | Q(last_used__lt=now - _FRESH)
    with transaction.atomic():
        # Rows that another process writes at this moment are left to it; two that wait for each
        # other's would never end.
        free = ApiKey.objects.select_for_update(skip_locked=True).filter(stale, pk__in=key_ids)
        ApiKey.objects.filter(pk__in=[key.pk for key in free.only("pk")]).update(last_used=now)
