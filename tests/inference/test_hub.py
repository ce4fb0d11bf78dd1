"""The hub against a replica that loses, repeats, reorders and dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from apps.inference import messages
from apps.inference.gateway import hub as hub_module
from apps.inference.gateway.hub import Hub
from apps.inference.gateway.ticket import State, Ticket
from apps.inference.messages import Abort, Beat, Frames, Gone, Resend, Tail
from tests.inference.fakes import FakeLayer, FakeSender
from xplatform.core import errors
from xplatform.core.channels import BODY
from xplatform.core.config import Settings
from xplatform.engines.protocol import Delta, Fault, Submit

CONTINUES = ("chat", "continuation")


class Replica:
    """What a replica says, by hand."""

    def __init__(self, hub: Hub, name: str = "r", epoch: int = 1) -> None:
        self.hub, self.name, self.epoch, self.seq = hub, name, epoch, 0

    def beat(self, state: str = "ready", running: int = 0, slots: int = 4) -> None:
        self.hub._handle(
            Beat(self.name, self.epoch, "m", state, slots, running, abilities=CONTINUES)
        )

    def frames(self, seq: int | None = None, **values: Any) -> None:
        self.seq = self.seq + 1 if seq is None else seq
        self.hub._handle(Frames(self.name, self.epoch, 7, self.seq, **values))

    def start(self, *tickets: Ticket) -> None:
        self.frames(started=tuple(ticket.key for ticket in tickets))

    def text(self, ticket: Ticket, text: str, seq: int | None = None, **values: Any) -> None:
        self.frames(seq, deltas=(Delta(ticket.key, text=text, count=1, **values),))


class World:
    def __init__(self) -> None:
        self.layer, self.sender = FakeLayer(), FakeSender()
        self.hints: list[dict[str, Any]] = []
        settings = Settings(peer_timeout=0.6)
        self.hub = Hub(
            self.layer,
            settings,
            self.sender,  # type: ignore[arg-type]
            self.hints.append,
            lambda: None,
        )

    def open(
        self, *, hold: bool = False, submit: Submit | None = None, limit: float = 60.0
    ) -> Ticket:
        return self.hub.open(
            f"t{len(self.sender.tasks)}",
            "m",
            submit or Submit("t", "chat", {"messages": []}),
            hold=hold,
            deadline=time.monotonic() + limit,
        )

    async def until(self, condition: Any, seconds: float = 5.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen"
            await asyncio.sleep(0.01)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(hub_module, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(hub_module, "_LOST_SECONDS", 0.3)
    monkeypatch.setattr(hub_module, "_ASK_SECONDS", 0.02)
    made = World()
    await made.hub.start()
    yield made
    await made.hub.stop()


def texts(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def test_a_request_from_queue_to_end(world: World) -> None:
    replica = Replica(world.hub)
    replica.beat()
    ticket = world.open()
    assert world.hub.running("m") == 1
    replica.start(ticket)
    assert ticket.state is State.RUNNING
    replica.text(ticket, "hello")
    assert texts(await ticket.take()) == "hello"
    replica.text(ticket, "", done=True, finish="stop")
    assert (await ticket.take())[0].finish == "stop"
    world.hub.close(ticket)
    assert world.hub.running("m") == 0
    assert world.hub.tickets == 0
    assert [m for m in world.layer.to_replicas() if isinstance(m, Abort)] == []


async def test_frames_out_of_order_are_put_in_order(world: World) -> None:
    replica = Replica(world.hub)
    ticket = world.open()
    replica.start(ticket)
    replica.text(ticket, "c", seq=4)
    replica.text(ticket, "b", seq=3)
    assert ticket._pending == []
    replica.text(ticket, "a", seq=2)
    assert texts(await ticket.take()) == "abc"


async def test_a_frame_that_comes_twice_counts_once(world: World) -> None:
    replica = Replica(world.hub)
    ticket = world.open()
    replica.start(ticket)
    replica.text(ticket, "a", seq=2)
    replica.text(ticket, "a", seq=2)
    assert texts(await ticket.take()) == "a"


async def test_a_gap_is_asked_for(world: World) -> None:
    replica = Replica(world.hub)
    ticket = world.open()
    replica.start(ticket)
    replica.text(ticket, "c", seq=4)
    await world.until(lambda: any(isinstance(m, Resend) for m in world.layer.to_replicas()))
    resend = next(m for m in world.layer.to_replicas() if isinstance(m, Resend))
    assert (resend.stream, resend.first, resend.last) == (7, 2, 3)
    assert world.hub.gaps == 1


async def test_a_lost_last_frame_shows_in_the_tail(world: World) -> None:
    replica = Replica(world.hub)
    ticket = world.open()
    replica.start(ticket)
    world.hub._handle(Tail("r", 1, 7, 2, (ticket.key,)))
    await world.until(lambda: any(isinstance(m, Resend) for m in world.layer.to_replicas()))


async def test_frames_that_are_gone_lead_to_a_continuation(world: World) -> None:
    replica = Replica(world.hub)
    replica.beat()
    ticket = world.open()
    replica.start(ticket)
    replica.text(ticket, "one ")
    world.hub._handle(Gone("r", 1, 7, 9))
    assert ticket.attempt == 2
    assert world.sender.envelopes()[-1].submit.prefix == "one "
    # The numbering goes on behind what is gone.
    replica.frames(seq=9, started=(ticket.key,))
    replica.text(ticket, "two")
    assert texts(await ticket.take()) == "one two"


async def test_what_an_old_attempt_says_is_ignored(world: World) -> None:
    replica = Replica(world.hub)
    replica.beat()
    ticket = world.open()
    replica.start(ticket)
    replica.text(ticket, "one ")
    old = ticket.key
    replica.frames(lost=(old,), reason="the engine died")
    replica.frames(deltas=(Delta(old, text="ghost"),))
    replica.start(ticket)
    replica.text(ticket, "two")
    assert texts(await ticket.take()) == "one two"


async def test_a_silent_replica_loses_its_requests(world: World) -> None:
    replica = Replica(world.hub)
    replica.beat()
    ticket = world.open()
    replica.start(ticket)
    await world.until(lambda: ticket.attempt == 2)
    assert ticket.state is State.QUEUED


async def test_a_message_that_never_arrived_is_sent_again(world: World) -> None:
    replica = Replica(world.hub)
    ticket = world.open()
    for _ in range(100):
        replica.beat()
        await asyncio.sleep(0.02)
        if ticket.attempt == 2:
            return
    pytest.fail("nobody noticed")


async def test_an_overtaken_request_is_sent_again(world: World) -> None:
    replica = Replica(world.hub)
    first, second = world.open(), world.open()
    for _ in range(100):
        replica.beat(running=4)
        if second.state is State.QUEUED:
            replica.start(second)
        world.hub._handle(Tail("r", 1, 7, replica.seq, (second.key,)))
        await asyncio.sleep(0.02)
        if first.attempt == 2:
            assert second.attempt == 1
            return
    pytest.fail("nobody noticed")


async def test_a_long_queue_is_not_taken_for_a_loss(world: World) -> None:
    replica = Replica(world.hub)
    running, waiting = world.open(), world.open()
    replica.start(running)
    for _ in range(40):
        replica.beat(running=4)
        world.hub._handle(Tail("r", 1, 7, replica.seq, (running.key,)))
        await asyncio.sleep(0.02)
    assert waiting.attempt == 1
    assert running.attempt == 1


async def test_an_answer_that_cannot_be_continued_ends_with_an_error(world: World) -> None:
    replica = Replica(world.hub)
    replica.beat()
    ticket = world.open(submit=Submit("t", "chat", {"tools": [{}]}))
    replica.start(ticket)
    replica.text(ticket, "shown")
    replica.frames(lost=(ticket.key,), reason="the engine died")
    assert texts(await ticket.take()) == "shown"
    with pytest.raises(errors.EngineDied, match="broke off: the engine died"):
        await ticket.take()


async def test_attempts_are_bounded(world: World) -> None:
    replica = Replica(world.hub)
    replica.beat()
    ticket = world.open(hold=True)
    for _ in range(20):
        if ticket.state is State.DONE:
            break
        replica.start(ticket)
        replica.frames(lost=(ticket.key,), reason="the engine died")
    with pytest.raises(errors.EngineDied, match="6 times"):
        await ticket.take()


async def test_a_retryable_fault_moves_on(world: World) -> None:
    replica = Replica(world.hub)
    replica.beat()
    ticket = world.open()
    replica.start(ticket)
    replica.frames(deltas=(Delta(ticket.key, fault=Fault("engine", "busy", retryable=True)),))
    assert ticket.attempt == 2


async def test_the_time_limit_ends_a_request_wherever_it_is(world: World) -> None:
    ticket = world.open(limit=0.05)
    with pytest.raises(errors.RequestTimeout):
        await asyncio.wait_for(ticket.take(), 2)


async def test_a_client_that_leaves_frees_the_slot(world: World) -> None:
    replica = Replica(world.hub)
    replica.beat()
    running, queued = world.open(), world.open()
    replica.start(running)
    keys = {running.key, queued.key}
    world.hub.close(running)
    world.hub.close(queued)
    world.hub.close(queued)
    await world.until(
        lambda: (
            {k for m in world.layer.to_replicas() if isinstance(m, Abort) for k in m.keys} == keys
        )
    )
    assert world.hub.running("m") == 0


async def test_work_that_nobody_waits_for_is_stopped(world: World) -> None:
    replica = Replica(world.hub)
    replica.frames(started=("ghost.1",))
    await world.until(
        lambda: any(
            isinstance(m, Abort) and m.keys == ("ghost.1",) for m in world.layer.to_replicas()
        )
    )


async def test_a_model_that_cannot_start_fails_those_who_wait(world: World) -> None:
    ticket = world.open()
    assert list(world.hub.all()) == [ticket]
    world.hub.fail_waiting("m", errors.EngineStartFailed("no such file"))
    with pytest.raises(errors.EngineStartFailed, match="no such file"):
        await ticket.take()


async def test_rubbish_on_the_channel_hurts_nobody(world: World) -> None:
    replica = Replica(world.hub)
    for body in (b"", b"\xc1", b"\x93\x01\x02\x03", messages.encode(Abort("x", ()))):
        await world.layer.send(world.hub.channel, {"type": "frames", BODY: body})
    await world.layer.send(world.hub.channel, {"type": "frames"})
    ticket = world.open()
    replica.start(ticket)
    frames = Frames("r", 1, 7, 2, deltas=(Delta(ticket.key, text="fine"),))
    await world.layer.send(world.hub.channel, {"type": "frames", BODY: messages.encode(frames)})
    assert texts(await asyncio.wait_for(ticket.take(), 2)) == "fine"
