"""What a web process does for limits and usage at each request: ``reserve`` before, ``settle``
after.

Limits and prices are in memory. A caller without limits costs a look into a dictionary. The
others cost one call of the script in Redis; while that is away, ``local`` stands in for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from apps.metering import answers, periods, rulebook
from apps.metering.collector import Collector, Sums
from apps.metering.estimates import Averages, Size
from apps.metering.local import Local, Reading, Want
from apps.metering.prices import PriceList
from apps.metering.rules import KINDS, Book, Caller, Counted
from apps.metering.store import WEBS, Store, StoreAway, counter, web_name
from xplatform.core import errors, hints

log = logging.getLogger(__name__)

#: leases of running requests last this long without their web process …
LEASE_MS: Final = 5000
#: … which renews them this often
_RENEW_SECONDS: Final = 1.0
_REFRESH_SECONDS: Final = 15.0
_RETRY_SECONDS: Final = 1.0
_LOAD_SECONDS: Final = 10.0
#: longest wait for what a period had before its counter was made
_BEFORE_SECONDS: Final = 1.0


class Credential(Protocol):
    """What the gate needs of ``apps.accounts.api.KeyRecord``."""

    @property
    def id(self) -> str: ...
    @property
    def owner_id(self) -> int | None: ...


class Used(NamedTuple):
    """As the engine counted; ``cached`` is part of ``prompt``."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0


@dataclass(slots=True)
class Reservation:
    """Settle it, whatever happens; a second time does nothing."""

    caller: Caller
    model: str
    size: Size
    #: of the answer
    headers: tuple[tuple[bytes, bytes], ...] = ()
    counted: Sequence[Counted] = ()
    wants: Sequence[Want] = ()
    lease: str = ""
    #: milliseconds
    at: int = 0
    #: by this process alone
    local: bool = False
    settled: bool = field(default=False)


class Gate:
    def __init__(
        self,
        url: str,
        read: Callable[[], rulebook.Read],
        before: Callable[..., int],
        collector: Collector,
        ask: Callable[[Callable[[], Any]], Awaitable[Any]],
        processes: int = 1,
    ) -> None:
        """``read`` and ``before`` ask the database, in a thread by ``ask``."""
        self.store = Store(url)
        self.local = Local()
        self.book = Book()
        self.prices = PriceList()
        self.averages = Averages()
        self.collector = collector
        #: web processes of the whole cluster, as far as was heard
        self.processes = processes
        self._read, self._before, self._ask = read, before, ask
        self._loaded = asyncio.Event()
        #: Unix time
        self.clock: Callable[[], float] = time.time
        self._web = web_name()
        self._leases = 0
        #: the broker was away: it may not know our leases, nor what periods had meanwhile
        self._missed = False
        self._tasks: list[asyncio.Task[None]] = []

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        for work in (self._keep_fresh, self._keep_leases, self.collector.run):
            self._tasks.append(loop.create_task(work()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.collector.flush()
        await self.store.close()

    async def refresh(self) -> None:
        """Raises DatabaseError."""
        rules, prices = await self._ask(self._read)
        if rules != list(self.book.rules):
            self.book = Book(rules)
        self.prices = PriceList(prices)
        self._loaded.set()

    # -- at each request ----------------------------------------------------------------------

    async def reserve(self, record: Credential, model: str, size: Size) -> Reservation:
        """Raises RateLimited and QuotaExceeded; then nothing was taken."""
        if not self._loaded.is_set():
            await self._until_loaded()
        caller = caller_of(record)
        reservation = Reservation(caller, model, size)
        counted = self.book.find(caller, model)
        if not counted:
            return reservation
        self._leases += 1
        reservation.lease = f"{self._web}:{self._leases}"
        reservation.counted, reservation.wants = self._wants(counted, model, size)
        if reservation.wants:
            await self._take(reservation)
        return reservation

    def settle(
        self, reservation: Reservation, used: Used | None = None, *, failed: bool = False
    ) -> None:
        """With what the engine counted. None: it never came to the engine."""
        if reservation.settled:
            return
        reservation.settled = True
        model, size = reservation.model, reservation.size
        cost = 0
        if used is not None and not size.free:
            cost = self.prices.of(model).cost(*used)
            if not failed:
                self.averages.learn(model, size, used.prompt, used.completion)
        prompt, cached, completion = used or Used()
        self.collector.add(
            reservation.caller, model, Sums(1, int(failed), prompt, cached, completion, cost)
        )
        if reservation.wants:
            self._correct(reservation, prompt + completion, cost)

    def release(self, reservation: Reservation) -> None:
        """It runs no more, though what it used may still be counted."""
        held = self._end(reservation)
        if held and self.store.up:
            self._tell(reservation, [(want.name, "c", 0) for want in held])

    def _end(self, reservation: Reservation) -> list[Want]:
        return [
            want
            for want in reservation.wants
            if want.form == "c" and self.local.ended(want.name, reservation.lease)
        ]

    async def _until_loaded(self) -> None:
        """Right after the start: to let everybody in would be wrong."""
        try:
            await asyncio.wait_for(self._loaded.wait(), _LOAD_SECONDS)
        except TimeoutError:
            raise errors.ServerStarting from None

    # -- reserving ----------------------------------------------------------------------------

    def _wants(
        self, counted: Sequence[Counted], model: str, size: Size
    ) -> tuple[list[Counted], list[Want]]:
        now = self.clock()
        prompt = self.averages.prompt(model, size)
        tokens = prompt + self.averages.completion(model, size)
        cost = 0 if size.free else self.prices.of(model).cost(prompt, 0, tokens - prompt)
        #: what it takes for sure; the rest is a guess, which must not keep it out for ever
        sure = prompt + (size.most or 0)
        taken: list[Counted] = []
        wants: list[Want] = []
        for entry in counted:
            kind, limit = KINDS[entry.rule.kind], entry.rule.amount
            amount = _amount(entry, tokens, cost)
            if not amount:
                continue
            if kind.unit == "tokens" and kind.span == "minute":
                if sure > limit:
                    raise answers.too_large(entry, sure)
                amount = min(amount, limit)
            taken.append(entry)
            if kind.span == "minute":
                wants.append(Want(entry.name, "w", limit, amount))
            elif kind.span == "now":
                wants.append(Want(entry.name, "c", limit, amount))
            else:
                period = _period(entry, now)
                ends = max(1, int((period.end.timestamp() - now) * 1000))
                wants.append(Want(f"{entry.name}:{period.name}", "p", limit, amount, ends))
        return taken, wants

    async def _take(self, reservation: Reservation) -> None:
        taken: bool | None = None
        readings: list[Reading] = []
        if self.store.up:
            try:
                taken, readings = await self._take_from_store(reservation)
            except StoreAway:
                pass
        if taken is None:
            reservation.local = self._missed = True
            reservation.at = self._now()
            taken, readings = self.local.reserve(
                reservation.wants, reservation.lease, reservation.at, self.processes
            )
        if not taken:
            reservation.settled = True
            raise answers.refusal(reservation.counted, reservation.wants, readings)
        reservation.headers = answers.headers(reservation.counted, reservation.wants, readings)

    async def _take_from_store(self, reservation: Reservation) -> tuple[bool, list[Reading]]:
        wants = reservation.wants
        keys = [counter(want.name) for want in wants]
        before = [-1] * len(wants)
        while True:
            arguments = [
                value
                for want, known in zip(wants, before, strict=True)
                for value in (want.form, want.limit, want.amount, known, want.ends)
            ]
            asked = self.store.ask("reserve", keys, [reservation.lease, LEASE_MS, *arguments])
            try:
                answer = await asyncio.shield(asked)
            except asyncio.CancelledError:
                # Nobody waits any more: what will have been taken is given back.
                asked.add_done_callback(lambda asked: self._give_back(reservation, asked))
                raise
            outcome, at = int(answer[0]), int(answer[1])
            readings = [Reading(*map(int, answer[i : i + 3])) for i in range(2, len(answer), 3)]
            if outcome >= 0:
                break
            for place, reading in enumerate(readings):
                if reading.used < 0:
                    before[place] = await self._used_before(reservation.counted[place])
        reservation.at = at
        for want, reading in zip(wants, readings, strict=True):
            if want.form == "c" and outcome:
                self.local.began(want.name, reservation.lease)
            elif want.form != "c":
                taken = want.amount if outcome else 0
                self.local.saw(want.name, reading.used + taken, self._now())
        return bool(outcome), readings

    async def _used_before(self, entry: Counted) -> int:
        """The day's or month's counter is not there: it begins, or the broker has lost it."""
        period = _period(entry, self.clock())
        try:
            async with asyncio.timeout(_BEFORE_SECONDS):
                return int(await self._ask(lambda: self._before(entry.rule, entry.subject, period)))
        except Exception as error:
            log.warning("what was used before is not known: %s", str(error).strip())
            return 0

    def _now(self) -> int:
        return int(self.clock() * 1000)

    # -- settling -----------------------------------------------------------------------------

    def _give_back(self, reservation: Reservation, asked: asyncio.Future[Any]) -> None:
        if asked.cancelled() or asked.exception() is not None or int(asked.result()[0]) != 1:
            return
        marks = [mark for want in reservation.wants for mark in (want.form, -want.amount)]
        keys = [counter(want.name) for want in reservation.wants]
        self.store.tell("settle", keys, [reservation.lease, int(asked.result()[1]), *marks])

    def _correct(self, reservation: Reservation, tokens: int, cost: int) -> None:
        """In one call: the lease ends, and the engine's count takes the place of the guess."""
        told = [(want.name, "c", 0) for want in self._end(reservation)]
        for entry, want in zip(reservation.counted, reservation.wants, strict=True):
            by = 0 if want.form == "c" else _amount(entry, tokens, cost) - want.amount
            if not by:
                continue
            if reservation.local and self._missed:
                self.local.settle(want, reservation.at, self._now(), by)
            elif want.form == "p" and not self.store.up:
                self.local.owe(want.name, by)
            elif want.form == "p" or not reservation.local:
                told.append((want.name, want.form, by))
            # Else the minute that was counted here is over soon anyhow.
        if told and self.store.up:
            self._tell(reservation, told)

    def _tell(self, reservation: Reservation, told: Sequence[tuple[str, str, int]]) -> None:
        keys = [counter(name) for name, _, _ in told]
        marks = [mark for _, form, by in told for mark in (form, by)]
        self.store.tell("settle", keys, [reservation.lease, reservation.at, *marks])

    # -- in the background --------------------------------------------------------------------

    async def _keep_fresh(self) -> None:
        with hints.listening(hints.LIMITS) as changed:
            while True:
                changed.clear()
                pause = _REFRESH_SECONDS
                try:
                    await self.refresh()
                except Exception as error:
                    log.warning("limits cannot be read: %s", str(error).strip())
                    pause = _RETRY_SECONDS
                try:
                    await asyncio.wait_for(changed.wait(), pause)
                except TimeoutError:
                    pass

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            if self.book.rules or self.local.running:
                try:
                    await self.renew()
                except StoreAway:
                    self._missed = True
                except Exception:
                    log.exception("the leases of running requests could not be renewed")

    async def renew(self) -> None:
        """Also asks whether the broker is back. Raises StoreAway."""
        missed = self._missed
        running = {name: sorted(leases) for name, leases in self.local.running.items()}
        keys = [WEBS, *map(counter, running)]
        processes, _known = await self.store.ask(
            "renew", keys, [self._web, LEASE_MS, missed, *running.values()]
        )
        self.processes = max(1, int(processes))
        if missed:
            self._missed = False
            log.info("limits are counted by the broker again")
            for name, amount in self.local.back().items():
                self.store.tell("settle", [counter(name)], ["", 0, "p", amount])


def caller_of(record: Credential) -> Caller:
    """Only API keys are counted one by one; of logins and the like there are ever new ones."""
    kind = str(getattr(record, "kind", "key"))
    user = "" if record.owner_id is None else str(record.owner_id)
    key = record.id if kind in ("key", "operator") else kind
    return Caller(key, user, str(getattr(record, "project", "")))


def _amount(entry: Counted, tokens: int, cost: int) -> int:
    unit = KINDS[entry.rule.kind].unit
    return 1 if unit == "requests" else tokens if unit == "tokens" else cost


def _period(entry: Counted, now: float) -> periods.Period:
    span = KINDS[entry.rule.kind].span
    return periods.day(now) if span == "day" else periods.month(now)
