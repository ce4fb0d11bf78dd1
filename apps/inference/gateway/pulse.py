"""What this web process tells of its requests for charts: sums every few seconds, no request.

A request costs some additions here. Tokens of answers on their way are counted with each beat, from
what their tickets have, so that a long answer is no single peak at its end.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time

from apps.inference.gateway.catalog import Catalog
from apps.inference.gateway.hub import Hub
from apps.inference.gateway.ticket import State, Ticket
from apps.models import api as models
from apps.models.api import PULSE_BEAT, PulsePoint, PulseSlots

log = logging.getLogger(__name__)

#: what a client gets, or would have got, that left
_LEFT = 499


class Pulse:
    def __init__(self, hub: Hub, catalog: Catalog) -> None:
        self._hub = hub
        self._catalog = catalog
        self._slots = PulseSlots()
        self._counted: dict[str, PulsePoint] = {}
        #: a process that starts anew is another one, whose sums are added to what was
        self._name = f"web-{secrets.token_hex(4)}"
        hub.on_close = self._closed

    # -- on a request's way -------------------------------------------------------------------

    def answered(self, model: str, status: int) -> None:
        point = self._point(model)
        point.requests += 1
        if status >= 400 and status != _LEFT:
            point.errors += 1

    def first_token(self, model: str, seconds: float) -> None:
        self._point(model).note_first_token(seconds)

    def _closed(self, ticket: Ticket) -> None:
        """The engine's own count, where it came to that."""
        point, usage = self._point(ticket.model), ticket.usage
        came = ticket.progress
        if usage is not None:
            point.tokens_in += usage.prompt_tokens
            came = usage.completion_tokens
        point.tokens_out += max(0, came - ticket.told)

    def _point(self, uid: str) -> PulsePoint:
        point = self._counted.get(uid)
        if point is None:
            model = self._catalog.find(uid)
            point = self._counted[uid] = PulsePoint(model.project if model else "")
        return point

    # -- off it -------------------------------------------------------------------------------

    async def keep_telling(self) -> None:
        while True:
            await asyncio.sleep(PULSE_BEAT - time.time() % PULSE_BEAT)
            try:
                told = self.beat(time.time())
                await asyncio.to_thread(models.pulse_store().write, "models", self._name, told)
            except Exception:
                log.exception("the pulse could not be told")

    def beat(self, now: float) -> list[tuple[models.PulseStep, int, bytes]]:
        """What is to be written of the beat that ends about now."""
        for ticket in self._hub.all():
            if ticket.state is State.DONE:
                continue
            point = self._point(ticket.model)
            if ticket.state is State.QUEUED:
                point.waiting += 1
            else:
                point.running += 1
                came = ticket.progress
                point.tokens_out += max(0, came - ticket.told)
                ticket.told = max(came, ticket.told)
        counted, self._counted = self._counted, {}
        return self._slots.beat(round(now / PULSE_BEAT) * PULSE_BEAT, counted)
