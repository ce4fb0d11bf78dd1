"""What a request used is settled once, whichever way it ends."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from apps.inference.gateway.bills import _PATIENCE, Bills
from apps.inference.gateway.endpoints import Call, Endpoints
from apps.inference.gateway.ticket import Ticket
from apps.metering.api import Reservation, Size, Used
from apps.metering.estimates import Averages
from apps.metering.gate import Caller
from xplatform.core.config import Settings
from xplatform.core.errors import RequestAborted
from xplatform.engines.protocol import Delta, Fault, Submit, Usage


class Gate:
    """Says what it was told."""

    def __init__(self) -> None:
        self.averages = Averages()
        self.released: list[Reservation] = []
        self.settled: list[tuple[Used | None, bool]] = []

    def release(self, reservation: Reservation) -> None:
        self.released.append(reservation)

    def settle(
        self, reservation: Reservation, used: Used | None = None, *, failed: bool = False
    ) -> None:
        assert not reservation.settled
        reservation.settled = True
        self.settled.append((used, failed))


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def bills(gate: Gate) -> Bills:
    stand_in: Any = gate
    return Bills(stand_in)


def reservation() -> Reservation:
    return Reservation(Caller("k", "1", "p"), "m", Size(40, choices=1))


def ticket(rid: str = "r", *deltas: Delta) -> Ticket:
    made = Ticket(rid, "m", Submit(rid, "chat", {"messages": []}), 1e9, hold=False)
    made.next_attempt()
    for delta in deltas:
        made.deliver(delta)
    return made


async def test_what_cannot_begin_gives_back_what_was_reserved(gate: Gate, bills: Bills) -> None:
    """The second of two jobs: the first one's ticket is closed, too."""
    opened = [ticket("r-0")]
    closed: list[Ticket] = []

    def open_one(*_: Any, **__: Any) -> Ticket:
        if not opened:
            raise RuntimeError("a defect")
        return opened.pop()

    hub: Any = SimpleNamespace(open=open_one, close=closed.append)
    given: dict[str, Any] = dict.fromkeys(field.name for field in fields(Endpoints))
    endpoints = Endpoints(**given | {"settings": Settings(), "hub": hub, "bills": bills})
    jobs = [Submit(rid, "chat", {"messages": []}) for rid in ("r-0", "r-1")]
    model: Any = SimpleNamespace(uid="m")
    request: Any = None
    call = Call(request, model, "m", jobs, "k", "name", None, reservation())
    exchange: Any = SimpleNamespace(tickets=(), outcome=200, gone=False, unwatch=lambda: None)
    with (
        pytest.raises(RuntimeError, match="a defect"),
        endpoints._running(exchange, call, hold=False),
    ):
        pass
    assert [one.rid for one in closed] == ["r-0"]
    bills.sweep(all_of_them=True)
    assert gate.settled == [(Used(), True)]


def said(count: int) -> Delta:
    return Delta("r.1", text="x " * count, count=count)


def end(key: str = "r.1", prompt: int = 5, completion: int = 7) -> Delta:
    return Delta(key, finish="stop", done=True, usage=Usage(prompt, completion, 2))


def test_in_order(gate: Gate, bills: Bills) -> None:
    bills.close(reservation(), [ticket("r", said(7), end())], failed=False)
    bills.hear(end())
    bills.sweep(all_of_them=True)
    assert gate.settled == [(Used(5, 2, 7), False)]


def test_the_client_left_and_the_engine_tells_a_moment_later(gate: Gate, bills: Bills) -> None:
    bills.close(reservation(), [ticket("r", said(3))], failed=False)
    assert len(gate.released) == 1 and not gate.settled
    bills.hear(end("another.1"))
    bills.hear(end(completion=4))
    bills.hear(end(completion=4))
    assert gate.settled == [(Used(5, 2, 4), False)]


def test_the_engine_died(gate: Gate, bills: Bills, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody tells: what came until then counts, with a guess at the prompt."""
    clock = [1000.0]
    monkeypatch.setattr("apps.inference.gateway.bills.time.monotonic", lambda: clock[0])
    bills.close(reservation(), [ticket("r", said(3))], failed=True)
    clock[0] += _PATIENCE - 1
    bills.sweep()
    assert not gate.settled
    clock[0] += 2
    bills.sweep()
    bills.hear(end())
    assert gate.settled == [(Used(10, 0, 3), True)]


def test_refused_by_the_engine(gate: Gate, bills: Bills) -> None:
    fault = Delta("r.1", fault=Fault("too_long", "too long"))
    bills.close(reservation(), [ticket("r", fault)], failed=True)
    assert gate.settled == [(Used(0, 0, 0), True)]


def test_aborted_by_its_name_while_it_waited(gate: Gate, bills: Bills) -> None:
    waiting = ticket("r")
    waiting.fail(RequestAborted())
    bills.close(reservation(), [waiting], failed=True)
    bills.sweep(all_of_them=True)
    assert gate.settled == [(Used(0, 0, 0), True)]


def test_several_jobs_of_one_request(gate: Gate, bills: Bills) -> None:
    jobs = [ticket("a", said(1), end("a.1", 1, 2)), ticket("b", said(2)), ticket("c")]
    bills.close(reservation(), jobs, failed=False)
    bills.hear(end("b.1", 3, 4))
    assert not gate.settled
    bills.hear(end("c.1", 5, 6))
    assert gate.settled == [(Used(9, 6, 12), False)]
