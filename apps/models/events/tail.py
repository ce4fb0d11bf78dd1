"""The newest events of this web process, read once for all who follow them.

Runs while somebody follows. A follower is a position in the history and no queue: one that is slow
costs no memory here, and reads from the database what has left the ring.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from channels.db import database_sync_to_async

from apps.models.events import history
from apps.models.events.settled import settled
from apps.models.pictures import EventInfo
from xplatform.core import hints

log = logging.getLogger(__name__)
T = TypeVar("T")

_RING = 2000
_PAGE = 500
#: hints may be lost
_POLL_SECONDS = 2.0
#: something is held back that an open transaction may come before
_PENDING_SECONDS = 0.15
_RETRY_SECONDS = 1.0


async def read(query: Callable[[], T]) -> T:
    """In a thread of its own, so that a slow database holds up nobody else."""
    answer: T = await database_sync_to_async(query, thread_sensitive=False)()
    return answer


class Tail:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._ring: deque[EventInfo] = deque(maxlen=_RING)
        #: the ring has every event after this id …
        self._floor = 0
        #: … up to this one
        self._end = 0
        self._moved = asyncio.Condition()
        self._followers = 0
        self._task: asyncio.Task[None] | None = None
        self._loaded = asyncio.Event()

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """``wait`` and ``batch`` work inside of this block."""
        self._followers += 1
        try:
            if self._task is None:
                self._loaded.clear()
                self._task = asyncio.get_running_loop().create_task(self._run())
            await self._loaded.wait()
            yield
        finally:
            self._followers -= 1
            if not self._followers and self._task is not None:
                self._task.cancel()
                self._task = None

    @property
    def end(self) -> int:
        return self._end

    async def wait(self, after: int, seconds: float) -> bool:
        """Until there is anything after this id, whatever it is; False: nothing came."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self._end > after)
        return self._end > after

    async def batch(self, after: int, choice: history.Choice) -> history.Page:
        """Some events after an id that are there already."""
        end = self._end
        if after < self._floor:
            return await read(lambda: history.following(after, choice, _PAGE, end))
        found = [e for e in self._ring if e.id > after and choice.takes(e)]
        return history.Page(found, max(after, end), more=False)

    async def _run(self) -> None:
        with hints.listening(hints.EVENTS, hints.MODELS) as heard:
            first = True
            while True:
                heard.clear()
                try:
                    if first:
                        await self._begin()
                        first = False
                    else:
                        await self._look()
                except Exception as error:
                    log.warning("events cannot be read: %s", error)
                    pause = _RETRY_SECONDS
                else:
                    pause = _PENDING_SECONDS if settled.pending else _POLL_SECONDS
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(heard.wait(), pause)

    async def _begin(self) -> None:
        self._end = self._floor = await read(settled.look)
        self._ring.clear()
        self._loaded.set()

    async def _look(self) -> None:
        """All that is new, or the next thousand of it."""
        after = self._end
        page = await read(lambda: history.following(after, history.Choice(), history.MAX_LIMIT))
        if page.last_id == after:
            return
        for event in page.events:
            if len(self._ring) == _RING:
                self._floor = self._ring[0].id
            self._ring.append(event)
        async with self._moved:
            self._end = page.last_id
            self._moved.notify_all()


_tails: dict[asyncio.AbstractEventLoop, Tail] = {}


def tail() -> Tail:
    """This process's."""
    loop = asyncio.get_running_loop()
    if loop not in _tails:
        # A process has one loop; tests have one after the other.
        _tails.clear()
        _tails[loop] = Tail()
    return _tails[loop]
