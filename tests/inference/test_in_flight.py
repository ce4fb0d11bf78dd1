"""More requests in one web process than it tells of at once."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from apps.inference import messages
from apps.inference.gateway import census
from apps.inference.gateway.census import CensusTaker
from apps.inference.gateway.hub import Hub
from apps.inference.gateway.ticket import Ticket
from apps.inference.in_flight import asking
from apps.inference.in_flight.asking import Asker
from tests.inference.fakes import FakeLayer, FakeSender
from xplatform.core.config import Settings
from xplatform.core.errors import NotFound, RequestAborted
from xplatform.engines.protocol import Sampling, Submit

NOBODY: Any = SimpleNamespace(project="", user_id=None, name="somebody", may=lambda what: True,
                         sees=lambda project: True)  # fmt: skip


def exchange(hub: Hub, number: int) -> Any:
    rid = f"r{number}"
    ticket = hub.open(
        rid, "m", Submit(rid, "chat", {"messages": []}, Sampling()),
        hold=False, deadline=time.monotonic() + 60,
    )  # fmt: skip
    return SimpleNamespace(
        model="m", tickets=[ticket], request_id=rid, sender="", actor=NOBODY,
        record=SimpleNamespace(name="key"), age=lambda: 100.0 - number,
    )  # fmt: skip


async def test_one_behind_those_that_are_told_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender: Any = FakeSender()
    hub = Hub(FakeLayer(), Settings(), sender, lambda hint: None, lambda: None)
    exchanges = [exchange(hub, number) for number in range(5)]
    CensusTaker(hub, exchanges)
    answers: queue.Queue[bytes] = queue.Queue()
    loop = asyncio.get_running_loop()

    def call_webs(kind: str, make: Callable[[str], bytes]) -> list[bytes]:
        loop.call_soon_threadsafe(hub._handle, messages.decode_to_web(make("key")))
        return [answers.get(timeout=10)]

    monkeypatch.setattr(census, "_MOST", 2)
    monkeypatch.setattr(census, "answer_call", lambda key, data: answers.put(data))
    monkeypatch.setattr(asking, "call_webs", call_webs)
    launch = SimpleNamespace(uid="m", project="")
    monkeypatch.setattr(asking.models, "launch_info", lambda uid, project: launch)
    audited: list[tuple[Any, ...]] = []
    monkeypatch.setattr(asking.audit, "record", lambda *what, **more: audited.append(what))

    asker = Asker(NOBODY, "", person=True)
    told = await asyncio.to_thread(asking.in_flight, "m", asker)
    assert [one.id for one in told] == ["r0", "r1"]
    await asyncio.to_thread(asking.cancel, "m", "r3", asker)
    tickets: list[Ticket] = [one.tickets[0] for one in exchanges]
    assert [isinstance(one.error, RequestAborted) for one in tickets] == [
        number == 3 for number in range(5)
    ]
    assert [what[1] for what in audited] == ["request.cancel"]
    with pytest.raises(NotFound):
        await asyncio.to_thread(asking.cancel, "m", "r9", asker)
