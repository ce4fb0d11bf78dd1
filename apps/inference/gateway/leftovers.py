"""Messages in the broker that nobody waits for any more.

A client that leaves while its request is queued frees its place in the waiting line at once, but
the message stays in the broker until a replica takes it, and is told to drop it. While a model
loads that is a while, in which many clients may come and go with large requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

#: more than this in the broker, and new requests have to wait outside
MAX_BYTES = 256 << 20
#: what a small message costs, with all that is around it
_LEAST = 4096


@dataclass(slots=True)
class _Left:
    model: str
    order: int
    since: float
    size: int
    until: float


class Leftovers:
    def __init__(self) -> None:
        self._left: dict[str, _Left] = {}
        self.bytes = 0

    @property
    def full(self) -> bool:
        return self.bytes > MAX_BYTES

    def add(self, key: str, model: str, order: int, size: int, until: float) -> None:
        left = _Left(model, order, time.monotonic(), max(size, _LEAST), until)
        self._left[key] = left
        self.bytes += left.size

    def taken(self, key: str) -> None:
        """A replica has it, or had it."""
        if left := self._left.pop(key, None):
            self.bytes -= left.size

    def sweep(self, was_taken: Callable[[str, int, float], bool]) -> None:
        """Forget those that must have been taken: ``was_taken(model, order, since)``."""
        now = time.monotonic()
        for key, left in list(self._left.items()):
            if now > left.until or was_taken(left.model, left.order, left.since):
                self.taken(key)
