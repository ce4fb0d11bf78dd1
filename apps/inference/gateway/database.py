"""The few questions that a web process asks the database, none of them on a request's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from django.db import close_old_connections

T = TypeVar("T")


async def ask(query: Callable[[], T]) -> T:
    """In a thread. Outside of Django's own requests nobody else drops connections that broke."""

    def work() -> T:
        close_old_connections()
        try:
            return query()
        finally:
            close_old_connections()

    return await asyncio.to_thread(work)
