"""Limits that hold across all web processes: one script in Redis, and one line of calls to it.

All calls of a web process go through one connection in their order, as many at once as have come
up meanwhile, so a hundred requests at a time cost one round trip. What is settled is never waited
for, and never overtakes what was reserved.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

log = logging.getLogger(__name__)

SCRIPT: Final = (Path(__file__).parent / "store.lua").read_text()
_SHA: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
#: as it goes over the wire. Time 0: the broker's own, the same for all web processes
_EVALSHA: Final = (
    b"*5\r\n$7\r\nEVALSHA\r\n$40\r\n" + _SHA.encode() + b"\r\n$1\r\n0\r\n$%d\r\n%b\r\n$1\r\n0\r\n"
)
#: a broker that is silent this long is away; a busy web process may need a while to hear it
TIMEOUT: Final = 3.0
_CONNECT_TIMEOUT: Final = 1.0
_PREFIX: Final = "xp:limit:"
WEBS: Final = f"{_PREFIX}webs"
#: calls in one round trip
_MOST_AT_ONCE: Final = 128
#: calls that wait for the broker; further ones are refused
_MOST_WAITING: Final = 100_000


class StoreAway(Exception):
    """The broker cannot be reached: limits are counted in this process meanwhile."""


def counter(name: str) -> str:
    return _PREFIX + name


#: what to do, names of counters, arguments; and who waits for the answer
Call = tuple[str, Sequence[str], Sequence[Any], "asyncio.Future[Any] | None"]


class Store:
    """Belongs to one event loop. ``up`` tells whether the last call was answered."""

    def __init__(self, url: str) -> None:
        # One attempt: whoever waits is served from memory instead. The client's own time limit
        # makes a task of each command, which costs more than the command: one is around it all.
        self._client = redis.Redis.from_url(
            url,
            socket_connect_timeout=_CONNECT_TIMEOUT,
            socket_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
        self._connection: Any = self._client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        self._calls: deque[Call] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.up = True

    def ask(self, what: str, keys: Sequence[str], arguments: Sequence[Any]) -> asyncio.Future[Any]:
        """The script's answer, or StoreAway."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put((what, keys, arguments, answer))
        return answer

    def tell(self, what: str, keys: Sequence[str], arguments: Sequence[Any]) -> None:
        """Without an answer. What cannot be told now is lost: leases run out, minutes pass, and
        what periods had is kept by the gate."""
        self._put((what, keys, arguments, None))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._connection.disconnect(nowait=True)
        await self._client.aclose()

    def _put(self, call: Call) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        if len(self._calls) >= _MOST_WAITING:
            _give(call[3], StoreAway("too many calls wait for the broker"))
            return
        self._calls.append(call)
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
                    for *_, future in calls:
                        if future is not None:
                            future.cancel()
                    raise
                else:
                    self.up = True
                for (*_, future), answer in zip(calls, answers, strict=True):
                    _give(future, answer)

    async def _send(self, calls: Sequence[Call]) -> Sequence[Any]:
        packed = msgspec.msgpack.encode([call[:3] for call in calls])
        # Not by the client's own methods: what they do around a command costs more than this one.
        connection = self._connection
        try:
            async with asyncio.timeout(TIMEOUT):
                await connection.send_packed_command(_EVALSHA % (len(packed), packed))
                try:
                    answers: Sequence[Any] = await connection.read_response()
                except NoScriptError:
                    # The broker was started anew. Nothing was done yet.
                    await connection.send_command("EVAL", SCRIPT, 0, packed, "0")
                    answers = await connection.read_response()
        except BaseException:
            # Nobody may read the answer of another's call.
            await connection.disconnect(nowait=True)
            raise
        return answers


def _give(future: asyncio.Future[Any] | None, answer: Any) -> None:
    if isinstance(answer, bytes):
        # Of this call alone; such as a counter of another kind under its name.
        log.error("a step of counting failed: %s", answer.decode(errors="replace"))
        answer = StoreAway("a step of counting failed")
    if future is None or future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def web_name() -> str:
    """Of this web process, in every start another one."""
    return f"{os.uname().nodename}:{os.getpid()}:{os.urandom(4).hex()}"
