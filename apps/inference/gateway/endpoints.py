"""The routes of ``/v1``: parse, check, admit, run, answer."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from apps.inference.gateway import cards, metrics
from apps.inference.gateway.bills import Bills
from apps.inference.gateway.http import ClientGone, Exchange
from apps.inference.gateway.hub import Hub
from apps.inference.gateway.memory import Memory
from apps.inference.gateway.named import Named
from apps.inference.gateway.pulse import Pulse
from apps.inference.gateway.ticket import Ticket
from apps.inference.gateway.waiting import Waiting, patience
from apps.inference.openai import encode, media, parse, results
from apps.inference.openai.schema import ChatRequest, CompletionRequest, Request
from apps.inference.openai.submit import check_capabilities, choice_bases, to_submits, with_adapter
from apps.metering import api as metering
from apps.metering.api import Gate, Reservation
from apps.models.api import ServedModel
from xplatform.core import errors
from xplatform.core.config import Settings
from xplatform.core.errors import PlatformError, from_fault
from xplatform.engines.protocol import Delta, Submit

log = logging.getLogger(__name__)

_LOGGED_BYTES = 2000

R = TypeVar("R", bound=Request)
G = TypeVar("G", ChatRequest, CompletionRequest)


@dataclass(frozen=True, slots=True)
class Call(Generic[R]):
    """A request that was found to be in order."""

    request: R
    model: ServedModel
    #: the model's name as it was called: with the adapter
    name: str
    jobs: list[Submit]
    #: whose it is, and their name of it
    sender: str
    request_id: str
    #: seconds the caller can wait for the beginning; None: as long as it takes
    patience: float | None
    #: what was taken from its limits; settled when the request ends
    reservation: Reservation


@dataclass(slots=True)
class Endpoints:
    settings: Settings
    memory: Memory
    hub: Hub
    waiting: Waiting
    named: Named
    gate: Gate
    bills: Bills
    pulse: Pulse

    # -- routes -------------------------------------------------------------------------------

    async def chat(self, exchange: Exchange) -> None:
        await self._generate(exchange, parse.parse_chat)

    async def completions(self, exchange: Exchange) -> None:
        await self._generate(exchange, parse.parse_completion)

    async def embeddings(self, exchange: Exchange) -> None:
        call = await self._accept(exchange, parse.parse_embedding)
        delta = await self._one_result(exchange, call)
        body = results.embedding_answer(
            delta.result or {},
            call.name,
            usage=delta.usage,
            encoding_format=call.request.encoding_format,
            inputs=len(call.jobs[0].payload["inputs"]),
        )
        await exchange.answer(body)

    async def tokenize(self, exchange: Exchange) -> None:
        call = await self._accept(exchange, parse.parse_tokenize)
        delta = await self._one_result(exchange, call)
        beats = self.hub.fleet.ready(call.model.uid)
        await exchange.answer(
            results.tokenize_answer(
                delta.result or {},
                context_length=beats[0].context_length if beats else call.model.context_length,
                texts=bool(call.request.return_token_strs),
            )
        )

    async def detokenize(self, exchange: Exchange) -> None:
        call = await self._accept(exchange, parse.parse_detokenize)
        delta = await self._one_result(exchange, call)
        await exchange.answer(results.detokenize_answer(delta.result or {}))

    # -- common steps -------------------------------------------------------------------------

    async def _accept(self, exchange: Exchange, parse_body: Callable[[bytes], R]) -> Call[R]:
        """Everything that can be said before any work begins."""
        actor = await self.memory.admit(exchange, "models.use")
        body = await exchange.body(self.settings.max_body_mb << 20)
        if self.settings.log_bodies:
            log.info("%s body: %s", exchange.request_id, shown_body(body))
        request = parse_body(body)
        model, adapter = await self.memory.model(request.model, actor)
        exchange.model = model.uid
        if model.engine:
            capabilities = cards.capabilities(model, self.hub.fleet)
            check_capabilities(request, capabilities, model.engine)
        # Else a registration that was never called: its engine is found on the way, and says
        # itself what it cannot do.
        request_id = getattr(request, "request_id", None) or exchange.request_id
        self.named.check(exchange.sender, request_id)
        if media.has_media(request):
            await media.take_in(request, self.settings)
        jobs = with_adapter(to_submits(request, secrets.token_hex(12)), adapter)
        self._admit(model, len(jobs))
        stream = bool(getattr(request, "stream", False))
        limit = patience(exchange.headers, stream=stream, keepalive=self.settings.keepalive_seconds)
        name = f"{model.uid}:{adapter}" if adapter else model.uid
        # The last step: what is refused for another reason takes nothing from a limit.
        reservation = await self._reserve(exchange, model, jobs)
        return Call(request, model, name, jobs, exchange.sender, request_id, limit, reservation)

    async def _reserve(
        self, exchange: Exchange, model: ServedModel, jobs: list[Submit]
    ) -> Reservation:
        assert exchange.record is not None
        try:
            reservation = await self.gate.reserve(exchange.record, model.uid, metering.size(jobs))
        except errors.CapacityError as error:
            if "kind" in error.data:
                metrics.REFUSED.labels(error.data["kind"], error.data["scope"]).inc()
            raise
        exchange.more_headers += reservation.headers
        return reservation

    def _admit(self, model: ServedModel, jobs: int) -> None:
        """Nothing waits unbounded: a full waiting line says so at once."""
        if self.hub.leftovers.full:
            raise errors.QueueFull(
                "Too many requests wait in the queue whose clients went away. Try again later.",
                retry_after=5.0,
            )
        slots = self.hub.fleet.slots(model.uid) or model.slots
        running = self.hub.running(model.uid)
        if running + jobs > slots + self.settings.max_queue and running > 0:
            raise errors.QueueFull(
                f"The model {model.uid!r} has {slots} slots, all busy, and {running - slots} "
                f"requests wait here already (the limit is {self.settings.max_queue}). "
                "Try again later.",
                retry_after=min(30.0, max(1.0, running / max(1, slots) * 0.25)),
            )

    @contextmanager
    def _running(
        self, exchange: Exchange, call: Call[R], *, hold: bool
    ) -> Iterator[Sequence[Ticket]]:
        """Its tickets, while the client is there; when it leaves, or the block ends, they are
        closed."""
        now = time.monotonic()
        deadline = now + self.settings.request_timeout
        exchange.tickets = tickets = []
        failed = False
        # From here on whatever happens gives back what was reserved.
        try:
            for job in call.jobs:
                ticket = self.hub.open(job.rid, call.model.uid, job, hold=hold, deadline=deadline)
                if call.patience is not None:
                    ticket.patience = now + call.patience
                tickets.append(ticket)
            if exchange.refused is not None:
                raise exchange.refused  # while its body came
            exchange.watch(_cancel_current())
            with self.named.running(call.sender, call.request_id, tickets):
                yield tickets
        except asyncio.CancelledError:
            if exchange.gone:
                raise ClientGone from None
            raise
        except ClientGone:
            raise
        except Exception:
            failed = True
            raise
        finally:
            exchange.unwatch()
            exchange.tickets = ()
            for ticket in tickets:
                self.hub.close(ticket)
            failed = failed or exchange.outcome >= 400
            self.bills.close(call.reservation, tickets, failed=failed)

    # -- one result ---------------------------------------------------------------------------

    async def _one_result(self, exchange: Exchange, call: Call[R]) -> Delta:
        """For jobs that answer in one piece."""
        with self._running(exchange, call, hold=True) as (ticket,):
            while True:
                for delta in await ticket.take():
                    if delta.fault is not None:
                        raise from_fault(delta.fault, call.model.engine)
                    if delta.finish == "abort":
                        raise errors.RequestAborted()
                    if delta.usage is not None:
                        metrics.count_usage(call.model.uid, delta.usage)
                    if delta.done:
                        return delta

    # -- generation ---------------------------------------------------------------------------

    async def _generate(self, exchange: Exchange, parse_body: Callable[[bytes], G]) -> None:
        call = await self._accept(exchange, parse_body)
        stream = bool(call.request.stream)
        with self._running(exchange, call, hold=not stream) as tickets:
            await (self._stream if stream else self._whole)(exchange, call, tickets)

    async def _whole(self, exchange: Exchange, call: Call[Any], tickets: Sequence[Ticket]) -> None:
        chat = isinstance(call.request, ChatRequest)
        make = encode.ChatAnswer if chat else encode.CompletionAnswer
        engine, jobs = call.model.engine, call.jobs
        answer = make(_answer_id(jobs), call.name, engine=engine, bases=choice_bases(jobs))
        async for deltas in _deltas(tickets):
            for delta in deltas:
                if delta.usage is not None:
                    metrics.count_usage(call.model.uid, delta.usage)
                if answer.feed(delta):
                    await exchange.answer(answer.encode())
                    return

    async def _stream(self, exchange: Exchange, call: Call[Any], tickets: Sequence[Ticket]) -> None:
        model, jobs = call.model, call.jobs
        options = call.request.stream_options
        chat = isinstance(call.request, ChatRequest)
        make = encode.ChatStream if chat else encode.CompletionStream
        bases = choice_bases(jobs)
        stream = make(
            _answer_id(jobs),
            call.name,
            include_usage=bool(options and options.include_usage),
            engine=model.engine,
            bases=bases if len(jobs) > 1 else None,
        )
        shown = False
        try:
            async for deltas in _deltas(tickets):
                if not exchange.started:
                    if deltas and deltas[0].fault is not None:
                        # Nothing was sent yet: this is an ordinary error with its status.
                        raise from_fault(deltas[0].fault, model.engine)
                    await exchange.start_stream()
                if deltas and not shown:
                    shown = True
                    metrics.FIRST_TOKEN.labels(model.uid).observe(exchange.age())
                    self.pulse.first_token(model.uid, exchange.age())
                if not deltas:
                    await exchange.write(self.waiting.comment(tickets[0]))
                    continue
                if len(deltas) == 1:
                    data = stream.feed(deltas[0])
                else:
                    data = b"".join([stream.feed(delta) for delta in deltas])
                if deltas[-1].usage is not None:
                    metrics.count_usage(model.uid, deltas[-1].usage)
                if data:
                    await exchange.write(data)
                if stream.done:
                    break
        except (PlatformError, asyncio.CancelledError) as problem:
            if not exchange.started or exchange.gone:
                raise
            # Only a server that stops cancels a request whose client is still there.
            error = problem if isinstance(problem, PlatformError) else errors.ServerStopping()
            exchange.outcome = error.status
            await exchange.write(stream.fail(error))
        if stream.error is not None:
            exchange.outcome = stream.error.status
        await exchange.end_stream()


def shown_body(body: bytes) -> str:
    """For the log: a beginning on one line. The log masks what looks like a secret."""
    text = body[:_LOGGED_BYTES].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text) + (
        f"… ({len(body)} bytes)" if len(body) > _LOGGED_BYTES else ""
    )


def _answer_id(jobs: Sequence[Submit]) -> str:
    return jobs[0].rid if len(jobs) == 1 else jobs[0].rid.rpartition("-")[0]


def _cancel_current() -> Callable[[], None]:
    """What to do when the client leaves: cancel the task that serves it."""
    task = asyncio.current_task()
    assert task is not None

    def cancel() -> None:
        task.cancel()

    return cancel


async def _deltas(tickets: Sequence[Ticket]) -> AsyncIterator[list[Delta]]:
    """What arrives for any of the tickets, as it comes."""
    if len(tickets) == 1:
        ticket = tickets[0]
        while True:
            yield await ticket.take()
    queue: asyncio.Queue[list[Delta] | PlatformError] = asyncio.Queue(maxsize=len(tickets))

    async def pump(ticket: Ticket) -> None:
        try:
            while True:
                deltas = await ticket.take()
                await queue.put(deltas)
                if any(delta.done or delta.fault for delta in deltas):
                    return
        except PlatformError as error:
            await queue.put(error)

    pumps = [asyncio.get_running_loop().create_task(pump(ticket)) for ticket in tickets]
    try:
        while True:
            item = await queue.get()
            if isinstance(item, PlatformError):
                raise item
            yield item
    finally:
        for task in pumps:
            task.cancel()
