"""``/api/events?wait=<seconds>``: an answer that waits for news.

In front of Django, whose middleware would hold a thread for as long as somebody waits. It decides
nothing: whatever it meets that is not simply to be waited for, Django answers at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from apps.models.events.history import MAX_ID, Choice, following, is_foreign, read_number
from apps.models.events.tail import read, tail
from apps.models.events.visitor import query_of, visitor
from xplatform.core import errors, hints

PATH = "/api/events"
#: proxies like to cut what is silent for a minute
MAX_WAIT = 50


class LongPoll:
    def __init__(self, django: Any) -> None:
        self._django = django

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == PATH and b"wait=" in scope["query_string"]:
            with contextlib.suppress(errors.PlatformError):
                await _wait_for_news(scope)
        await self._django(scope, receive, send)


async def _wait_for_news(scope: Any) -> None:
    query = query_of(scope)
    seconds = read_number(query, "wait", 0, MAX_WAIT, 0)
    after = read_number(query, "after", 0, MAX_ID, None)
    who = visitor(scope)
    if not seconds or after is None or who is None:
        return
    choice = Choice.read(query, await read(who.project))
    if await read(lambda: is_foreign(after)):
        return
    news = asyncio.ensure_future(_news(after, choice, time.monotonic() + seconds))
    with hints.listening(hints.STOPPING) as stopping:
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait([news, stop], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (news, stop):
                task.cancel()
            await asyncio.gather(news, stop, return_exceptions=True)


async def _news(after: int, choice: Choice, deadline: float) -> None:
    if (await read(lambda: following(after, choice, 1))).events:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline - time.monotonic()), tail().followed():
            cursor = after
            while not (page := await tail().batch(cursor, choice)).events:
                cursor = page.last_id
                await tail().wait(cursor, deadline - time.monotonic())
