"""Limits that hold across all web processes: one script in Redis, and one line of calls to it.

All calls of a web process go through one connection in their order, as many at once as have come
up meanwhile, so a hundred requests at a time cost one round trip. What is settled is never waited
for, and never overtakes what was reserved.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

log = logging.getLogger(__name__)

SCRIPT: Final = (Path(__file__).parent / "store.lua").read_text()
#: a broker that is silent this long is away; a busy web process may need a while to hear it
TIMEOUT: Final = 3.0
_CONNECT_TIMEOUT: Final = 1.0
_PREFIX: Final = "xp:limit:"
WEBS: Final = f"{_PREFIX}webs"
#: calls in one round trip
_MOST_AT_ONCE: Final = 256
#: settlements that wait for a broker; older ones are given up, as they count for a minute anyhow
_MOST_WAITING: Final = 100_000


class StoreAway(Exception):
    """The broker cannot be reached: limits are counted in this process meanwhile."""


def counter(name: str) -> str:
    return _PREFIX + name


Call = tuple[Sequence[str], Sequence[Any], "asyncio.Future[Any] | None"]


class Store:
    """Belongs to one event loop. ``up`` tells whether the last call was answered."""

    def __init__(self, url: str) -> None:
        # One attempt: whoever waits is served from memory instead.
        self._client = redis.Redis.from_url(
            url,
            socket_connect_timeout=_CONNECT_TIMEOUT,
            socket_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._sha = ""
        self._calls: deque[Call] = deque(maxlen=_MOST_WAITING)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.up = True

    def ask(self, keys: Sequence[str], *arguments: Any) -> asyncio.Future[Any]:
        """The script's answer, or StoreAway."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put(keys, arguments, answer)
        return answer

    def tell(self, keys: Sequence[str], *arguments: Any) -> None:
        """Without an answer. What cannot be told now is lost: leases run out, minutes pass, and
        what periods had is kept by the gate."""
        self._put(keys, arguments, None)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._client.aclose()

    def _put(
        self, keys: Sequence[str], arguments: Sequence[Any], answer: asyncio.Future[Any] | None
    ) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        self._calls.append((keys, arguments, answer))
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._calls:
                calls = [self._calls.popleft() for _ in range(min(len(self._calls), _MOST_AT_ONCE))]
                try:
                    answers = await self._send(calls)
                except (RedisError, OSError, TimeoutError) as error:
                    if self.up:
                        log.warning("limits are counted in this process only: %s", error)
                    self.up = False
                    answers = [StoreAway(str(error))] * len(calls)
                except asyncio.CancelledError:
                    for _, _, future in calls:
                        if future is not None:
                            future.cancel()
                    raise
                else:
                    self.up = True
                for (_, _, future), answer in zip(calls, answers, strict=True):
                    _give(future, answer)

    async def _send(self, calls: Sequence[Call]) -> list[Any]:
        if not self._sha:
            self._sha = str(await self._client.script_load(SCRIPT))
        answers = await self._pipeline(calls)
        unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            # The broker was started anew. None of these had any effect.
            await self._client.script_load(SCRIPT)
            again = await self._pipeline([calls[i] for i in unknown])
            for i, answer in zip(unknown, again, strict=True):
                answers[i] = answer
        return answers

    async def _pipeline(self, calls: Sequence[Call]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for keys, arguments, _ in calls:
                pipeline.evalsha(self._sha, len(keys), *keys, *arguments)
            return list(await pipeline.execute(raise_on_error=False))


def _give(future: asyncio.Future[Any] | None, answer: Any) -> None:
    if future is None or future.done():
        if isinstance(answer, RedisError):
            log.warning("a settlement failed: %s", answer)
    elif isinstance(answer, RedisError):
        future.set_exception(StoreAway(str(answer)))
    elif isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def web_name() -> str:
    """Of this web process, in every start another one."""
    return f"{os.uname().nodename}:{os.getpid()}:{os.urandom(4).hex()}"
