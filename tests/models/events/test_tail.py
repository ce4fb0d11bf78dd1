"""Followers of a process's tail, on a history that is made up: slow ones, stalled ones, and a
database that comes and goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from apps.models.events import history, socket, tail
from apps.models.pictures import EventInfo
from apps.models.pulse.series import Sight
from xplatform.core import hints

T = TypeVar("T")


class History:
    """Stands for the table."""

    def __init__(self) -> None:
        self.rows: list[EventInfo] = []
        self.away = False
        self.reads = 0

    def add(self, count: int, uid: str = "m") -> None:
        for _ in range(count):
            number = len(self.rows) + 1
            self.rows.append(
                EventInfo(number, datetime.now(UTC), "control", uid, "launch", "", "x", "")
            )

    def following(
        self, after: int, choice: history.Choice, limit: int = 100, end: int | None = None
    ) -> history.Page:
        self.reads += 1
        end = len(self.rows) if end is None else end
        found = [row for row in self.rows[after:end] if choice.takes(row)]
        if len(found) > limit:
            return history.Page(found[:limit], found[limit - 1].id, more=True)
        return history.Page(found, max(after, end), more=False)


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> History:
    made = History()

    async def read(query: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        if made.away:
            raise OSError("the database is away")
        return query()

    for module in (tail, socket):
        monkeypatch.setattr(module, "read", read)
    monkeypatch.setattr(history, "following", made.following)
    monkeypatch.setattr(socket, "newest_id", lambda: len(made.rows))
    monkeypatch.setattr(socket, "is_foreign", lambda after: after > len(made.rows))
    monkeypatch.setattr(
        tail, "settled", SimpleNamespace(look=lambda: len(made.rows), pending=False)
    )
    monkeypatch.setattr(tail, "_RING", 50)
    monkeypatch.setattr(tail, "_PAGE", 7)
    monkeypatch.setattr(tail, "_RETRY_SECONDS", 0.01)
    return made


class Client:
    """One end of a WebSocket; ``slow`` makes each message wait for ``read``."""

    def __init__(self, query: str = "after=0", slow: bool = False) -> None:
        self.messages: list[dict[str, Any]] = []
        self.closed: int | None = None
        self._slow = asyncio.Semaphore(0) if slow else None
        self._gone = asyncio.Event()
        self._arrived = asyncio.Event()
        self._connected = False
        scope = {"query_string": query.encode(), "headers": [], "subprotocols": []}
        made = socket.Socket(scope, self._receive, self._send)
        self.task = asyncio.ensure_future(made.serve())

    def read(self, count: int) -> None:
        assert self._slow is not None
        for _ in range(count):
            self._slow.release()

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not done():
                self._arrived.clear()
                await self._arrived.wait()

    async def leave(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, 30)

    @property
    def ids(self) -> list[int]:
        return [m["event"]["id"] for m in self.messages if m["type"] == "event"]

    async def _receive(self) -> dict[str, Any]:
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        await self._gone.wait()
        return {"type": "websocket.disconnect", "code": 1001}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            if self._slow is not None:
                await self._slow.acquire()
            self.messages.append(json.loads(message["text"]))
        elif message["type"] == "websocket.close":
            self.closed = message["code"]
        self._arrived.set()


@pytest.fixture(autouse=True)
def everybody_is_welcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "visitor", lambda scope: SimpleNamespace(sight=Sight))


async def test_a_slow_client_gets_each_once_and_is_not_queued_for(past: History) -> None:
    """What has left the ring is read from the database, page by page, as it asks for it."""
    past.add(5)
    quick, slow = Client(), Client(slow=True)
    await quick.until(lambda: len(quick.ids) == 5)
    for _ in range(30):
        past.add(10)
        hints.tell(hints.EVENTS)
        wanted = len(past.rows)
        await quick.until(lambda wanted=wanted: len(quick.ids) == wanted)  # type: ignore[misc]
    assert len(slow.ids) == 0
    slow.read(1000)
    await slow.until(lambda: len(slow.ids) == 305)
    assert slow.ids == quick.ids == list(range(1, 306))
    await quick.leave()
    await slow.leave()


async def test_a_hundred_sockets_cost_one_reader(past: History) -> None:
    clients = [Client("") for _ in range(100)]
    for client in clients:
        await client.until(lambda client=client: bool(client.messages))  # type: ignore[misc]
    before = past.reads
    past.add(20)
    hints.tell(hints.EVENTS)
    for client in clients:
        await client.until(lambda client=client: len(client.ids) == 20)  # type: ignore[misc]
    assert past.reads - before <= 3
    for client in clients:
        await client.leave()


async def test_a_client_that_reads_nothing_is_sent_away(
    past: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "settings", lambda: SimpleNamespace(client_stall_timeout=0.05))
    past.add(1)
    client = Client(slow=True)
    await asyncio.wait_for(client.task, 30)
    assert client.closed == socket.TRY_LATER


async def test_the_database_comes_and_goes(past: History) -> None:
    past.add(3)
    client = Client()
    await client.until(lambda: len(client.ids) == 3)
    past.away = True
    past.add(3)
    hints.tell(hints.EVENTS)
    await asyncio.sleep(0.05)
    assert not client.task.done()
    past.away = False
    await client.until(lambda: len(client.ids) == 6)
    await client.leave()


async def test_who_comes_while_the_database_is_away_is_told(past: History) -> None:
    past.away = True
    client = Client()
    await asyncio.wait_for(client.task, 30)
    assert client.closed == socket.TRY_LATER


async def test_the_tail_ends_with_its_last_follower(past: History) -> None:
    client = Client()
    await client.until(lambda: bool(client.messages))
    running = tail.tail()._task
    assert running is not None
    await client.leave()
    with pytest.raises(asyncio.CancelledError):
        await running
    # And begins anew with the next one.
    past.add(2)
    late = Client()
    await late.until(lambda: len(late.ids) == 2)
    await late.leave()


async def test_after_an_id_that_never_was(past: History) -> None:
    past.add(4)
    client = Client("after=9")
    await client.until(lambda: len(client.messages) == 2)
    assert client.messages == [
        {"type": "reset", "last_id": 4},
        {"type": "caught_up", "last_id": 4},
    ]
    past.add(1)
    hints.tell(hints.EVENTS)
    await client.until(lambda: client.ids == [5])
    await client.leave()
