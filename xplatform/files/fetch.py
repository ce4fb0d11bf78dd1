"""The work of one download: what is listed, what of it is missing, and fetching that."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xplatform.files.cache import Entry
from xplatform.files.gauge import Gauge
from xplatform.files.jobs import Record
from xplatform.files.links import link_from_other_caches
from xplatform.files.listing import HubReader, RemoteFile, Snapshot
from xplatform.files.look_up import look_up, offline
from xplatform.files.partial import Partial
from xplatform.files.peers import Peer, PeersThenHub
from xplatform.files.room import make_room, needed
from xplatform.files.selection import select
from xplatform.files.source import Source
from xplatform.files.stop import Stop, Stopped
from xplatform.files.transfer import Transfer

if TYPE_CHECKING:
    from xplatform.files.workshop import Workshop

log = logging.getLogger(__name__)

#: seconds between two records of how far it is
_SAVE_EVERY = 2.0


class Fetch:
    """One run of a job. ``save`` keeps the record on disk."""

    def __init__(
        self, record: Record, shop: Workshop, gauge: Gauge, stop: Stop, save: Callable[[], None]
    ) -> None:
        self._record, self._shop, self._gauge, self._stop = record, shop, gauge, stop
        self._save, self._saved = save, 0.0
        self._source = record.source
        #: bytes that room was found for, and those that were here then
        self._needed = self._had = 0
        #: who holds the files until it has ended; another process may fetch the same
        self.holder = f"download {record.id} (process {os.getpid()})"

    def run(self) -> Path:
        """What an engine is given. Raises PlatformError, Stopped and OSError."""
        shop, record, source = self._shop, self._record, self._source
        self._gauge.say(f"looking up {source.name}")
        snapshot, reader = look_up(source, shop, record.peers, self._stop, self._gauge.say)
        wanted = select(source, snapshot)
        entry = shop.cache.entry(snapshot)
        with shop.cache.lock():
            shop.cache.leases.take(self.holder, entry.id)
            if entry.snapshot() != snapshot:
                entry.write_snapshot(snapshot)
        entry.touch()
        self._gauge.expect(wanted)
        record.commit, record.entry, record.total = snapshot.commit, entry.id, self._gauge.total
        missing = [file for file in wanted if not self._is_here(snapshot, entry, file)]
        if missing:
            if reader is None:
                raise offline(source, shop, missing)
            self._make_room(entry, missing)
            self._fetch(snapshot, entry, missing, reader)
        return result(source, snapshot, entry)

    def still_to_come(self) -> int:
        """Bytes that room is kept for."""
        return max(self._needed - (self._gauge.meter.done - self._had), 0)

    def _is_here(self, snapshot: Snapshot, entry: Entry, file: RemoteFile) -> bool:
        """Or can be linked to."""
        target = entry.file(file.path)
        if not entry.has(file):
            self._stop.check()
            if not link_from_other_caches(snapshot, file, target, self._stop):
                return False
            log.info("'%s' of '%s' is in another cache", file.path, snapshot.id)
        self._gauge.came(file.path, target.stat().st_size, False)
        return True

    def _make_room(self, entry: Entry, missing: Sequence[RemoteFile]) -> None:
        """One download after the other, each with those before it in mind. Raises DiskFull."""
        with self._shop.room:
            wanted = needed(entry, missing)
            others = self._shop.still_to_come()
            make_room(self._shop, entry, wanted, others, self._source.name)
            self._needed, self._had = wanted, self._gauge.meter.done

    # --- fetching ----------------------------------------------------------------------------

    def _fetch(
        self, snapshot: Snapshot, entry: Entry, missing: Sequence[RemoteFile], reader: HubReader
    ) -> None:
        """Several files at once, small ones first: their absence is found out early."""
        peers = self._shop.peers_with(snapshot, self._record.peers, [f.path for f in missing])
        todo: queue.SimpleQueue[RemoteFile] = queue.SimpleQueue()
        for file in sorted(missing, key=lambda f: f.size or 0):
            todo.put(file)
        failed: list[BaseException] = []
        ended = Stop()

        def work() -> None:
            while not failed:
                try:
                    file = todo.get_nowait()
                except queue.Empty:
                    return
                try:
                    with self._shop.slot(ended), self._gauge.under_way(file):
                        self._begin()
                        self._transfer(snapshot, entry, file, reader, peers, ended).run()
                except BaseException as error:
                    failed.append(error)
                    ended.set()

        threads = [
            threading.Thread(target=work, name=f"download-{self._record.id}-{n}", daemon=True)
            for n in range(min(self._shop.parallel, len(missing)))
        ]
        with self._stop.waking(ended.set):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self._stop.check()
        if failed:
            # The first is the cause, the others were ended for it.
            raise next((e for e in failed if not isinstance(e, Stopped)), failed[0])

    def _begin(self) -> None:
        if self._record.state == "queued":
            self._record.state = "running"
            self._save()

    def _transfer(
        self,
        snapshot: Snapshot,
        entry: Entry,
        file: RemoteFile,
        reader: HubReader,
        peers: Sequence[Peer],
        stop: Stop,
    ) -> Transfer:
        def came(count: int, fetched: bool) -> None:
            self._gauge.came(file.path, count, fetched)
            if (now := time.monotonic()) - self._saved > _SAVE_EVERY:
                self._saved = now
                self._record.done = self._gauge.done()
                self._save()

        having = [peer for peer in peers if file.path in peer.files]
        return Transfer(
            Partial(file, entry.file(file.path), entry.partial(file.path), came),
            PeersThenHub(reader, snapshot, file, having),
            stop=stop,
            patience=self._shop.patience,
            waiting=lambda why: self._gauge.trouble(file.path, why),
        )


def result(source: Source, snapshot: Snapshot, entry: Entry) -> Path:
    """The entry, the one file, or the folder."""
    if source.entry:
        return entry.file(source.entry)
    if snapshot.single:
        return entry.file(snapshot.files[0].path)
    return entry.path
