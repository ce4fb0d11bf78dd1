"""Requests whose model is not there yet: it is asked for, and they are told how it goes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from apps.inference.gateway.demand import Demand
from apps.inference.gateway.hub import Hub
from apps.inference.gateway.memory import Memory
from apps.inference.gateway.ticket import Ticket
from apps.inference.gateway.waiting import Waiting, patience
from apps.inference.messages import Beat, Frames
from apps.models.api import ServedModel
from tests.inference.fakes import FakeLayer, FakeSender
from xplatform.core import errors, queues
from xplatform.core.config import Settings
from xplatform.engines.protocol import Delta, Submit

MODEL = ServedModel(
    uid="m", kind="llm", engine="fake", context_length=None, abilities=("chat",), parameters=(),
    state="stopped", reason="", slots=4, created=0, replicas_ready=0, progress=0.0, message="",
)  # fmt: skip


class Web:
    def __init__(self, model: ServedModel | None = MODEL) -> None:
        self.sender = FakeSender()
        sender: Any = self.sender
        self.hub = Hub(FakeLayer(), Settings(), sender, lambda hint: None, lambda: None)
        self.hub.channel = "web.1"
        self.memory = Memory()
        self.waiting = Waiting(self.hub, self.memory, sender)
        self.demand = Demand(self.hub, sender)
        if model is not None:
            self.know(model)

    def know(self, model: ServedModel) -> None:
        self.memory.catalog._models = {model.uid: model}

    def open(self, rid: str = "t", wait: float | None = None) -> Ticket:
        submit = Submit("t", "chat", {"messages": []})
        ticket = self.hub.open(rid, "m", submit, hold=False, deadline=time.monotonic() + 60)
        ticket.patience = None if wait is None else time.monotonic() + wait
        return ticket

    def beat(self, state: str, progress: float = 0.0) -> None:
        self.hub._handle(Beat("r", 1, "m", state, 4, 0, progress=progress))

    def sent(self, task: str) -> list[Any]:
        return [args[0] for name, _, args in self.sender.tasks if name == task]


async def test_a_model_that_nobody_serves_is_asked_for() -> None:
    web = Web()
    web.open()
    web.waiting.look()
    web.waiting.look()
    assert web.sent(queues.TASK_WAKE) == ["m"]


async def test_one_that_is_served_is_not() -> None:
    web = Web()
    web.beat("ready")
    web.open()
    web.waiting.look()
    assert web.sent(queues.TASK_WAKE) == []


async def test_who_can_wait_is_left_waiting() -> None:
    web = Web(replace(MODEL, start_seconds=30.0))
    ticket = web.open(wait=600.0)
    web.waiting.look()
    assert ticket.error is None


async def test_who_waits_for_one_that_is_terminated_is_told_so() -> None:
    """Not that there is no such model: there was one when the request came."""
    web = Web()
    ticket = web.open()
    web.memory.catalog._models = {}
    web.waiting.look()
    assert isinstance(ticket.error, errors.ModelUnavailable)
    assert "terminated" in ticket.error.message
    assert (ticket.error.retryable, ticket.error.retry_after) == (False, None)


async def test_who_cannot_wait_that_long_is_told_when_to_come_again() -> None:
    web = Web(replace(MODEL, start_seconds=30.0))
    ticket = web.open(wait=10.0)
    web.beat("loading", 0.5)
    web.waiting.look()
    with pytest.raises(errors.ModelUnavailable, match=r"50% done.*about 15 s") as told:
        await ticket.take()
    assert told.value.retry_after == pytest.approx(15.0)
    assert errors.headers(told.value)["Retry-After"] == "15"
    # It was asked for all the same: next time it is there.
    assert web.sent(queues.TASK_WAKE) == ["m"]


async def test_a_start_of_unknown_length_is_waited_for_as_long_as_one_can() -> None:
    web = Web()
    ticket = web.open(wait=60.0)
    web.waiting.look()
    assert ticket.error is None
    ticket.patience = time.monotonic() - 0.01
    web.waiting.look()
    with pytest.raises(errors.ModelUnavailable, match="unknown time"):
        await ticket.take()


async def test_an_answer_that_has_begun_is_not_taken_away() -> None:
    web = Web()
    ticket = web.open(wait=0.0)
    web.hub._handle(Frames("r", 1, 7, 1, (ticket.key,), (Delta(ticket.key, text="x", count=1),)))
    web.hub._handle(Frames("r", 1, 7, 2, lost=(ticket.key,), reason="it fell"))
    web.waiting.look()
    assert ticket.error is None


async def test_comments_tell_how_far_the_start_is_and_the_place_in_the_line() -> None:
    web = Web(replace(MODEL, start_seconds=20.0))
    tickets = [web.open(f"t{number}") for number in range(3)]
    web.beat("loading", 0.4)
    web.waiting.look()
    said = b": waiting for m: loading 40%, about 12 s left, position 3\n\n"
    assert web.waiting.comment(tickets[2]) == said
    web.beat("ready")
    web.waiting.look()
    assert web.waiting.comment(tickets[0]) == (
        b": waiting for m: all slots are busy, position 1\n\n"
    )
    web.hub._handle(Frames("r", 1, 7, 1, (tickets[0].key,)))
    web.waiting.look()
    assert web.waiting.comment(tickets[0]) == b": keep-alive\n\n"
    assert web.waiting.position(tickets[1]) == 1


async def test_the_length_of_a_first_start_is_guessed_from_how_it_goes() -> None:
    web = Web()
    web.open()
    web.waiting.look()
    assert web.waiting.start("m").seconds_left is None
    web.waiting._since["m"] -= 10.0
    web.beat("loading", 0.25)
    assert web.waiting.start("m").seconds_left == pytest.approx(30.0, abs=1.0)


async def test_a_model_that_cannot_start_is_an_error_after_a_while() -> None:
    web = Web(replace(MODEL, state="failed", reason="no such file"))
    ticket = web.open()
    web.waiting.look()
    assert ticket.error is None
    web.waiting._since["m"] -= 10.0
    web.waiting.look()
    with pytest.raises(errors.EngineStartFailed, match="no such file"):
        await ticket.take()


# --- how long a client can wait --------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "stream", "seconds"),
    [
        ({}, False, None),
        ({b"x-stainless-read-timeout": b"600"}, False, 600.0),
        ({b"x-stainless-timeout": b"10"}, False, 10.0),
        ({b"x-stainless-read-timeout": b"10"}, True, None),  # the comments come in time
        ({b"x-stainless-read-timeout": b"2.5"}, True, 2.5),
        ({b"x-request-timeout": b"10"}, True, 10.0),
        ({b"prefer": b"respond-async, wait=10"}, True, 10.0),
        ({b"prefer": b'wait="7"; x=1'}, False, 7.0),
        ({b"x-request-timeout": b"10", b"prefer": b"wait=3"}, False, 3.0),
        ({b"x-request-timeout": b"soon"}, False, None),
        ({b"x-request-timeout": b"nan"}, False, None),
        ({b"x-request-timeout": b"-1"}, False, None),
        ({b"x-request-timeout": b"inf"}, False, None),
        ({b"prefer": b"await=3"}, False, None),
        ({b"x-stainless-read-timeout": b"None"}, False, None),
    ],
)
def test_patience(headers: dict[bytes, bytes], stream: bool, seconds: float | None) -> None:
    assert patience(headers, stream=stream, keepalive=5.0) == seconds


# --- what the control plane is told ----------------------------------------------------------


async def test_demand_is_told_and_its_end_once() -> None:
    web = Web()
    web.demand.tell()
    assert web.sent(queues.TASK_DEMAND) == []
    first, second = web.open("a"), web.open("b")
    first.queued_at -= 3.0
    web.hub._handle(Frames("r", 1, 7, 1, (second.key,)))
    web.demand.tell()
    (report,) = web.sent(queues.TASK_DEMAND)
    assert report["web"] == "web.1"
    told = report["models"]["m"]
    assert (told["running"], told["waiting"], told["requests"]) == (1, 1, 2)
    assert told["oldest_seconds"] == pytest.approx(3.0, abs=1.0)
    web.hub.close(first)
    web.hub.close(second)
    web.demand.tell()
    web.demand.tell()
    _, *rest = web.sent(queues.TASK_DEMAND)
    nothing = {"running": 0, "waiting": 0, "oldest_seconds": 0.0, "requests": 0}
    assert [report["models"] for report in rest] == [{"m": nothing}]


async def test_a_request_that_came_and_went_between_two_reports_is_told() -> None:
    web = Web()
    web.hub.close(web.open())
    web.demand.tell()
    (report,) = web.sent(queues.TASK_DEMAND)
    assert report["models"]["m"]["requests"] == 1
