"""What a web process knows by heart: the API keys and the models that can be called.

No query on a request's way, and no need of the database while it is down. All is read again on
every hint and from time to time; what is not found is looked for once more, since whoever made a
key or a launch may use it before the hint about it has arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from apps.accounts.api import KeyRecord
from apps.inference.gateway.auth import Keys
from apps.inference.gateway.catalog import Catalog
from apps.models.api import ServedModel
from xplatform.core import errors

log = logging.getLogger(__name__)

_REFRESH_SECONDS = 10.0
_RETRY_SECONDS = 1.0
#: requests that come before anything was read wait this long
_LOAD_SECONDS = 10.0
#: requests for what is not known wait this long for another look, and no look follows the last one
#: sooner than this: a flood of wrong names costs a few queries a second
_LOOK_SECONDS = 1.0
_LOOK_PAUSE = 0.1


class Memory:
    def __init__(self) -> None:
        self.keys = Keys()
        self.catalog = Catalog()
        #: everything was read once; from then on it is kept, whatever happens
        self.loaded = asyncio.Event()
        self._wanted = asyncio.Event()
        self._looked = asyncio.Condition()
        #: when the last complete look began
        self._seen = 0.0

    def look(self) -> None:
        """Something has changed."""
        self._wanted.set()

    async def keep_fresh(self) -> None:
        while True:
            self._wanted.clear()
            began = time.monotonic()
            try:
                await self.keys.refresh()
                await self.catalog.refresh()
            except Exception as error:
                log.warning("the database does not answer: %s", error)
                pause = _RETRY_SECONDS
            else:
                pause = _REFRESH_SECONDS
                self.loaded.set()
                async with self._looked:
                    self._seen = began
                    self._looked.notify_all()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)

    async def until_loaded(self) -> None:
        """Right after the start no key is known; to say so would be wrong and final for clients."""
        try:
            await asyncio.wait_for(self.loaded.wait(), _LOAD_SECONDS)
        except TimeoutError:
            raise errors.ServerStarting from None

    async def key(self, header: bytes | None) -> KeyRecord:
        """``header`` is the value of ``Authorization``; raises NotAuthenticated."""
        try:
            return self.keys.check(header)
        except errors.NotAuthenticated:
            if header is None:
                raise
        await self._look_again()
        return self.keys.check(header)

    async def model(self, name: str) -> tuple[ServedModel, str]:
        """The model and the adapter (or "") of that name; raises ModelNotFound."""
        found = self.catalog.resolve(name)
        if found is None:
            await self._look_again()
            found = self.catalog.resolve(name)
            if found is None:
                raise self.catalog.missing(name)
        return found

    async def _look_again(self) -> None:
        """Until a look is over that began after now; not at all while the database is away."""
        now = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                if (early := self._seen + _LOOK_PAUSE - now) > 0:
                    await asyncio.sleep(early)
                self._wanted.set()
                async with self._looked:
                    await self._looked.wait_for(lambda: self._seen >= now)
