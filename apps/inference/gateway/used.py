"""When keys were last used: told to the database in batches, off a request's way."""

from __future__ import annotations

import asyncio
import logging

from apps.accounts import api as accounts
from apps.accounts.api import KeyRecord
from apps.inference.gateway.database import ask

log = logging.getLogger(__name__)

_SECONDS = 30.0
_LAST_SECONDS = 1.0


class Used:
    def __init__(self) -> None:
        self._ids: set[str] = set()

    def note(self, record: KeyRecord | None) -> None:
        if record is not None and record.kind == "key":
            self._ids.add(record.id)

    async def keep_telling(self) -> None:
        try:
            while True:
                await asyncio.sleep(_SECONDS)
                await self._tell()
        finally:
            # The server stops, and does not wait long for this.
            async with asyncio.timeout(_LAST_SECONDS):
                await self._tell()

    async def _tell(self) -> None:
        ids, self._ids = self._ids | accounts.noted(), set()
        if not ids:
            return
        try:
            await ask(lambda: accounts.used(ids))
        except Exception as error:
            log.warning("the last use of keys cannot be written: %s", error)
            self._ids |= ids
