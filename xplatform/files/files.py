"""The face: get a source's files here, and look after what is here."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from xplatform.core.config import Settings
from xplatform.core.errors import Conflict, NotFound
from xplatform.files import disk
from xplatform.files.cache import CachedInfo
from xplatform.files.hubs.path import is_local, local_path
from xplatform.files.job import Job
from xplatform.files.jobs import OPEN, DownloadInfo, Progress, Record, job_id
from xplatform.files.source import Source
from xplatform.files.transfer import Patience
from xplatform.files.workshop import Workshop

#: seconds between two calls of ``progress``
_PROGRESS_EVERY = 0.25
#: finished downloads that are remembered
_KEPT = 100


class Cancelled(Exception):
    """``ensure`` was asked to end by its caller."""


class Files:
    """One a process and cache. Thread-safe."""

    def __init__(self, settings: Settings, patience: Patience | None = None) -> None:
        self._shop = Workshop(settings, patience or Patience())
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        #: grows with each change that is worth telling
        self.changes = 0
        self._shop.cache.tidy()
        self._read()

    def _read(self) -> None:
        """What an earlier process left. Nothing starts here: see ``take_up``."""
        records = self._shop.store.read_all()
        ended = [record for record in records if record.state not in OPEN]
        for record in ended[: max(len(ended) - _KEPT, 0)]:
            self._shop.store.remove(record.id)
            records.remove(record)
        for record in records:
            if record.state in ("queued", "running"):
                record.state = "paused"
            self._shop.jobs[record.id] = self._job(record)

    def _job(self, record: Record) -> Job:
        job = Job(record, self._shop, lambda: self._ended(job))
        return job

    def take_up(self) -> None:
        """Go on with what was asked for by itself before this process started. What only a launch
        needs goes on when the launch asks again."""
        with self._shop.lock:
            for job in self._shop.jobs.values():
                if not job.working:
                    self._settle(job)

    # --- getting files -----------------------------------------------------------------------

    def ensure(
        self,
        source: Source,
        progress: Progress = lambda done, total, line: None,
        cancelled: threading.Event | None = None,
        *,
        holder: str = "",
        until_gone: Path | None = None,
        peers: Sequence[str] = (),
    ) -> Path:
        """The path for an engine, when all wanted files are here. Waits for as long as it takes;
        who asks for the same source meanwhile shares the download.

        ``progress`` is called on this thread, a few times a second. With a ``holder`` the files
        are in use, until this process or the file ``until_gone`` goes (``release`` ends it too).

        Raises Cancelled when the event is set (the download ends unless others want it, and is
        taken up where it was the next time), and PlatformError: only a ``retryable`` one may go
        away by itself.
        """
        if is_local(source):
            return local_path(source)
        number = next(self._numbers)
        with self._shop.lock:
            job = self._find_or_make(source, peers)
            job.waiters[number] = holder or "a command"
            if holder:
                self._shop.leases_due[number] = (holder, until_gone)
            # (One that is being stopped starts again when it has ended: see ``_settle``.)
            if not job.working and not job.record.paused_by_hand:
                job.start()
        self._tell()
        try:
            return self._wait(job, progress, cancelled or threading.Event())
        finally:
            with self._shop.lock:
                del job.waiters[number]
                self._shop.leases_due.pop(number, None)
                if not job.waiters and not job.record.asked_for and job.working:
                    job.stop("paused")

    def _wait(self, job: Job, progress: Progress, cancelled: threading.Event) -> Path:
        while True:
            if cancelled.is_set():
                raise Cancelled
            with self._shop.lock:
                record = job.record
                path = job.path if record.state == "done" else None
                if record.state in ("failed", "cancelled") and record.error is not None:
                    raise record.error.error()
            progress(*job.progress())
            if path is not None:
                return path
            with self._changed:
                if not cancelled.is_set() and job.record.state in OPEN:
                    self._changed.wait(_PROGRESS_EVERY)

    def fetch(self, source: Source, peers: Sequence[str] = ()) -> DownloadInfo:
        """Begin to fetch, for no launch in particular. Goes on after a restart."""
        if is_local(source):
            raise Conflict(f"'{source.id}' is a path on the node: there is nothing to fetch.")
        with self._shop.lock:
            job = self._find_or_make(source, peers)
            job.record.asked_for, job.record.paused_by_hand = True, False
            if not job.working:
                job.start()
            info = job.info()
        self._tell()
        return info

    def _find_or_make(self, source: Source, peers: Sequence[str]) -> Job:
        id = job_id(source)
        job = self._shop.jobs.get(id)
        if job is None:
            job = self._shop.jobs[id] = self._job(Record(id, source, created=time.time()))
        if peers:
            job.record.peers = list(peers)
        return job

    def _ended(self, job: Job) -> None:
        with self._shop.lock:
            self._settle(job)
        self._tell()

    def _tell(self) -> None:
        with self._changed:
            self.changes += 1
            self._changed.notify_all()

    def _settle(self, job: Job) -> None:
        """It was stopped, but is wanted (again)."""
        record = job.record
        wanted = job.waiters or record.asked_for
        if record.state == "paused" and not record.paused_by_hand and wanted:
            job.start()

    # --- looking after downloads -------------------------------------------------------------

    def downloads(self) -> list[DownloadInfo]:
        with self._shop.lock:
            return [job.info() for job in self._shop.jobs.values()]

    @property
    def working(self) -> bool:
        with self._shop.lock:
            return any(job.working for job in self._shop.jobs.values())

    def download(self, id: str) -> DownloadInfo:
        with self._shop.lock:
            return self._find(id).info()

    def pause(self, id: str) -> None:
        """Those who wait for it go on waiting. Raises NotFound, and Conflict when it has ended."""
        with self._shop.lock:
            job = self._find(id)
            self._check_open(job, "paused")
            job.record.paused_by_hand = True
            if job.working:
                job.stop("paused")
            else:
                job.end("paused")
        self._tell()

    def resume(self, id: str) -> None:
        """Also begins a failed or cancelled one anew, with what is here. Raises NotFound."""
        with self._shop.lock:
            job = self._find(id)
            job.record.paused_by_hand = False
            if not job.waiters:
                job.record.asked_for = True
            if not job.working and job.record.state != "done":
                job.start()
        self._tell()

    def cancel(self, id: str) -> None:
        """Launches that wait for it fail; what has arrived of incomplete files is removed.
        Raises NotFound, and Conflict when it has ended."""
        with self._shop.lock:
            job = self._find(id)
            self._check_open(job, "cancelled")
            job.record.asked_for = job.record.paused_by_hand = False
            if job.working:
                job.stop("cancelled")
            else:
                job.end("cancelled")
        self._tell()

    def forget(self, id: str) -> None:
        """Take one that has ended from the list. Raises NotFound and Conflict."""
        with self._shop.lock:
            job = self._find(id)
            if job.record.state in OPEN or job.working:
                raise Conflict(f"The download '{id}' is {job.record.state}: cancel it first.")
            del self._shop.jobs[id]
            self._shop.store.remove(id)
        self._tell()

    def _check_open(self, job: Job, to: str) -> None:
        if job.record.state not in OPEN:
            raise Conflict(
                f"The download '{job.record.id}' is {job.record.state}; it cannot be {to}."
            )

    def _find(self, id: str) -> Job:
        with self._shop.lock:
            if (job := self._shop.jobs.get(id)) is None:
                raise NotFound(f"There is no download with the id '{id}'.", param="id")
            return job

    # --- looking after the cache -------------------------------------------------------------

    def cached(self) -> list[CachedInfo]:
        return self._shop.cache.listing()

    def remove(self, id: str) -> CachedInfo:
        """Raises NotFound, and Conflict while the files are in use."""
        info = self._shop.cache.remove(id)
        self._tell()
        return info

    def lease(self, path: Path, holder: str, until_gone: Path | None = None) -> bool:
        """Mark the cached files that a path belongs to as in use, until this process (or the file
        ``until_gone``) goes. False: the path is not in the cache."""
        cache_ = self._shop.cache
        with cache_.lock():
            for entry in cache_.entries():
                if path == entry.path or path.is_relative_to(entry.path):
                    cache_.leases.take(holder, entry.id, until_gone)
                    entry.touch()
                    return True
        return False

    def release(self, holder: str) -> None:
        self._shop.cache.leases.give_back(holder)

    def disk(self) -> dict[str, Any]:
        root = self._shop.cache.root
        return {
            "path": str(root),
            "used": self._shop.cache.size(),
            "free": disk.free(root),
            "total": disk.total(root),
            "limit": self._shop.limit or None,
        }

    def picture(self, *, names: bool = True) -> dict[str, Any]:
        """All of it, as messages carry it; with the names of all files or without."""
        picture: dict[str, Any] = {
            "downloads": msgspec.to_builtins(self.downloads()),
            "cached": msgspec.to_builtins(self.cached()),
            "disk": self.disk(),
        }
        if not names:
            for found in picture["downloads"] + picture["cached"]:
                found["files"] = []
        return picture


@cache
def _files(settings: Settings) -> Files:
    return Files(settings)


_making = threading.Lock()


def files_of(settings: Settings) -> Files:
    """This process's, made at first use."""
    with _making:
        return _files(settings)


__all__ = ["Cancelled", "Files", "files_of"]
