"""How far a download is, in numbers and in words. Thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from xplatform.files import disk
from xplatform.files.listing import RemoteFile
from xplatform.files.meter import Meter


class Gauge:
    def __init__(self, best: int = 0) -> None:
        self.meter = Meter()
        #: bytes of all files; 0: some hub does not tell
        self.total = 0
        self._lock = threading.Lock()
        #: it never goes back, also when something has to be fetched again
        self._best = best
        self._sizes: dict[str, int | None] = {}
        self._done: dict[str, int] = {}
        self._active: set[str] = set()
        self._now = "waiting for its turn"
        self._trouble = ""

    def say(self, text: str) -> None:
        """What happens while nothing is fetched."""
        with self._lock:
            self._now = text

    def expect(self, files: Iterable[RemoteFile]) -> None:
        with self._lock:
            self._sizes = {file.path: file.size for file in files}
            self._done = dict.fromkeys(self._sizes, 0)
            sizes = self._sizes.values()
            self.total = 0 if None in sizes else sum(size or 0 for size in sizes)

    def came(self, path: str, count: int, fetched: bool) -> None:
        self.meter.add(count, fetched)
        with self._lock:
            self._done[path] = self._done.get(path, 0) + count

    def trouble(self, path: str, why: str) -> None:
        """Why nothing comes of a file; empty when it does again."""
        with self._lock:
            self._trouble = f"{path}: {why}" if why else ""

    @contextmanager
    def under_way(self, file: RemoteFile) -> Iterator[None]:
        with self._lock:
            self._active.add(file.path)
        try:
            yield
        finally:
            with self._lock:
                self._active.discard(file.path)

    def done(self) -> int:
        with self._lock:
            return self._latest()

    def _latest(self) -> int:
        done, best = self.meter.done, self._best
        if self.total:
            done, best = min(done, self.total), min(best, self.total)
        self._best = max(best, done)
        return self._best

    def files(self) -> list[tuple[str, int | None, int]]:
        with self._lock:
            return [(path, size, self._done[path]) for path, size in sorted(self._sizes.items())]

    def line(self) -> str:
        """``downloading model.safetensors and 2 more 1.2 of 4.5 GB, 35 MB/s``"""
        with self._lock:
            if not self._active:
                return self._now
            if self._trouble:
                return f"downloading {self._trouble}"
            largest = max(self._active, key=lambda path: self._sizes.get(path) or 0)
            more = f" and {len(self._active) - 1} more" if len(self._active) > 1 else ""
            done = self._latest()
            size = of(done, self.total) if self.total else disk.gigabytes(done)
        return f"downloading {largest}{more} {size}, {rate(self.meter.speed())}"


def of(done: int, total: int) -> str:
    """``1.2 of 4.5 GB``."""
    whole = disk.gigabytes(total)
    number, _, unit = whole.partition(" ")
    size = {"TB": 1e12, "GB": 1e9, "MB": 1e6, "kB": 1e3, "bytes": 1.0}[unit]
    return f"{done / size:.{1 if '.' in number else 0}f} of {whole}"


def rate(speed: float) -> str:
    number, _, unit = disk.gigabytes(speed).partition(" ")
    return f"{number} {unit}/s" if unit in ("GB", "TB") else f"{float(number):.0f} {unit}/s"
