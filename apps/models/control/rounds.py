"""The periodic work of the control plane: what no message led to, is found here.

Any number of control workers may run. The one that holds the lease in the database *asks* for a
round each second, by a message to the queue that all of them read. So the round is its own proof
that reports can reach the control plane: while the broker (or the database, or this machine)
stands still no round is done, and after it nobody is taken for dead before nodes had time to be
heard again. Should two hold the lease for a moment, nothing is harmed: all work locks what it
changes, and is safe to be done twice.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, close_old_connections, transaction
from django.utils import timezone

from apps.audit import api as audit
from apps.metering import api as metering
from apps.models.control import beside, effects, keeper
from apps.models.control.history import prune
from apps.models.models import Lease

log = logging.getLogger(__name__)

_EVERY = 1.0
#: nobody needs a request for a round when the next has been sent
_EXPIRES = 3.0
_LEASE = timedelta(seconds=6)
#: the lease is written again when less than this is left
_RENEW = timedelta(seconds=3)
_LONGEST_PAUSE = 15.0
_PRUNE_EVERY = 600.0
#: the time of a round is written no more often than this
_WRITE_EVERY = timedelta(seconds=2)
#: a longer gap between rounds means that nobody could be heard
_GAP = timedelta(seconds=6)


def do_round() -> None:
    """Raises DatabaseError."""
    keeper.keep_all(_rounds_since().timestamp())


def _rounds_since() -> datetime:
    now = timezone.now()
    lease, _ = Lease.objects.get_or_create(name="control")
    gap = abs(now - lease.round_at)
    if gap > _GAP:
        log.info("first round after %d s: nodes get time to be heard", gap.total_seconds())
        lease.rounds_since = now
    if gap > _WRITE_EVERY:
        rows = Lease.objects.filter(pk=lease.pk)
        rows.update(round_at=now, rounds_since=lease.rounds_since)
    return lease.rounds_since


class Ticker:
    """One thread in each control worker."""

    def __init__(self) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._pruned = time.monotonic()
        self._leads = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="ticker", daemon=True).start()

    def tick(self) -> None:
        """Raises DatabaseError."""
        leads = self.take_lease()
        if leads != self._leads:
            log.info("this control worker %s", "leads" if leads else "does not lead any more")
        self._leads = leads
        if not leads:
            return
        effects.look_now(_EXPIRES)
        audit.seal()
        beside.do_it()
        if time.monotonic() - self._pruned > _PRUNE_EVERY:
            self._pruned = time.monotonic()
            prune()
            audit.prune_old("control")
            metering.tidy()

    def take_lease(self) -> bool:
        now = timezone.now()
        lease, _ = Lease.objects.get_or_create(name="control")
        mine = lease.holder == self.holder
        if not mine and lease.holder and lease.until > now:
            return False
        if mine and lease.until - now > _RENEW:
            return True
        with transaction.atomic():
            lease = Lease.objects.select_for_update().get(pk=lease.pk)
            if lease.holder not in ("", self.holder) and lease.until > now:
                return False
            lease.holder, lease.until = self.holder, now + _LEASE
            lease.save(update_fields=["holder", "until"])
            return True

    def _run(self) -> None:
        pause = _EVERY
        while True:
            began = time.monotonic()
            close_old_connections()
            try:
                self.tick()
                pause = _EVERY
            except (DatabaseError, InterfaceError) as error:
                if pause == _EVERY:
                    log.error("the database fails: %s", str(error).strip())
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception:
                log.exception("the control plane's ticker")
            time.sleep(max(0.05, pause - (time.monotonic() - began)))
