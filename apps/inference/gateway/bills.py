"""Requests that have ended here, until their engines have said what they used.

Whoever ends in order has brought the engine's count along. Of a request that was aborted, or whose
client left, the engine tells it a moment later, in the last delta of a ticket that is closed; of
one whose replica died nobody does, and what came until then is counted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.inference.gateway.ticket import Ticket
from apps.metering.api import Gate, Reservation, Used
from xplatform.engines.protocol import Delta, Usage

#: an engine that was told to abort a request has this long to say what it used
_PATIENCE: Final = 8.0


@dataclass(slots=True)
class Bill:
    reservation: Reservation
    failed: bool
    until: float
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    #: key of an attempt → tokens that came of it
    missing: dict[str, int] = field(default_factory=dict)

    def add(self, usage: Usage) -> None:
        self.prompt += usage.prompt_tokens
        self.cached += usage.cached_tokens
        self.completion += usage.completion_tokens


class Bills:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._open: dict[str, Bill] = {}

    def close(self, reservation: Reservation, tickets: Sequence[Ticket], *, failed: bool) -> None:
        """After the tickets were closed."""
        bill = Bill(reservation, failed, time.monotonic() + _PATIENCE)
        for ticket in tickets:
            if ticket.usage is not None:
                bill.add(ticket.usage)
            elif ticket.ended:
                self._guess(bill, ticket.progress)
            else:
                bill.missing[ticket.key] = ticket.progress
                self._open[ticket.key] = bill
        if bill.missing:
            # Its place is free at once.
            self._gate.release(reservation)
        self._settle_if_known(bill)

    def hear(self, delta: Delta) -> None:
        """The end of a request for which there is no ticket any more."""
        bill = self._open.pop(delta.rid, None)
        if bill is None:
            return
        came = bill.missing.pop(delta.rid)
        if delta.usage is not None:
            bill.add(delta.usage)
        else:
            self._guess(bill, came)
        self._settle_if_known(bill)

    def sweep(self, *, all_of_them: bool = False) -> None:
        now = time.monotonic()
        for key, bill in list(self._open.items()):
            if all_of_them or now > bill.until:
                del self._open[key]
                self._guess(bill, bill.missing.pop(key))
                self._settle_if_known(bill)

    def _guess(self, bill: Bill, came: int) -> None:
        """What nothing came of may never have begun."""
        if came:
            bill.completion += came
            if not bill.prompt:
                reservation = bill.reservation
                bill.prompt = self._gate.averages.prompt(reservation.model, reservation.size)

    def _settle_if_known(self, bill: Bill) -> None:
        if not bill.missing:
            used = Used(bill.prompt, bill.cached, bill.completion)
            self._gate.settle(bill.reservation, used, failed=bill.failed)
