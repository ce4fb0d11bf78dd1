"""What the downloads of one process share."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xplatform.core.config import Settings
from xplatform.files import hubs
from xplatform.files.cache import Cache
from xplatform.files.jobs import Store
from xplatform.files.listing import HubReader, Snapshot
from xplatform.files.peers import Peer, offers
from xplatform.files.source import Source
from xplatform.files.stop import Stop
from xplatform.files.transfer import Patience

if TYPE_CHECKING:
    from xplatform.files.job import Job


class Workshop:
    def __init__(self, settings: Settings, patience: Patience) -> None:
        self.settings = settings
        self.patience = patience
        self.cache = Cache(settings.models_path)
        self.store = Store(settings.models_path / ".downloads")
        self.parallel = settings.download_parallel
        #: bytes; 0: no limit
        self.limit = int(settings.cache_max_gb * 1e9)
        #: of ``jobs``, their records and their waiters
        self.lock = threading.RLock()
        #: held while room is made for one download
        self.room = threading.Lock()
        self.jobs: dict[str, Job] = {}
        #: waiter → who shall hold the files afterwards, and the file that stands for it
        self.leases_due: dict[int, tuple[str, Path | None]] = {}
        self._slots = threading.Semaphore(settings.download_parallel)

    @property
    def offline(self) -> bool:
        said = os.environ.get("HF_HUB_OFFLINE", "").lower()
        return self.settings.offline or said in ("1", "true", "yes", "on")

    def reader(self, source: Source) -> HubReader:
        return hubs.reader(source.hub, self.settings, source.id)

    @contextmanager
    def slot(self, stop: Stop) -> Iterator[None]:
        """One of the files that are fetched at once, over all downloads. Raises Stopped."""
        while not self._slots.acquire(timeout=0.1):
            stop.check()
        try:
            stop.check()
            yield
        finally:
            self._slots.release()

    def holders(self, job: Job) -> list[tuple[str, Path | None]]:
        return [self.leases_due[n] for n in job.waiters if n in self.leases_due]

    def still_to_come(self) -> int:
        """Bytes that running downloads have found room for and not written yet."""
        with self.lock:
            return sum(job.still_to_come() for job in self.jobs.values())

    def is_filled_by_another(self, but: Job) -> bool:
        return any(
            job is not but and job.working and job.record.entry == but.record.entry
            for job in self.jobs.values()
        )

    # --- other nodes -------------------------------------------------------------------------

    def peers_with(
        self, snapshot: Snapshot, more: Sequence[str], paths: Sequence[str]
    ) -> list[Peer]:
        """As many as it takes to get the files, in an order of chance: a new model is not copied
        by all nodes from the same one."""
        source = Source(snapshot.hub, snapshot.id, snapshot.commit)  # type: ignore[arg-type]
        urls, found, wanted = self._urls(more), [], set(paths)
        random.shuffle(urls)
        for url, offer in offers(urls, self.settings.peer_token, source):
            if offer.snapshot.commit == snapshot.commit and wanted & set(offer.files):
                token = self.settings.peer_token
                found.append(Peer(url, offer.entry, frozenset(offer.files), token))
                wanted -= found[-1].files
            if not wanted:
                break
        return found

    def peer_snapshot(self, source: Source, more: Sequence[str]) -> Snapshot | None:
        """When the hub is away: the listing of a node that has some of it."""
        for _, offer in offers(self._urls(more), self.settings.peer_token, source):
            if offer.snapshot.hub == source.hub and offer.snapshot.id == source.id:
                return offer.snapshot
        return None

    def _urls(self, more: Sequence[str]) -> list[str]:
        own = [url.strip() for url in self.settings.peers.split(",")]
        # Whom an order names asks for the token; without one there is nothing to try.
        named = more if self.settings.peer_token else ()
        return list(dict.fromkeys(url for url in [*named, *own] if url))
