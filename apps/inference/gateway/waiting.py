"""Requests that wait for their model: it is asked for, and those who wait are told how it goes.

A client that can only wait so long (``patience``) is told at once when the start is expected to
take longer, with the time after which it may come again.
"""

from __future__ import annotations

import math
import re
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from apps.inference.gateway.hub import Hub
from apps.inference.gateway.memory import Memory
from apps.inference.gateway.ticket import State, Ticket
from xplatform.core import errors, queues
from xplatform.core.sender import TaskSender

SECONDS = 0.1
_WAKE_AGAIN_SECONDS = 2.0
#: a model whose start failed may be tried again; after this long without one the reason is told
_FAILED_SECONDS = 3.0
#: what is said to be left of a start that takes longer than the last one
_LEAST_LEFT = 1.0
#: of a start of unknown length nothing can be told before this part of it
_EARLY = 0.05

_PREFER_WAIT = re.compile(rb"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9}(?:\.\d+)?)", re.IGNORECASE)


class Start(NamedTuple):
    """How far the start of a model is."""

    progress: float
    message: str
    #: None: nobody knows
    seconds_left: float | None


class Waiting:
    def __init__(self, hub: Hub, memory: Memory, sender: TaskSender) -> None:
        self._hub = hub
        self._memory = memory
        self._sender = sender
        self._asked: dict[str, float] = {}
        #: since when somebody has been waiting for a model that nobody serves
        self._since: dict[str, float] = {}
        #: who waits, as of the last look
        self._lines: dict[str, list[Ticket]] = {}

    # -- ten times a second -------------------------------------------------------------------

    def look(self) -> None:
        now = time.monotonic()
        queued = self._lines = self._queued()
        for uid in list(self._since):
            if uid not in queued or self._hub.fleet.ready(uid):
                del self._since[uid]
        for uid, tickets in queued.items():
            if self._hub.fleet.ready(uid):
                self._tell_impatient(uid, tickets, now, None)
            else:
                self._wake(uid, now)
                self._tell_impatient(uid, tickets, now, self.start(uid))

    def _queued(self) -> dict[str, list[Ticket]]:
        """Who waits for a slot, model by model, first come first."""
        queued: dict[str, list[Ticket]] = {}
        for ticket in self._hub.all():
            if ticket.state is State.QUEUED:
                queued.setdefault(ticket.model, []).append(ticket)
        for tickets in queued.values():
            tickets.sort(key=lambda ticket: ticket.order)
        return queued

    def _wake(self, uid: str, now: float) -> None:
        """Ask for it; when it cannot be had, say so to those who wait."""
        since = self._since.setdefault(uid, now)
        if now - self._asked.get(uid, 0.0) >= _WAKE_AGAIN_SECONDS:
            self._asked[uid] = now
            self._sender.send(queues.TASK_WAKE, queues.CONTROL, uid, expires=10.0)
        model = self._memory.catalog.find(uid)
        if model is None:
            self._hub.fail_waiting(uid, _terminated(uid))
        elif model.state == "failed" and now - since > _FAILED_SECONDS:
            self._hub.fail_waiting(uid, start_failed(model.uid, model.reason))

    def _tell_impatient(
        self, uid: str, tickets: Sequence[Ticket], now: float, start: Start | None
    ) -> None:
        left = start.seconds_left if start else None
        for ticket in tickets:
            if ticket.patience is None or ticket.shown:
                continue
            if now + (left or 0.0) > ticket.patience:
                ticket.fail(_cannot_wait(uid, start))

    # -- for those who wait -------------------------------------------------------------------

    def start(self, uid: str) -> Start:
        """As far as is known here. From the length of the last start; else from how long it took
        to get where it is, counted from when somebody here began to wait."""
        beat = self._hub.fleet.loading(uid)
        model = self._memory.catalog.find(uid)
        progress, message = 0.0, ""
        if beat is not None:
            progress, message = beat.progress, beat.message
        elif model is not None and model.state == "starting":
            progress, message = model.progress, model.message
        left = None
        if model is not None and model.start_seconds:
            left = max(_LEAST_LEFT, model.start_seconds * (1.0 - progress))
        elif progress > _EARLY and (since := self._since.get(uid)) is not None:
            waited = time.monotonic() - since
            left = max(_LEAST_LEFT, waited * (1.0 - progress) / progress)
        return Start(progress, message, left)

    def position(self, ticket: Ticket) -> int:
        """In this process's waiting line for the model, from 1; 0: it is not waiting."""
        if ticket.state is not State.QUEUED:
            return 0
        line = self._lines.get(ticket.model, ())
        return 1 + bisect_left(line, ticket.order, key=lambda other: other.order)

    def comment(self, ticket: Ticket) -> bytes:
        """A sign of life for a stream, and for people who look at it."""
        position = self.position(ticket)
        if not position:
            return b": keep-alive\n\n"
        said = [f"waiting for {ticket.model}: "]
        if self._hub.fleet.ready(ticket.model):
            said.append("all slots are busy")
        else:
            start = self.start(ticket.model)
            said.append(f"loading {start.progress:.0%}" if start.progress else "starting")
            if start.seconds_left is not None:
                said.append(f", about {math.ceil(start.seconds_left)} s left")
        said.append(f", position {position}")
        return f": {''.join(said)}\n\n".encode()


def patience(headers: Mapping[bytes, bytes], *, stream: bool, keepalive: float) -> float | None:
    """How many seconds the client can wait for the beginning of its answer; None: it does not say.

    The published OpenAI clients send their own time-out. In Python's it is the time between two
    reads, in JavaScript's that until the headers: in a stream the comments keep either alive.
    """
    limits = [
        seconds
        for name in (b"x-stainless-read-timeout", b"x-stainless-timeout")
        if (seconds := _seconds(headers.get(name))) is not None
        and not (stream and seconds >= 1.5 * keepalive)
    ]
    if (seconds := _seconds(headers.get(b"x-request-timeout"))) is not None:
        limits.append(seconds)
    if match := _PREFER_WAIT.search(headers.get(b"prefer", b"")):
        limits.append(float(match[1]))
    return min(limits, default=None)


def _seconds(value: bytes | None) -> float | None:
    try:
        seconds = float(value) if value else math.inf
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


def _cannot_wait(uid: str, start: Start | None) -> errors.PlatformError:
    if start is None:
        return errors.ModelUnavailable(
            f"All slots of the model {uid!r} are busy, for longer than the request can wait.",
            retry_after=_LEAST_LEFT,
        )
    left = start.seconds_left
    about = f"about {math.ceil(left)} s from now" if left is not None else "at an unknown time"
    return errors.ModelUnavailable(
        f"The model {uid!r} is starting ({start.progress:.0%} done) and will be ready {about}, "
        "which is later than the request can wait.",
        data={"progress": start.progress, "seconds_left": left},
        retry_after=left,
    )


def _terminated(uid: str) -> errors.PlatformError:
    """It was there when they came."""
    error = errors.ModelUnavailable(
        f"The model {uid!r} was terminated before this request was done: launch it again, or call"
        " another one."
    )
    error.retryable, error.retry_after = False, None
    return error


def start_failed(uid: str, reason: str) -> errors.PlatformError:
    return errors.EngineStartFailed.said(f"The model {uid!r} cannot be started: {reason}")
