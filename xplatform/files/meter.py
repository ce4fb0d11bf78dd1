"""How much is here, and how fast more comes."""

from __future__ import annotations

import threading
import time


class Meter:
    """Bytes that are here and how fast they come. Thread-safe."""

    def __init__(self, over: float = 5.0) -> None:
        self._lock = threading.Lock()
        self._over = over
        self.done = 0
        self._came: list[tuple[float, int]] = []

    def add(self, count: int, fetched: bool) -> None:
        now = time.monotonic()
        with self._lock:
            self.done += count
            if fetched and count > 0:
                if self._came and now - self._came[-1][0] < 0.1:
                    self._came[-1] = (self._came[-1][0], self._came[-1][1] + count)
                else:
                    self._came.append((now, count))
                    self._prune(now)

    def speed(self) -> float:
        """Bytes a second over the last seconds."""
        now = time.monotonic()
        with self._lock:
            self._prune(now)
            if not self._came:
                return 0.0
            span = max(now - self._came[0][0], 0.5)
            return sum(count for _, count in self._came) / span

    def _prune(self, now: float) -> None:
        while self._came and now - self._came[0][0] > self._over:
            self._came.pop(0)
