"""Requests by their callers' names, through any of several web processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apps.inference.gateway.hub import Hub
from apps.inference.gateway.memory import Memory
from apps.inference.gateway.named import Named
from apps.inference.gateway.ticket import Ticket
from apps.inference.gateway.waiting import Waiting
from apps.inference.messages import Frames
from tests.inference.fakes import FakeLayer, FakeSender
from xplatform.core.config import Settings
from xplatform.core.errors import RequestAborted
from xplatform.engines.protocol import Delta, Sampling, Submit


class Web:
    def __init__(self, layer: FakeLayer) -> None:
        sender: Any = FakeSender()
        self.hub = Hub(layer, Settings(), sender, lambda hint: None, lambda: None)
        self.waiting = Waiting(self.hub, Memory(), sender)
        self.named = Named(self.hub, layer, self.waiting)

    def open(self, *, max_tokens: int | None = None) -> Ticket:
        submit = Submit("t", "chat", {"messages": []}, Sampling(max_tokens=max_tokens))
        return self.hub.open("t", "m", submit, hold=False, deadline=time.monotonic() + 60)


@pytest.fixture
async def webs() -> AsyncIterator[tuple[Web, Web]]:
    layer = FakeLayer()
    one, two = Web(layer), Web(layer)
    await one.hub.start()
    await two.hub.start()
    yield one, two
    await one.hub.stop()
    await two.hub.stop()


async def test_a_request_is_found_through_any_web_process(webs: tuple[Web, Web]) -> None:
    one, two = webs
    ticket = one.open(max_tokens=4)
    with one.named.running("key", "mine", [ticket]):
        for web in webs:
            found = await web.named.seek("key", "mine")
            assert found is not None
            assert (found.model, found.state, found.position) == ("m", "queued", 1)
        delta = Delta(ticket.key, text="x", count=1)
        one.hub._handle(Frames("r", 1, 7, 1, (ticket.key,), (delta,)))
        found = await two.named.seek("key", "mine")
        assert found is not None
        assert (found.state, found.position, found.progress) == ("running", 0, 0.25)
    assert await two.named.seek("key", "mine") is None


async def test_nobody_finds_the_requests_of_other_keys(webs: tuple[Web, Web]) -> None:
    one = webs[0]
    ticket = one.open()
    with one.named.running("key", "mine", [ticket]):
        for web in webs:
            assert await web.named.seek("other", "mine", abort=True, block=9.0) is None
        assert ticket.error is None
        one.named.check("key", "mine")


@pytest.mark.parametrize("asked", [0, 1])
async def test_abort_ends_it_wherever_it_runs(webs: tuple[Web, Web], asked: int) -> None:
    tickets = [web.open() for web in webs]
    with webs[0].named.running("k", "x", tickets[:1]), webs[1].named.running("k", "x", tickets[1:]):
        assert await webs[asked].named.seek("k", "x", model="m", abort=True) is not None
        async with asyncio.timeout(5):
            for ticket in tickets:
                with pytest.raises(RequestAborted):
                    await ticket.take()


async def test_another_models_request_is_left_alone(webs: tuple[Web, Web]) -> None:
    ticket = webs[0].open()
    with webs[0].named.running("k", "x", [ticket]):
        assert await webs[0].named.seek("k", "x", model="other", abort=True) is None
    assert ticket.error is None


async def test_a_request_that_comes_after_its_abort_is_refused(webs: tuple[Web, Web]) -> None:
    assert await webs[0].named.seek("k", "late", model="m", abort=True, block=60.0) is None
    for web in webs:
        with pytest.raises(RequestAborted):
            web.named.check("k", "late")
        web.named.check("other key", "late")
    webs[1].named._blocked["k", "late"] = time.monotonic() - 1.0
    webs[1].named.check("k", "late")
