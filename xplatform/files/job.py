"""One download from outside: its states, what is told of it, and the threads that it works on."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xplatform.core.errors import (
    DiskFull,
    FilesDamaged,
    HubUnavailable,
    Internal,
    PlatformError,
    RequestAborted,
)
from xplatform.files import disk
from xplatform.files.fetch import Fetch
from xplatform.files.gauge import Gauge
from xplatform.files.jobs import DownloadInfo, Failure, FileInfo, Record, State
from xplatform.files.stop import Stop, Stopped

if TYPE_CHECKING:
    from xplatform.files.workshop import Workshop

log = logging.getLogger(__name__)


class Job:
    """Only ``Files`` starts and stops it, under ``Workshop.lock``, which is held for each change
    of ``working``, ``waiters`` and of the record's state at an end."""

    def __init__(self, record: Record, shop: Workshop, ended: Callable[[], None]) -> None:
        self.record = record
        #: of what was fetched; None until it is done
        self.path: Path | None = None
        #: who waits for it, by number
        self.waiters: dict[int, str] = {}
        #: from ``start`` until its state is an end's or a pause's
        self.working = False
        #: what it is to become
        self._stopping: State | None = None
        self._shop = shop
        self._ended = ended
        self._stop = Stop()
        self._gauge = Gauge(record.done)
        self._gauge.total = record.total
        self._fetch: Fetch | None = None

    def start(self) -> None:
        again = self.record.state in ("queued", "paused")
        self._gauge = Gauge(self.record.done if again else 0)
        self._gauge.total = self.record.total if again else 0
        self.record.state, self.record.error, self._stopping = "queued", None, None
        self.path, self.working = None, True
        self._stop = Stop()
        self._fetch = Fetch(self.record, self._shop, self._gauge, self._stop, self.save)
        self.save()
        threading.Thread(
            target=self._run, args=(self._fetch,), name=f"download-{self.record.id}", daemon=True
        ).start()

    def stop(self, state: State) -> None:
        """Ends as ``state``, on its own threads and soon. Cancelled it stays."""
        if self._stopping != "cancelled":
            self._stopping = state
        self._stop.set()

    def end(self, state: State) -> None:
        """Of one that is not at work."""
        self.record.state = state
        if state == "cancelled":
            self.record.error = Failure.of(self._aborted())
            self._drop_partial()
        self.save()

    def save(self) -> None:
        self.record.updated = time.time()
        try:
            self._shop.store.write(self.record)
        except OSError as error:
            # Without it a restart knows less; the download itself finds out about a full disk.
            log.warning("the record of download %s is not kept: %s", self.record.id, error)

    # --- what is told ------------------------------------------------------------------------

    def progress(self) -> tuple[int, int, str]:
        return self._gauge.done(), self._gauge.total, self._line()

    def info(self) -> DownloadInfo:
        record, gauge = self.record, self._gauge
        done, total, line = self.progress()
        speed = gauge.meter.speed() if record.state == "running" else 0.0
        return DownloadInfo(
            id=record.id,
            state=record.state,
            hub=record.source.hub,
            name=record.source.name,
            revision=record.source.revision,
            commit=record.commit,
            path=str(self.path or ""),
            done=done,
            total=total,
            speed=speed,
            remaining=(total - done) / speed if speed > 0 and total else None,
            line=line,
            error=record.error,
            files=[FileInfo(*file) for file in gauge.files()],
            waiters=sorted(set(self.waiters.values())),
            created=record.created,
            updated=record.updated,
        )

    def _line(self) -> str:
        record = self.record
        if record.error is not None:
            return record.error.message
        if record.state == "paused":
            if not record.paused_by_hand:
                return "stopped until a launch needs it"
            # With the time, so that whoever waits is seen not to be stuck.
            return f"paused since {(time.time() - record.updated) // 60:.0f} min"
        if record.state in ("done", "cancelled"):
            return record.state
        return self._gauge.line()

    def still_to_come(self) -> int:
        """Bytes that room is kept for."""
        return self._fetch.still_to_come() if self.working and self._fetch else 0

    # --- the work ----------------------------------------------------------------------------

    def _run(self, fetch: Fetch) -> None:
        failure: Failure | None = None
        state: State = "failed"
        try:
            path = fetch.run()
            with self._shop.lock:
                # At once: whoever comes later sees it done, or is among those who wait.
                for holder, until_gone in self._shop.holders(self):
                    self._shop.cache.leases.take(holder, self.record.entry, until_gone)
                self.path, state = path, "done"
                self._finish(fetch, state, None)
        except Stopped:
            state = self._stopping or "paused"
            failure = Failure.of(self._aborted()) if state == "cancelled" else None
        except PlatformError as error:
            failure = Failure.of(error)
            if isinstance(error, HubUnavailable | FilesDamaged):
                self._distrust()
        except OSError as error:
            failure = Failure.of(self._disk_error(error))
        except Exception as error:
            log.exception("the download of %s failed", self.record.source.name)
            failure = Failure.of(Internal(f"{type(error).__name__}: {error}"))
        if state != "done":
            with self._shop.lock:
                self._finish(fetch, state, failure)
        if failure is not None:
            log.warning("download of %s: %s", self.record.source.name, failure.message)
        self._ended()

    def _finish(self, fetch: Fetch, state: State, failure: Failure | None) -> None:
        self.record.state, self.record.error, self.working = state, failure, False
        if state != "paused":
            self.record.asked_for = self.record.paused_by_hand = False
        self.record.done = self._gauge.done()
        if state == "cancelled":
            self._drop_partial()
        self.save()
        # Last: it holds the files until those who waited do.
        self._shop.cache.leases.give_back(fetch.holder)

    def _aborted(self) -> PlatformError:
        return RequestAborted(f"The download of '{self.record.source.name}' was cancelled.")

    def _distrust(self) -> None:
        try:
            self._shop.cache.distrust(self.record.source)
        except OSError as error:
            log.warning("%s", error)

    def _disk_error(self, error: OSError) -> PlatformError:
        root = self._shop.cache.root
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return DiskFull(
                f"The disk ran full while '{self.record.source.name}' was fetched to {root}. What"
                " has arrived is kept.",
                data={"free": disk.free(root)},
            )
        return Internal(f"cannot write to {root}: {error.strerror or error}")

    def _drop_partial(self) -> None:
        """What has arrived of files that are not complete. Others may be at the same commit."""
        if not self.record.entry or self._shop.is_filled_by_another(self):
            return
        for entry in self._shop.cache.entries():
            if entry.id == self.record.entry:
                entry.drop_partial()
