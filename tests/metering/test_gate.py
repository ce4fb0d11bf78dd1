"""The gate of a web process, on a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from apps.metering import store
from apps.metering.collector import Batch, Collector, Sums
from apps.metering.estimates import Size
from apps.metering.gate import Gate, Reservation, Used
from apps.metering.periods import Period
from apps.metering.prices import Price
from apps.metering.rules import NANO, Rule
from apps.metering.store import StoreAway
from tests.metering.conftest import Valkey
from xplatform.core.errors import PlatformError, QuotaExceeded, RateLimited


@dataclass(frozen=True)
class Record:
    id: str = "k1"
    owner_id: int | None = 7
    project: str = "red"
    kind: str = "key"


def rule(kind: str, amount: int, scope: str = "key", subject: str = "*", **values: Any) -> Rule:
    made = {"id": 1, "project": "", "model": "*", **values}
    return Rule(kind=kind, amount=amount, scope=scope, subject=subject, **made)


ANYBODY = Record()
SMALL = Size(4)
#: days and months do not change while a test runs
NOON = 1_800_014_400.0


class Web:
    """One web process: its gate, and what it wrote."""

    def __init__(self, url: str, *rules: Rule, prices: tuple[Price, ...] = ()) -> None:
        self.written: list[Batch] = []
        self.before: Callable[[Rule, str, Period], int] = lambda rule, subject, period: 0
        self.gate = Gate(
            url,
            lambda: (list(rules), list(prices)),
            lambda *of: self.before(*of),  # noqa: PLW0108 (tests change it)
            Collector(self.written.append),
            self._ask,
        )
        self.gate.clock = lambda: NOON

    async def _ask(self, query: Callable[[], Any]) -> Any:
        return query()

    async def reserve(self, record: Record = ANYBODY, size: Size = SMALL) -> Reservation:
        return await self.gate.reserve(record, "m", size)

    async def refused(self, record: Record = ANYBODY, size: Size = SMALL) -> PlatformError:
        with pytest.raises(PlatformError) as caught:
            await self.reserve(record, size)
        return caught.value

    async def sums(self) -> Sums:
        await self.gate.collector.flush()
        total = Sums()
        for _, rows in self.written:
            for _, sums in rows:
                total.add(sums)
        return total


Make = Callable[..., Any]


@pytest.fixture
async def web(valkey: Valkey) -> AsyncIterator[Make]:
    made: list[Web] = []

    async def make(*rules: Rule, **values: Any) -> Web:
        made.append(Web(valkey.url, *rules, **values))
        await made[-1].gate.refresh()
        return made[-1]

    yield make
    for each in made:
        await each.gate.stop()


async def test_without_limits_nothing_is_asked_of_redis(web: Make) -> None:
    one = await web(rule("requests_per_minute", 5, subject="another"))

    def ask(*_: Any) -> None:
        raise AssertionError("Redis was asked")

    one.gate.store.ask = one.gate.store.tell = ask
    reservation = await one.reserve()
    one.gate.settle(reservation, Used(3, 1, 4))
    assert await one.sums() == Sums(1, 0, 3, 1, 4)
    assert reservation.headers == ()


async def test_two_web_processes_share_one_limit(web: Make) -> None:
    rules = [rule("requests_per_minute", 10)]
    webs = [await web(*rules), await web(*rules)]
    outcomes = await asyncio.gather(
        *(webs[i % 2].reserve() for i in range(50)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Reservation) for outcome in outcomes) == 10
    assert sum(isinstance(outcome, RateLimited) for outcome in outcomes) == 40


async def test_headers_tell_the_narrowest(web: Make) -> None:
    one = await web(
        rule("requests_per_minute", 10),
        rule("requests_per_minute", 3, "user", id=2),
        rule("tokens_per_minute", 1000, id=3),
    )
    headers = dict((await one.reserve(size=Size(400, most=50))).headers)
    assert headers == {
        b"x-ratelimit-limit-requests": b"3",
        b"x-ratelimit-remaining-requests": b"2",
        b"x-ratelimit-reset-requests": b"1m0s",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"850",
        b"x-ratelimit-reset-tokens": b"1m0s",
    }
    await one.reserve()
    await one.reserve()
    error = await one.refused()
    assert error.code == "rate_limit_exceeded"
    assert error.data == {"kind": "requests_per_minute", "scope": "user"}
    assert error.more_headers["x-ratelimit-remaining-requests"] == "0"
    assert error.retryable and error.retry_after is not None and 0 < error.retry_after <= 61


async def test_tokens_are_reserved_then_counted(web: Make) -> None:
    one = await web(rule("tokens_per_minute", 100))
    first = await one.reserve(size=Size(40, most=80))  # 10 + 80
    assert isinstance(await one.refused(size=Size(40, most=10)), RateLimited)
    one.gate.settle(first, Used(10, 0, 5))
    second = await one.reserve(size=Size(40, most=75))  # 15 + 85 = 100
    one.gate.settle(second, Used(10, 0, 75))
    one.gate.settle(second, Used(10, 0, 75))  # once
    assert await one.refused(size=Size(4, most=0))
    assert (await one.sums()).completion == 80


async def test_a_request_that_never_fits_is_told_so(web: Make) -> None:
    one = await web(rule("tokens_per_minute", 100))
    error = await one.refused(size=Size(40, most=91))
    assert not error.retryable and error.retry_after is None
    assert "101 tokens" in error.message
    # An answer of unknown length is only guessed: the guess keeps nobody out.
    assert await one.reserve(size=Size(40, choices=1))


async def test_concurrent_requests(web: Make) -> None:
    rules = [rule("concurrent_requests", 2)]
    one, two = await web(*rules), await web(*rules)
    first, second = await one.reserve(), await two.reserve()
    error = await two.refused()
    assert (error.code, error.retry_after) == ("rate_limit_exceeded", 1.0)
    one.gate.release(first)
    third = await one.reserve()
    one.gate.settle(first)  # the second time it frees nothing
    assert await one.refused()
    two.gate.settle(second)
    assert await two.reserve()
    one.gate.settle(third)


async def test_a_budget_starts_from_the_database(web: Make) -> None:
    one = await web(rule("tokens_per_day", 100))
    one.before = lambda rule, subject, period: 90
    error = await one.refused(size=Size(40, most=10))
    assert isinstance(error, QuotaExceeded) and not error.retryable
    assert 0 < error.retry_after <= 86_400
    assert await one.reserve(size=Size(20, most=5))


async def test_money(web: Make) -> None:
    price = Price("m", input=2 * NANO, output=10 * NANO, request=NANO // 1000)
    one = await web(rule("money_per_month", NANO // 100), prices=(price,))
    # 0.001 for the request, 400 tokens in: 0.0008, 500 out: 0.005
    first = await one.reserve(size=Size(1600, most=500))
    assert isinstance(await one.refused(size=Size(1600, most=500)), QuotaExceeded)
    one.gate.settle(first, Used(400, 0, 100))  # 0.0028
    assert await one.reserve(size=Size(1600, most=500))
    assert (await one.sums()).cost == 2_800_000


async def test_who_is_named_has_a_limit_of_its_own(web: Make) -> None:
    one = await web(
        rule("requests_per_minute", 1), rule("requests_per_minute", 2, subject="vip", id=2)
    )
    for _ in range(2):
        await one.reserve(Record("vip"))
    assert await one.refused(Record("vip"))
    await one.reserve(Record("other"))
    assert await one.refused(Record("other"))


async def test_what_free_requests_take(web: Make) -> None:
    one = await web(rule("tokens_per_minute", 1), rule("requests_per_minute", 1, id=2))
    one.gate.settle(await one.reserve(size=Size(free=True)), Used())
    assert (await one.refused(size=Size(free=True))).data["kind"] == "requests_per_minute"
    assert await one.sums() == Sums(1)


async def test_while_the_broker_is_away_each_has_its_share(web: Make, valkey: Valkey) -> None:
    rules = [rule("requests_per_minute", 40), rule("tokens_per_day", 10**6, id=2)]
    one, two = await web(*rules), await web(*rules)
    for each in (one, two, one, two):
        await each.gate.renew()
    assert one.gate.processes == two.gate.processes == 2
    for _ in range(10):
        await one.reserve()
        await two.reserve()
    # 20 of 40 are used, the last that one of them heard is 19.
    valkey.kill()
    more = 0
    for each in (one, two):
        outcomes = await asyncio.gather(
            *(each.reserve() for _ in range(30)), return_exceptions=True
        )
        assert all(isinstance(outcome, Reservation | RateLimited) for outcome in outcomes)
        more += sum(isinstance(outcome, Reservation) for outcome in outcomes)
    assert more == 20
    with pytest.raises(StoreAway):
        await one.gate.renew()

    valkey.start()
    await one.gate.renew()
    assert one.gate.store.up
    # The counters went with the old broker; days begin with what the database has.
    one.before = lambda rule, subject, period: 10**6
    assert isinstance(await one.refused(), QuotaExceeded)


async def test_a_broker_that_says_nothing_is_away(
    web: Make, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "TIMEOUT", 0.3)
    one = await web(rule("requests_per_minute", 2))
    assert not (await one.reserve()).local
    valkey.freeze(True)
    try:
        # Let in by what this process knows.
        async with asyncio.timeout(20):
            assert (await one.reserve()).local
        assert not one.gate.store.up
    finally:
        valkey.freeze(False)
    await one.gate.renew()
    assert one.gate.store.up


async def test_leases_outlive_the_broker(web: Make, valkey: Valkey) -> None:
    rules = [rule("concurrent_requests", 2)]
    one, two = await web(*rules), await web(*rules)
    await one.reserve()
    await two.reserve()
    valkey.kill()
    with pytest.raises(StoreAway):
        await one.gate.renew()
    with pytest.raises(StoreAway):
        await two.gate.renew()
    valkey.start()
    await one.gate.renew()
    await two.gate.renew()
    assert (await one.refused()).data["kind"] == "concurrent_requests"


async def test_what_was_used_during_an_outage_is_told_later(web: Make, valkey: Valkey) -> None:
    """The broker only could not be reached: it has its counters still."""
    one = await web(rule("tokens_per_day", 1000))
    first = await one.reserve(size=Size(400, most=100))  # 200
    one.gate.store.up, one.gate._missed = False, True
    second = await one.reserve(size=Size(400, most=200))  # 300, by itself
    one.gate.settle(second, Used(100, 0, 100))  # 200
    one.gate.settle(first, Used(100, 0, 0))  # 100
    await one.gate.renew()
    # 300 are used.
    assert isinstance(await one.refused(size=Size(400, most=601)), QuotaExceeded)
    assert await one.reserve(size=Size(400, most=600))


async def test_who_gave_up_has_taken_nothing(web: Make) -> None:
    one = await web(rule("requests_per_minute", 1), rule("concurrent_requests", 1, id=2))
    await one.gate.renew()
    task = asyncio.create_task(one.reserve())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await one.gate.renew()
    assert await one.reserve()
