"""A request asks the database nothing, from its first byte to its last."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.accounts.api import Credentials
from apps.inference.gateway import app as app_module
from apps.inference.gateway.app import Gateway
from tests.inference.fakes import FakeLayer, FakeSender
from tests.inference.test_auth import TOKEN, model, record
from tests.inference.test_hub import Replica
from xplatform.core.config import settings
from xplatform.engines.protocol import Usage


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every attempt to talk to the database, in whatever thread."""
    asked: list[str] = []

    def refuse(*_: Any, **__: Any) -> Any:
        asked.append("a query")
        raise AssertionError("a request asks the database")

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", refuse)
    monkeypatch.setattr(BaseDatabaseWrapper, "connect", refuse)
    return asked


@pytest.fixture
async def gateway(
    queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Gateway, FakeSender]]:
    """One that knows its callers and models, and whose other work rests."""
    sender = FakeSender()
    sender.close = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(app_module, "TaskSender", lambda *_: sender)
    monkeypatch.setattr(app_module, "channel_layer", FakeLayer)
    made = Gateway(None, settings())
    await made._start()
    for task in (*made._tasks, *made._gate._tasks):
        task.cancel()
    await asyncio.gather(*made._tasks, *made._gate._tasks, return_exceptions=True)
    await made.hub.start()
    made.memory.callers.take(Credentials((record(),), {}), time.monotonic())
    made.memory.catalog._models = {"m": model("m", project="blue")}
    for kept in (made.memory._credentials, made.memory._models):
        kept.loaded.set()
    made._gate._loaded.set()
    queries.clear()
    yield made, sender
    await made.hub.stop()


async def talk(gateway: Gateway, sender: FakeSender, stream: bool) -> tuple[int, bytes]:
    """One chat request, whose replica says "hello"."""
    said: list[dict[str, Any]] = []
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    incoming = [{"type": "http.request", "body": json.dumps(body).encode()}]

    async def receive() -> dict[str, Any]:
        return incoming.pop(0) if incoming else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/chat/completions", "query_string": b"",
        "client": ("127.0.0.1", 1), "headers": [(b"authorization", f"Bearer {TOKEN}".encode())],
    }  # fmt: skip
    before = len(sender.tasks)
    request = asyncio.ensure_future(gateway(scope, receive, send))  # type: ignore[arg-type]
    async with asyncio.timeout(30):
        while len(sender.tasks) == before and not request.done():
            await asyncio.sleep(0)
        assert not request.done(), said
        (ticket,) = gateway.hub.all()
        replica = Replica(gateway.hub, name=ticket.key)
        replica.start(ticket)
        replica.text(ticket, "hello")
        replica.text(ticket, "", done=True, finish="stop", usage=Usage(1, 1))
        await request
    return said[0]["status"], b"".join(message.get("body", b"") for message in said)


async def test_a_chat_request_asks_nothing(
    gateway: tuple[Gateway, FakeSender], queries: list[str]
) -> None:
    made, sender = gateway
    for stream in (False, True, False, True):
        status, body = await talk(made, sender, stream)
        assert status == 200, body
        assert b"hello" in body
    assert queries == []


async def test_the_lists_of_models_ask_nothing(
    gateway: tuple[Gateway, FakeSender], queries: list[str]
) -> None:
    made, _ = gateway
    for path in ("/v1/models", "/v1/models/m", "/status"):
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: dict[str, Any], said: list[dict[str, Any]] = said) -> None:
            said.append(message)

        scope = {
            "type": "http", "method": "GET", "path": path, "query_string": b"",
            "client": ("127.0.0.1", 1),
            "headers": [(b"authorization", f"Bearer {TOKEN}".encode())],
        }  # fmt: skip
        await made(scope, receive, send)
        assert said[0]["status"] == 200, path
    assert queries == []
