"""What this web process's requests used, on its way to the database.

Requests add to a dictionary; once a second it is written, off their path, as a batch with an id.
The web process writes itself: a message to another process could be lost with it. A batch that may
or may not have been written (the connection broke) is written again under the same id, and counts
once. While the database is away everything is kept, merged by the hour, so its size does not
depend on the length of the outage. What a ``kill -9`` loses is the second that was not written.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from apps.metering.rules import Caller

log = logging.getLogger(__name__)

_EVERY: Final = 1.0
_LONGEST_PAUSE: Final = 10.0
#: beyond this many rows, what comes is kept without the key and the user: the sums stay true
_MOST_ROWS: Final = 100_000


@dataclass(slots=True)
class Sums:
    requests: int = 0
    errors: int = 0
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    #: billionths
    cost: int = 0

    def add(self, other: Sums) -> None:
        self.requests += other.requests
        self.errors += other.errors
        self.prompt += other.prompt
        self.cached += other.cached
        self.completion += other.completion
        self.cost += other.cost


class Place(NamedTuple):
    """Of a row: the beginning of its hour as Unix time, and whose it is."""

    hour: int
    key: str
    user: str
    project: str
    model: str


Batch = tuple[uuid.UUID, Sequence[tuple[Place, Sums]]]


class Collector:
    def __init__(self, write: Callable[[Batch], None]) -> None:
        #: runs in a thread; raises when the batch may not have been written
        self._write = write
        self._rows: dict[Place, Sums] = {}
        #: not known to be written
        self._stuck: Batch | None = None

    def add(self, caller: Caller, model: str, used: Sums) -> None:
        hour = int(time.time()) // 3600 * 3600
        place = Place(hour, caller.key, caller.user, caller.project, model)
        sums = self._rows.get(place)
        if sums is None:
            if len(self._rows) >= _MOST_ROWS:
                place = Place(hour, "", "", caller.project, model)
            sums = self._rows.setdefault(place, Sums())
        sums.add(used)

    async def run(self) -> None:
        pause = _EVERY
        while True:
            await asyncio.sleep(pause)
            pause = _EVERY if await self.flush() else min(pause * 2, _LONGEST_PAUSE)

    async def flush(self) -> bool:
        """Everything that was added until now. False: the database is away."""
        try:
            while self._stuck is not None or self._rows:
                if self._stuck is None:
                    rows, self._rows = self._rows, {}
                    # In one order everywhere: processes that write the same rows do not block
                    # each other for good.
                    self._stuck = (uuid.uuid4(), sorted(rows.items()))
                await asyncio.to_thread(self._write, self._stuck)
                self._stuck = None
        except Exception as error:
            log.warning("usage cannot be written yet: %s", str(error).strip())
            return False
        return True
