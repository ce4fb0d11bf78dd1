"""Up to which id the history is complete.

Ids are given when a row is written, and rows are seen when their transaction commits: on PostgreSQL
event 7 may be seen before event 6. A reader that went on from 7 would never learn of 6. So nobody
is shown an event as long as one with a lower id may still come.

An id that is missing is on its way, or its transaction was rolled back. Which of the two is known
as soon as every transaction has ended that was running when the gap was first seen.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from apps.models.models import Event

log = logging.getLogger(__name__)

_PAGE = 1000
#: whatever was written this long ago has been committed, or never will be
_OLD = timedelta(minutes=2)
#: an id is taken an instant before its transaction counts as one that writes
_LEAST_SECONDS = 0.1
#: a foreign transaction that never ends must not stop the news for ever
_MOST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Gap:
    """Something is missing before ``before``."""

    before: int
    #: transactions from this one on began after it was seen
    next_transaction: int
    seen: float


class Settled:
    """One a process; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._id: int | None = None
        self._gap: _Gap | None = None

    @property
    def pending(self) -> bool:
        """Something is held back: look again soon."""
        return self._gap is not None

    def look(self) -> int:
        """The highest id below which nothing can come any more. A query or two."""
        if connection.vendor != "postgresql":
            # SQLite has one writer at a time, and gives ids as it commits.
            return newest_id()
        with self._lock:
            if self._id is None:
                self._id = self._beginning()
            return self._advance(self._id)

    def _beginning(self) -> int:
        old = Event.objects.filter(at__lt=timezone.now() - _OLD).order_by("-id")
        return old.values_list("id", flat=True).first() or 0

    def _advance(self, settled: int) -> int:
        # Before the rows: what had ended by then is seen among them, or was rolled back.
        oldest = _running_transactions()[0] if self._gap else 0
        while True:
            rows = Event.objects.filter(id__gt=settled).order_by("id")
            page = list(rows.values_list("id", flat=True)[:_PAGE])
            for number in page:
                if number != settled + 1 and not self._is_closed(number, oldest):
                    self._id = settled
                    return settled
                settled = number
            if len(page) < _PAGE:
                self._id, self._gap = settled, None
                return settled

    def _is_closed(self, before: int, oldest: int) -> bool:
        gap = self._gap
        if gap is None or gap.before != before:
            self._gap = _Gap(before, _running_transactions()[1], time.monotonic())
            return False
        waited = time.monotonic() - gap.seen
        if waited > _MOST_SECONDS:
            log.warning("events before %d are not waited for any longer", before)
            return True
        return waited > _LEAST_SECONDS and oldest >= gap.next_transaction


def newest_id() -> int:
    """0 when there is no event."""
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def _running_transactions() -> tuple[int, int]:
    """The oldest that runs, and the next that will begin."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
            " FROM pg_current_snapshot() AS s"
        )
        oldest, following = cursor.fetchone()
    return int(oldest), int(following)


#: of this process
settled = Settled()
