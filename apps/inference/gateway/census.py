"""What runs in this web process, for whoever asks all of them: see ``apps.inference.in_flight``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from apps.inference import messages
from apps.inference.gateway.http import Exchange
from apps.inference.gateway.hub import Hub
from apps.inference.gateway.ticket import State
from apps.inference.messages import Census, InFlight
from xplatform.core.channels import answer_call
from xplatform.core.errors import RequestAborted

#: an answer is a page of something: of a longer line its beginning is told
_MOST = 2000


class CensusTaker:
    def __init__(self, hub: Hub, exchanges: Iterable[Exchange]) -> None:
        self._hub = hub
        self._exchanges = exchanges
        self._answers: set[asyncio.Task[None]] = set()
        hub.on_census = self._take

    def _take(self, census: Census) -> None:
        wanted = census.end or census.only
        found = [
            entry(exchange)
            for exchange in list(self._exchanges)
            if exchange.tickets and exchange.model == census.model and wanted in ("", _id(exchange))
        ]
        if census.end:
            self._end(census)
        data = messages.encode(sorted(found, key=lambda one: one.since)[:_MOST])
        task = asyncio.get_running_loop().create_task(
            asyncio.to_thread(answer_call, census.answer, data)
        )
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    def _end(self, census: Census) -> None:
        for exchange in list(self._exchanges):
            if exchange.tickets and _id(exchange) == census.end:
                for ticket in exchange.tickets:
                    self._hub.end(ticket, RequestAborted(census.why))


def entry(exchange: Exchange) -> InFlight:
    """Of one that has its tickets."""
    actor, record, tickets = exchange.actor, exchange.record, exchange.tickets
    assert actor is not None and record is not None
    waiting = all(ticket.state is State.QUEUED for ticket in tickets)
    return InFlight(
        id=_id(exchange),
        request_id=exchange.request_id,
        model=exchange.model,
        project=actor.project,
        kind=tickets[0].submit.kind,
        stream=not tickets[0].hold,
        state="waiting" if waiting else "running",
        since=time.time() - exchange.age(),
        tokens=sum(ticket.progress for ticket in tickets),
        sender=exchange.sender,
        key=record.name,
        user=actor.name,
        user_id=actor.user_id,
    )


def _id(exchange: Exchange) -> str:
    """Of several choices, which have a number each, what they share."""
    return exchange.tickets[0].rid.partition("-")[0]
