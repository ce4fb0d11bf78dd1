"""Ending work on other threads: at once, also when they sit in a read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """The work was asked to end."""


class Stop:
    """An event that can also wake what cannot wait for it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._wakers: set[Callable[[], None]] = set()

    def set(self) -> None:
        self._event.set()
        with self._lock:
            wakers = list(self._wakers)
        for wake in wakers:
            wake()

    def is_set(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raises Stopped."""
        if self._event.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Raises Stopped."""
        if self._event.wait(seconds):
            raise Stopped

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """``wake`` is called, from another thread, when the end is asked for meanwhile."""
        with self._lock:
            self._wakers.add(wake)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._wakers.discard(wake)
