"""Frames out of order, doubled, unknown or lost, put between a real replica and a real web."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from apps.inference.messages import Abort, Frames, Gone, Resend, Tail
from tests.chaos.clients import stream, whole
from tests.chaos.intruder import (
    Spy,
    broker,
    send,
    send_task,
    serialize,
    take_task,
    web_channel,
)
from tests.support.server import Server, serving, wait_for
from xplatform.core.channels import BODY, replica_channel
from xplatform.engines.protocol import Delta, Usage


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 30}, slots=2)
        # Its requests wait for a replica; here we are the one that comes.
        made.launch("ours", options={"load_s": 600}, wait=False)
        wait_for(lambda: made.get("/v1/models/ours").status == 200, "the model to be known")
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    with broker(server) as made:
        yield made


class HandMadeReplica:
    """Takes one request of the model from its queue and answers it, in any order it likes."""

    def __init__(self, client: redis.Redis) -> None:
        self.client, self.stream, self.epoch = client, 5, 1000
        self.id = f"by-hand-{uuid.uuid4()}"
        self.spy = Spy(client, replica_channel(self.id, self.epoch))
        self.envelope = take_task(client, "model.ours")
        self.key = self.envelope.key

    def frames(self, seq: int, **values: Any) -> None:
        frames = Frames(self.id, self.epoch, self.stream, seq, **values)
        send(self.client, self.envelope.reply, frames)

    def start(self, seq: int = 1) -> None:
        self.frames(seq, started=(self.key,))

    def text(self, seq: int, number: int, **values: Any) -> None:
        self.frames(seq, deltas=(Delta(self.key, text=f"{number} ", count=1, **values),))

    def end(self, seq: int, number: int) -> None:
        self.text(seq, number, finish="length", done=True, usage=Usage(1, number + 1))

    def tail(self, seq: int, *keys: str) -> None:
        send(
            self.client,
            self.envelope.reply,
            Tail(self.id, self.epoch, self.stream, seq, keys or (self.key,)),
        )

    def asked(self, kind: type[Any]) -> Any:
        """The next message of this kind from the web process."""
        return wait_for(
            lambda: next((m for m in self.spy.hear(0.1) if isinstance(m, kind)), None),
            kind.__name__,
        )


def test_frames_out_of_order_and_doubled(server: Server, client: redis.Redis) -> None:
    call = stream(server, "ours", 10)
    replica = HandMadeReplica(client)
    replica.text(4, 2)
    replica.text(3, 1)
    replica.text(3, 1)
    replica.start(1)
    replica.start(1)
    replica.text(6, 4)
    replica.text(2, 0)
    replica.text(2, 0)
    replica.text(5, 3)
    replica.end(7, 5)
    replica.end(7, 5)
    replica.text(8, 6)
    call.counted(6)


def test_frames_of_others_are_not_taken(server: Server, client: redis.Redis) -> None:
    """Another replica, another start, another numbering: none of them was given the request."""
    call = stream(server, "ours", 10)
    replica = HandMadeReplica(client)
    replica.start(1)
    replica.text(2, 0)
    call.at(1)
    wrong = Delta(replica.key, text="wrong ", count=1)
    for name, epoch in ((replica.id, replica.epoch - 1), ("somebody-else", 1)):
        lies: list[dict[str, Any]] = [
            {"started": (replica.key,)},
            {"deltas": (wrong,)},
            {"lost": (replica.key,), "reason": "a lie"},
        ]
        for seq, values in enumerate(lies, start=1):
            frames = Frames(name, epoch, replica.stream, seq, **values)
            send(client, replica.envelope.reply, frames)
        tail = Tail(name, epoch, replica.stream, 3, (replica.key,))
        send(client, replica.envelope.reply, tail)
        send(client, replica.envelope.reply, Gone(name, epoch, replica.stream, 9))
    ghost = Delta("nobody.1", text="boo", done=True, usage=Usage(1, 1))
    old = Delta(replica.key.replace(".1", ".0"), text="old ", count=1)
    replica.frames(3, deltas=(ghost, old), lost=("nobody.2",), started=("nobody.3",))
    replica.end(4, 1)
    call.counted(2)
    # Who works on what nobody waits for is told to stop.
    assert "nobody.3" in replica.asked(Abort).keys


def test_missing_frames_are_asked_for(server: Server, client: redis.Redis) -> None:
    call = stream(server, "ours", 10)
    replica = HandMadeReplica(client)
    replica.start(1)
    replica.text(2, 0)
    replica.text(5, 3)
    request = replica.asked(Resend)
    assert (request.stream, request.first, request.last) == (replica.stream, 3, 4)
    assert call.at(1).text == "0 "
    replica.text(3, 1)
    replica.text(4, 2)
    # The very last one is lost: only the tail tells.
    replica.tail(6)
    request = replica.asked(Resend)
    assert (request.first, request.last) == (6, 6)
    replica.end(6, 4)
    call.counted(5)


def test_frames_that_are_gone_are_made_again(server: Server, client: redis.Redis) -> None:
    call = stream(server, "ours", 10)
    first = HandMadeReplica(client)
    first.start(1)
    first.text(2, 0)
    first.text(5, 3)
    first.asked(Resend)
    send(client, first.envelope.reply, Gone(first.id, first.epoch, first.stream, 6))
    second = HandMadeReplica(client)
    assert second.envelope.submit.prefix == "0 "
    assert second.envelope.submit.prefix_count == 1
    first.text(6, 4)
    second.start(1)
    second.text(2, 1)
    second.end(3, 2)
    call.counted(3)
    assert first.key in first.asked(Abort).keys


def test_a_beginning_that_was_lost_for_good_is_not_left_out(
    server: Server, client: redis.Redis
) -> None:
    """The frame that said "started" and the first text are gone; what follows must not be taken
    for the beginning."""
    calls = [stream(server, "ours", 10)]
    one = HandMadeReplica(client)
    one.start(1)
    calls.append(stream(server, "ours", 10))
    envelope = take_task(client, "model.ours")
    # Frame 2 would have started the second request and told its first text.
    late = Delta(envelope.key, text="1 ", count=1)
    one.frames(3, deltas=(late,))
    one.asked(Resend)
    send(client, one.envelope.reply, Gone(one.id, one.epoch, one.stream, 4))
    one.tail(3, one.key, envelope.key)
    one.frames(4, deltas=(late,))
    replicas = [HandMadeReplica(client), HandMadeReplica(client)]
    for replica in replicas:
        replica.start(1)
        replica.text(2, 0)
        replica.end(3, 1)
    for call in calls:
        call.counted(2)


def test_rubbish_on_the_channel_hurts_nobody(server: Server, client: redis.Redis) -> None:
    channel = web_channel(client)
    call = stream(server, "m", 100).at(5)
    for body in (b"", b"\xc1", b"\x00" * 100, b"\x93\x01\x02\x03"):
        client.publish(channel, body)
        client.publish(channel, serialize({"type": "frames", BODY: body}))
        client.publish(channel, serialize({"type": "hint", BODY: body}))
        client.publish(channel, serialize({"type": "nonsense"}))
    call.counted(100)
    whole(server, "m", 3).counted(3)


def test_rubbish_in_the_queue_takes_no_slot(server: Server, client: redis.Redis) -> None:
    for argument in (b"", b"\xc1", b"\x93\x01\x02\x03", "text", 7, None):
        send_task(server, "inference.run", "model.m", argument)
    send_task(server, "inference.run", "model.m")
    send_task(server, "no.such.task", "model.m", 1)
    calls = [whole(server, "m", 30), whole(server, "m", 30)]
    for call in calls:
        call.counted(30)
    assert max(call.seconds for call in calls) < 6, "they had to run one after the other"
