"""The few questions that a web process asks the database, none of them on a request's way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections, connection

T = TypeVar("T")

_LINE_SECONDS = 30.0


async def ask(query: Callable[[], T]) -> T:
    """In a thread. Outside of Django's own requests nobody else drops connections that broke."""

    def work() -> T:
        close_old_connections()
        try:
            return query()
        finally:
            close_old_connections()

    return await asyncio.to_thread(work)


class Line:
    """A thread with a connection that is kept, for what is asked several times a second. After
    half a minute it is made anew, like all others: it may lead to a file that was replaced."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "database-line")
        self._until = 0.0

    async def ask(self, query: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, query)

    def _work(self, query: Callable[[], T]) -> T:
        now = time.monotonic()
        if now > self._until:
            connection.close()
            self._until = now + _LINE_SECONDS
        try:
            return query()
        except Exception:
            self._until = 0.0
            raise

    def close(self) -> None:
        self._thread.submit(connection.close)
        self._thread.shutdown(wait=False)
