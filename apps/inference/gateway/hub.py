"""Every running request of this web process, and its fate.

The hub is the one reader of this process's channel. It hands deltas to tickets, notices what was
lost (a gap, a dead replica, a message that never arrived) and sends the request again. All of it
runs in the web process's event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from apps.inference import messages
from apps.inference.gateway.fleet import Fleet, ReplicaKey
from apps.inference.gateway.leftovers import Leftovers
from apps.inference.gateway.ticket import State, Ticket
from apps.inference.messages import (
    Abort,
    Beat,
    Census,
    Envelope,
    Found,
    Frames,
    Gone,
    Resend,
    Seek,
    Tail,
    WebBeat,
)
from xplatform.core import errors, queues
from xplatform.core.channels import BODY, WEBS, replica_channel
from xplatform.core.config import Settings
from xplatform.core.sender import TaskSender
from xplatform.engines.protocol import Delta, Submit

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25
_BEAT_SECONDS = 1.0
_MAX_ATTEMPTS = 6
#: a queued request whose model has had a free slot for this long, while nothing moved, was lost
_LOST_SECONDS = 2.0
#: ask this often for missing frames before giving the stream up
_ASKS, _ASK_SECONDS = 6, 0.4
#: frames kept behind a gap
_MAX_AHEAD = 4096


class Stream:
    """The numbered frames of one replica to us."""

    __slots__ = ("ahead", "asked", "asks", "broken", "expected", "heard")

    def __init__(self) -> None:
        self.expected = 1
        #: some of it was given up
        self.broken = False
        self.ahead: dict[int, Frames] = {}
        self.asks = 0
        self.asked = 0.0
        self.heard = time.monotonic()


class Hub:
    def __init__(
        self,
        layer: Any,
        settings: Settings,
        sender: TaskSender,
        on_hint: Callable[[dict[str, Any]], None],
        on_fleet: Callable[[], None],
    ) -> None:
        self._layer = layer
        self._settings = settings
        self._sender = sender
        self._on_hint = on_hint
        self._on_fleet = on_fleet
        self.fleet = Fleet(settings.peer_timeout)
        self.channel = ""
        self._tickets: dict[str, Ticket] = {}
        self._per_model: dict[str, int] = {}
        self._opened: dict[str, int] = {}
        #: told of what is asked of, and by, other web processes about requests by name
        self.on_named: Callable[[Seek | Found], None] = lambda message: None
        #: told when somebody wants to know what runs here
        self.on_census: Callable[[Census], None] = lambda message: None
        #: told of the ends of requests that were closed before
        self.on_late_end: Callable[[Delta], None] = lambda delta: None
        #: told of each ticket that is closed
        self.on_close: Callable[[Ticket], None] = lambda ticket: None
        self.leftovers = Leftovers()
        self._streams: dict[tuple[ReplicaKey, int], Stream] = {}
        self._order = 0
        #: model → (highest order that was started, when)
        self._newest_start: dict[str, tuple[int, float]] = {}
        self._aborts: dict[ReplicaKey, set[str]] = {}
        self._abort_wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.resent = self.gaps = 0

    # -- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        self.channel = await self._layer.new_channel(".web.")
        await self._layer.group_add(WEBS, self.channel)
        for work in (self._receive, self._look_after, self._beat, self._send_aborts):
            self._tasks.append(asyncio.get_running_loop().create_task(work()))

    async def stop(self) -> None:
        """End what still runs, with an explicit event, and free the slots."""
        for ticket in list(self._tickets.values()):
            ticket.fail(errors.ServerStopping())
        await asyncio.sleep(0.05)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- for endpoints ------------------------------------------------------------------------

    def running(self, model: str) -> int:
        """Requests of this process for the model, waiting ones included."""
        return self._per_model.get(model, 0)

    @property
    def tickets(self) -> int:
        return len(self._tickets)

    def open(self, rid: str, model: str, submit: Submit, *, hold: bool, deadline: float) -> Ticket:
        """Admit a request and send it on its way. Must be closed, whatever happens."""
        ticket = Ticket(rid, model, submit, deadline, hold=hold)
        ticket.poke_at = time.monotonic() + self._settings.keepalive_seconds
        self._per_model[model] = self._per_model.get(model, 0) + 1
        self._opened[model] = self._opened.get(model, 0) + 1
        self._send(ticket)
        return ticket

    def close(self, ticket: Ticket) -> None:
        """The endpoint is done with it: finished, failed, or the client went away."""
        if self._tickets.pop(ticket.key, None) is not None:
            self._leave(ticket)
            if ticket.replica is None:
                self.leftovers.add(
                    ticket.key, ticket.model, ticket.order, ticket.size, ticket.deadline
                )
            if ticket.state is not State.DONE:
                self._abort(ticket)
        self.on_close(ticket)
        ticket.state = State.DONE

    def end(self, ticket: Ticket, error: errors.PlatformError) -> None:
        """Nobody may have the rest of it."""
        if ticket.state is not State.DONE:
            self._abort(ticket)
            ticket.fail(error)

    def fail_waiting(self, model: str, error: errors.PlatformError) -> None:
        """The model cannot be started: nobody shall wait for it."""
        for ticket in list(self._tickets.values()):
            if ticket.model == model and ticket.state is State.QUEUED:
                ticket.fail(error)

    def all(self) -> Collection[Ticket]:
        return self._tickets.values()

    def take_opened(self) -> dict[str, int]:
        """Requests that came for each model since this was asked last."""
        opened, self._opened = self._opened, {}
        return opened

    # -- sending ------------------------------------------------------------------------------

    def _send(self, ticket: Ticket) -> None:
        submit = ticket.next_attempt()
        self._tickets[ticket.key] = ticket
        self._order += 1
        ticket.order = self._order
        left = ticket.deadline - time.monotonic()
        envelope = Envelope(ticket.key, ticket.model, self.channel, time.time() + left, submit)
        data = messages.encode(envelope)
        ticket.size = len(data)
        queue = queues.model_queue(ticket.model)
        self._sender.send(queues.TASK_RUN, queue, data, expires=left)

    def _again(self, ticket: Ticket, reason: str) -> None:
        """This attempt is lost: send the next one, or tell the client why not."""
        if ticket.state is State.DONE:
            return
        self._tickets.pop(ticket.key, None)
        if ticket.replica is not None:
            self._aborts.setdefault(ticket.replica, set()).add(ticket.key)
            self._abort_wake.set()
        if ticket.attempt >= _MAX_ATTEMPTS:
            error: errors.PlatformError = errors.EngineDied.said(
                f"The request was started {ticket.attempt} times and lost each time; "
                f"the last time {reason}. Try again later."
            )
        elif ticket.shown and not (ticket.continuable and self._continues(ticket.model)):
            error = errors.EngineDied.said(
                f"The answer broke off: {reason}, and this kind of answer cannot be continued. "
                "Send the request again."
            )
        else:
            self.resent += 1
            log.info("request %s is sent again: %s", ticket.rid, reason)
            self._send(ticket)
            return
        self._tickets[ticket.key] = ticket  # the endpoint closes it
        ticket.fail(error)

    def _continues(self, model: str) -> bool:
        ready = self.fleet.ready(model)
        return not ready or any("continuation" in beat.abilities for beat in ready)

    def _leave(self, ticket: Ticket) -> None:
        count = self._per_model.get(ticket.model, 0) - 1
        if count > 0:
            self._per_model[ticket.model] = count
        else:
            self._per_model.pop(ticket.model, None)

    def _abort(self, ticket: Ticket) -> None:
        if ticket.replica is not None:
            targets = [ticket.replica]
        else:
            # Still in the queue: whoever takes it must know, so tell all who may.
            targets = [(b.replica, b.epoch) for b in self.fleet.all() if b.model == ticket.model]
        for target in targets:
            self._aborts.setdefault(target, set()).add(ticket.key)
        self._abort_wake.set()

    async def _send_aborts(self) -> None:
        while True:
            await self._abort_wake.wait()
            self._abort_wake.clear()
            aborts, self._aborts = self._aborts, {}
            for (replica, epoch), keys in aborts.items():
                await self._tell(replica, epoch, Abort(self.channel, tuple(keys)))

    async def _tell(self, replica: str, epoch: int, message: messages.ToReplica) -> None:
        try:
            await self._layer.send(
                replica_channel(replica, epoch), {"type": "web", BODY: messages.encode(message)}
            )
        except Exception as error:
            log.warning("replica %s could not be told: %s", replica, error)

    # -- receiving ----------------------------------------------------------------------------

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self.channel)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("the channel layer failed: %s", error)
                await asyncio.sleep(0.2)
                continue
            try:
                if message["type"] == "hint":
                    self._on_hint(msgspec.msgpack.decode(message[BODY]))
                else:
                    self._handle(messages.decode_to_web(message[BODY]))
            except Exception:
                log.exception("a message could not be handled")

    def _handle(self, message: messages.ToWeb) -> None:
        match message:
            case Frames():
                self._frames(message)
            case Beat():
                if self.fleet.hear(message):
                    self._on_fleet()
            case Tail():
                self._tail(message)
            case Gone():
                self._gone(message)
            case Seek() | Found():
                self.on_named(message)
            case Census():
                self.on_census(message)

    def _frames(self, frames: Frames) -> None:
        key = (frames.replica, frames.epoch)
        stream = self._stream(key, frames.stream)
        if frames.seq == stream.expected:
            stream.expected += 1
            self._apply(key, frames)
            if stream.ahead:
                self._catch_up(key, stream)
            else:
                stream.asks = 0
        elif frames.seq > stream.expected and len(stream.ahead) < _MAX_AHEAD:
            stream.ahead[frames.seq] = frames
            self._ask(key, frames.stream, stream, frames.seq - 1)

    def _stream(self, key: ReplicaKey, number: int) -> Stream:
        stream = self._streams.get((key, number))
        if stream is None:
            stream = self._streams[(key, number)] = Stream()
        stream.heard = time.monotonic()
        return stream

    def _catch_up(self, key: ReplicaKey, stream: Stream) -> None:
        while (frames := stream.ahead.pop(stream.expected, None)) is not None:
            stream.expected += 1
            self._apply(key, frames)
        stream.asks = 0

    def _ask(self, key: ReplicaKey, number: int, stream: Stream, last: int) -> None:
        """Something is missing up to ``last``: ask, but not for every frame behind the gap."""
        now = time.monotonic()
        if stream.asks and now - stream.asked < _ASK_SECONDS:
            return
        if stream.asks == 0:
            self.gaps += 1
            log.warning("frames %d to %d of %s are missing", stream.expected, last, key[0])
        if stream.asks >= _ASKS:
            self._give_up_stream(key, stream, "its frames were lost")
            return
        stream.asks, stream.asked = stream.asks + 1, now
        request = Resend(self.channel, number, stream.expected, last)
        self._tasks_once(self._tell(*key, request))

    def _give_up_stream(self, key: ReplicaKey, stream: Stream, reason: str) -> None:
        stream.expected = max(stream.ahead, default=stream.expected) + 1
        stream.ahead.clear()
        stream.asks = 0
        stream.broken = True
        for ticket in list(self._tickets.values()):
            if ticket.replica == key:
                self._again(ticket, reason)

    def _apply(self, key: ReplicaKey, frames: Frames) -> None:
        now = time.monotonic()
        tickets = self._tickets
        for started in frames.started:
            ticket = tickets.get(started)
            if ticket is None or ticket.replica not in (None, key):
                # Nobody waits for it; or a message that came twice was taken by two replicas.
                self._refuse(key, started)
                continue
            ticket.state = State.RUNNING if ticket.state is State.QUEUED else ticket.state
            ticket.replica = key
            ticket.seen = now
            if ticket.order >= self._newest_start.get(ticket.model, (0, 0.0))[0]:
                self._newest_start[ticket.model] = (ticket.order, now)
        for delta in frames.deltas:
            ticket = tickets.get(delta.rid)
            if ticket is not None and ticket.replica == key:
                ticket.seen = now
                if delta.fault is not None and delta.fault.retryable:
                    self._again(ticket, delta.fault.message)
                else:
                    ticket.deliver(delta)
            elif ticket is None and (delta.done or delta.fault is not None):
                self.on_late_end(delta)
        for lost in frames.lost:
            ticket = tickets.get(lost)
            if ticket is not None and ticket.replica in (None, key):
                ticket.replica = None
                self._again(ticket, frames.reason)
        self.fleet.touch(key)

    def _refuse(self, key: ReplicaKey, ticket_key: str) -> None:
        """Somebody works on what nobody waits for."""
        self.leftovers.taken(ticket_key)
        self._aborts.setdefault(key, set()).add(ticket_key)
        self._abort_wake.set()

    def _tail(self, tail: Tail) -> None:
        key = (tail.replica, tail.epoch)
        stream = self._stream(key, tail.stream)
        self.fleet.touch(key)
        now = time.monotonic()
        for ticket_key in tail.keys:
            ticket = self._tickets.get(ticket_key)
            if ticket is None or ticket.replica not in (None, key):
                self._refuse(key, ticket_key)
                continue
            ticket.seen = now
            if ticket.replica is None and tail.seq < stream.expected:
                ticket.state, ticket.replica = State.RUNNING, key
                if stream.broken:
                    # Its beginning may have been in the part that was given up.
                    self._again(ticket, "its first frames were lost")
        if tail.seq >= stream.expected:
            self._ask(key, tail.stream, stream, tail.seq)

    def _gone(self, gone: Gone) -> None:
        key = (gone.replica, gone.epoch)
        stream = self._stream(key, gone.stream)
        if gone.seq == 0 or gone.seq > stream.expected:
            self._give_up_stream(key, stream, "its frames were lost")
            stream.expected = max(stream.expected, gone.seq)

    # -- looking after ------------------------------------------------------------------------

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            try:
                for ticket in list(self._tickets.values()):
                    self._look_at(ticket, now)
                for (key, number), stream in list(self._streams.items()):
                    if stream.ahead:
                        self._ask(key, number, stream, min(stream.ahead) - 1)
                    elif now - stream.heard > 600:
                        del self._streams[(key, number)]
                self.fleet.prune()
            except Exception:
                log.exception("looking after the requests failed")

    def _look_at(self, ticket: Ticket, now: float) -> None:
        if ticket.state is State.DONE:
            return
        if now > ticket.deadline:
            self._expire(ticket)
        elif ticket.state is State.RUNNING and ticket.replica is not None:
            if now - ticket.seen > self._settings.peer_timeout:
                gone = "lost it" if self.fleet.alive(ticket.replica) else "does not answer"
                self._again(ticket, f"the replica {gone}")
        elif ticket.state is State.QUEUED and self._was_lost(
            ticket.model, ticket.order, ticket.queued_at
        ):
            self._again(ticket, "it was lost on its way to a replica")
        if now >= ticket.poke_at:
            ticket.poke_at = now + self._settings.keepalive_seconds
            ticket.poke()

    def _was_lost(self, model: str, order: int, since: float) -> bool:
        """Is a message that was sent then no longer in the queue?"""
        now = time.monotonic()
        if now - since <= _LOST_SECONDS:
            return False
        if not self._sender.connected or not self.fleet.ready(model):
            return False
        newest, at = self._newest_start.get(model, (0, 0.0))
        if newest > order:
            return now - at > _LOST_SECONDS  # the queue is in order: it was overtaken
        return self.fleet.idle_for(model) > _LOST_SECONDS and now - at > _LOST_SECONDS

    def _expire(self, ticket: Ticket) -> None:
        self._abort(ticket)
        waited = self._settings.request_timeout
        ticket.fail(
            errors.RequestTimeout.said(
                f"The request was not finished within its time limit ({waited:.0f} s by default)."
            )
        )

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            replicas = {t.replica for t in self._tickets.values() if t.replica is not None}
            for replica, epoch in replicas:
                await self._tell(replica, epoch, WebBeat(self.channel))
            self.leftovers.sweep(self._was_lost)

    def _tasks_once(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)
