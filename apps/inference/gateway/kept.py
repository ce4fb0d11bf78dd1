"""Something of the database that is kept in memory, as fresh as can be told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

_REFRESH_SECONDS = 10.0
_RETRY_SECONDS = 1.0
#: requests for what is not known wait this long for another look, and no look follows the last one
#: sooner than this: a flood of wrong names costs a few looks a second
_LOOK_SECONDS = 1.0
_LOOK_PAUSE = 0.1


class Kept:
    def __init__(
        self,
        what: str,
        read: Callable[[], Awaitable[None]],
        changed: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """``changed`` is a cheap look that spares the reading; it may be asked often."""
        self._what = what
        self._read = read
        self._changed = changed
        self.loaded = asyncio.Event()
        self._wanted = asyncio.Event()
        #: not just a look: something was said to have changed
        self._told = True
        self._looked = asyncio.Condition()
        #: when the last complete look began
        self._seen = 0.0

    def want(self) -> None:
        """Something has changed: read it again."""
        self._told = True
        self._wanted.set()

    async def look_again(self) -> None:
        """Until a look is over that began after now; not at all while the database is away."""
        now = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                if (early := self._seen + _LOOK_PAUSE - now) > 0:
                    await asyncio.sleep(early)
                self._wanted.set()
                async with self._looked:
                    await self._looked.wait_for(lambda: self._seen >= now)

    async def keep(self, look_seconds: float = _REFRESH_SECONDS) -> None:
        """Read on demand and every ten seconds, look (with ``changed``) every ``look_seconds``."""
        due = 0.0
        while True:
            self._wanted.clear()
            began = time.monotonic()
            must = self._told or began >= due or self._changed is None
            self._told = False
            try:
                if must or (self._changed is not None and await self._changed()):
                    await self._read()
                    due = time.monotonic() + _REFRESH_SECONDS
                    self.loaded.set()
            except Exception as error:
                log.warning("%s cannot be read: %s", self._what, error)
                pause = _RETRY_SECONDS
                self._told = self._told or must
            else:
                pause = look_seconds
                async with self._looked:
                    self._seen = began
                    self._looked.notify_all()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)
