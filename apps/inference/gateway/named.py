"""Running requests by the name that their callers gave them: how far they are, and their end.

The name is the header ``X-Request-Id`` or the field ``request_id``. A caller finds its own
requests only: those of its API key, or of the person behind a token (``Exchange.sender``). Any web
process may be asked; the one that has the request answers, by way of the channel that all of them
listen on.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from apps.inference import messages
from apps.inference.gateway.hub import Hub
from apps.inference.gateway.ticket import State, Ticket
from apps.inference.gateway.waiting import Waiting
from apps.inference.messages import Found, Seek
from xplatform.core.channels import BODY, WEBS
from xplatform.core.errors import RequestAborted

log = logging.getLogger(__name__)

#: other web processes have this long to say that a request is theirs
_SEEK_SECONDS = 0.5
_MAX_BLOCKED = 20_000
_MAX_BLOCK_SECONDS = 3600.0

#: (whose, name)
Name = tuple[str, str]


class Named:
    def __init__(self, hub: Hub, layer: Any, waiting: Waiting) -> None:
        self._hub = hub
        self._layer = layer
        self._waiting = waiting
        self._running: dict[Name, list[Sequence[Ticket]]] = {}
        #: names that were aborted ahead of time, and until when
        self._blocked: dict[Name, float] = {}
        self._asked: dict[str, asyncio.Future[Found]] = {}
        self._replies: set[asyncio.Task[None]] = set()
        hub.on_named = self._handle

    @contextmanager
    def running(self, key: str, name: str, tickets: Sequence[Ticket]) -> Iterator[None]:
        """While the block runs, these tickets are found by the name. A name may be used twice."""
        wanted = (key, name)
        self._running.setdefault(wanted, []).append(tickets)
        try:
            yield
        finally:
            same = self._running[wanted]
            same.remove(tickets)
            if not same:
                del self._running[wanted]

    def check(self, key: str, name: str) -> None:
        """Raises RequestAborted for a name that was aborted a moment ago."""
        if self._blocked and self._blocked.get((key, name), 0.0) > time.monotonic():
            raise RequestAborted("A request of this name was aborted, before it came.")

    # -- for the routes -----------------------------------------------------------------------

    async def seek(
        self, key: str, name: str, *, model: str = "", abort: bool = False, block: float = 0.0
    ) -> Found | None:
        """Here and at all other web processes; None: nobody has it."""
        seek = Seek(
            secrets.token_hex(8), self._hub.channel, name, key, model, abort,
            max(0.0, min(block, _MAX_BLOCK_SECONDS)),
        )  # fmt: skip
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._asked[seek.id] = answer
        try:
            if (mine := self._look(seek)) and not abort:
                return mine
            # An abort goes to all, for the name may be used again at another one.
            await self._layer.group_send(WEBS, {"type": "named", BODY: messages.encode(seek)})
            if mine:
                return mine
            return await asyncio.wait_for(answer, _SEEK_SECONDS)
        except TimeoutError:
            return None
        finally:
            del self._asked[seek.id]

    # -- what the others say ------------------------------------------------------------------

    def _handle(self, message: Seek | Found) -> None:
        if isinstance(message, Found):
            answer = self._asked.get(message.id)
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif message.reply != self._hub.channel and (found := self._look(message)):
            task = asyncio.get_running_loop().create_task(self._reply(message.reply, found))
            self._replies.add(task)
            task.add_done_callback(self._replies.discard)

    async def _reply(self, channel: str, found: Found) -> None:
        try:
            await self._layer.send(channel, {"type": "named", BODY: messages.encode(found)})
        except Exception as error:
            log.warning("a web process could not be answered: %s", error)

    def _look(self, seek: Seek) -> Found | None:
        if seek.abort and seek.block_seconds:
            self._block((seek.key, seek.name), seek.block_seconds)
        found = None
        for tickets in self._running.get((seek.key, seek.name), ()):
            if seek.model and tickets[0].model != seek.model:
                continue
            found = self._found(seek.id, tickets)
            if seek.abort:
                for ticket in tickets:
                    ticket.fail(RequestAborted())
        return found

    def _block(self, name: Name, seconds: float) -> None:
        now = time.monotonic()
        if len(self._blocked) >= _MAX_BLOCKED:
            self._blocked = {key: until for key, until in self._blocked.items() if until > now}
        if len(self._blocked) < _MAX_BLOCKED:
            self._blocked[name] = now + seconds

    def _found(self, seek_id: str, tickets: Sequence[Ticket]) -> Found:
        """Of several choices the one that is furthest behind."""
        ticket = min(tickets, key=lambda t: (t.state is State.DONE, t.state is State.RUNNING))
        position, message = self._waiting.position(ticket), ""
        if position and not self._hub.fleet.ready(ticket.model):
            start = self._waiting.start(ticket.model)
            message = start.message or "the model is starting"
        wanted = sum(t.submit.sampling.max_tokens or 0 for t in tickets)
        done = 1.0 if ticket.state is State.DONE else 0.0
        if not done and wanted:
            done = min(0.99, sum(t.progress for t in tickets) / wanted)
        return Found(seek_id, ticket.model, ticket.state.value, done, position, message)
