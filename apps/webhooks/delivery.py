"""Brings events to webhooks: in their order, at least once, however long an address is away.

Each webhook is a place in the history of events, so nothing is queued and nothing can be lost
between an event and its delivery: what is read has been committed, with no gap behind it. An event
that is refused is tried again, later and later, and those behind it wait; after a day it is given
up. Only the leading control worker does this. Should two lead for a moment, an event may come
twice, under the same id.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

from django.db import close_old_connections, connection
from django.db.models import Q
from django.utils import timezone

from apps.models.api import EventInfo, events_behind, last_event
from apps.webhooks import sending
from apps.webhooks.models import Webhook
from xplatform.core.config import settings
from xplatform.core.errors import PlatformError

log = logging.getLogger(__name__)

#: seconds before the second attempt, the third, …; after the last one an event is given up
PAUSES: Final = (5, 30, 120, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 28_800)
#: sent to at once
_THREADS: Final = 4
_PAGE: Final = 200
#: events of one webhook in one go; then others have their turn
_IN_A_ROW: Final = 100
#: … and no more begun after so many seconds: a slow one must not hold the others up
_TURN_SECONDS: Final = 15.0


class Postman:
    """One a process. ``look`` is called each second and returns at once."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "webhooks")
        self._busy: set[Any] = set()
        self._lock = threading.Lock()

    def look(self) -> None:
        """Those that have something due are seen to in threads."""
        # Asked each time: one that has just been woken may be behind without anything new.
        waiting = Webhook.objects.filter(active=True, cursor__lt=last_event())
        due = waiting.filter(Q(next_at=None) | Q(next_at__lte=timezone.now()))
        for pk in due.values_list("pk", flat=True):
            with self._lock:
                if pk in self._busy:
                    continue
                self._busy.add(pk)
            self._threads.submit(self._see_to, pk)

    def _see_to(self, pk: Any) -> None:
        close_old_connections()
        try:
            deliver(pk)
        except Exception:
            log.exception("webhook %s", pk)
        finally:
            # The thread may have nothing to do for long.
            connection.close()
            with self._lock:
                self._busy.discard(pk)


@cache
def postman() -> Postman:
    return Postman()


def deliver(pk: Any) -> None:
    """Tell one webhook what it has not been told, until it is up to date or refuses something."""
    until = time.monotonic() + _TURN_SECONDS
    for _ in range(_IN_A_ROW):
        if time.monotonic() > until:
            return
        webhook = Webhook.objects.filter(pk=pk, active=True).first()
        if webhook is None:
            return
        page = events_behind(webhook.cursor, webhook.project or None, _PAGE)
        event = next((one for one in page.events if takes(webhook, one)), None)
        if event is None:
            _advance(webhook, page.last_id)
            if page.more:
                continue
            return
        if not _tell(webhook, event):
            return


def takes(webhook: Webhook, event: EventInfo) -> bool:
    kind = sending.kind_of(event)
    return not webhook.kinds or any(fnmatchcase(kind, glob) for glob in webhook.kinds)


def _tell(webhook: Webhook, event: EventInfo) -> bool:
    """True: on to the next one."""
    now = timezone.now()
    body = sending.body_of(sending.kind_of(event), event.at, asdict(event))
    id = sending.event_id(event)
    try:
        secret = webhook.secret
    except PlatformError as error:
        # Told where its owner looks, and tried again like any other failure.
        outcome = sending.Outcome(id, None, error.message)
    else:
        outcome = sending.send(webhook.url, secret, id, body, now, settings())
    noted = last_values(outcome, now)
    if outcome.ok:
        more = {"delivered_at": now, "delivered": webhook.delivered + 1}
        return _advance(webhook, event.id, **noted, **more)
    if outcome.status == sending.GONE:
        log.warning("webhook %s answered 410: it is told nothing any more", webhook.name)
        _update(webhook, active=False, **noted)
        return False
    if webhook.attempts >= len(PAUSES):
        log.warning("webhook %s: %s is given up", webhook.name, outcome.id)
        return _advance(webhook, event.id, given_up=webhook.given_up + 1, **noted)
    pause = timedelta(seconds=PAUSES[webhook.attempts])
    _update(webhook, attempts=webhook.attempts + 1, next_at=now + pause, **noted)
    return False


def last_values(outcome: sending.Outcome, now: datetime) -> dict[str, Any]:
    return {
        "last_at": now,
        "last_id": outcome.id,
        "last_status": outcome.status,
        "last_error": outcome.error[:500],
    }


def _advance(webhook: Webhook, cursor: int, **values: Any) -> bool:
    return _update(webhook, cursor=cursor, attempts=0, next_at=None, **values)


def _update(webhook: Webhook, **values: Any) -> bool:
    """False: somebody has changed it meanwhile, another control worker or a person."""
    same = Webhook.objects.filter(pk=webhook.pk, cursor=webhook.cursor, active=True)
    return bool(same.update(**values))
