"""The script in a real Valkey, with the clock in the test's hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.metering.store import SCRIPT
from apps.metering.windows import MINUTE_MS, Window
from tests.metering.conftest import Valkey

NOW = 1_800_000_000_000


class Script:
    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url)
        self._script = self.client.register_script(SCRIPT)

    def reserve(
        self, *counters: tuple[str, str, int, int], now: int = NOW, lease: str = "w:1",
        before: int = 0, ends: int = 1000,
    ) -> list[int]:  # fmt: skip
        keys = [name for name, *_ in counters]
        words = [
            value
            for _, form, limit, amount in counters
            for value in (form, limit, amount, before, ends)
        ]
        found: list[int] = self._call("reserve", keys, now, lease, 5000, *words)
        return found

    def settle(
        self, *corrections: tuple[str, str, int], now: int = NOW, at: int = NOW, lease: str = "w:1"
    ) -> None:
        keys = [name for name, *_ in corrections]
        words = [value for _, form, by in corrections for value in (form, by)]
        self._call("settle", keys, now, lease, at, *words)

    def renew(self, web: str, now: int, *held: tuple[str, str], anew: bool = False) -> list[int]:
        keys = ["webs", *(name for name, _ in held)]
        words = [[lease] for _, lease in held]
        found: list[int] = self._call("renew", keys, now, web, 5000, anew, *words)
        return found

    def _call(self, what: str, keys: list[str], now: int, *words: Any) -> Any:
        (answer,) = self._script([], [msgspec.msgpack.encode([(what, keys, words)]), now])
        return answer


@pytest.fixture
def script(valkey: Valkey) -> Iterator[Script]:
    made = Script(valkey.url)
    yield made
    made.client.close()


_moves = st.lists(
    st.tuples(st.integers(0, 15_000), st.integers(1, 9), st.integers(-9, 9)), max_size=60
)


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_moves, st.integers(1, 25))
def test_it_decides_as_the_window_in_python_does(
    script: Script, moves: list[tuple[int, int, int]], limit: int
) -> None:
    script.client.flushall()
    window, now = Window(), NOW
    for pause, amount, by in moves:
        now += pause
        outcome, at, used, wait, reset = script.reserve(("w", "w", limit, amount), now=now)
        assert at == now
        assert (used, wait, reset) == (
            window.look(now),
            window.wait(now, limit, amount),
            window.reset(now) if window.look(now) else 0,
        )
        assert outcome == (wait == 0)
        if outcome:
            window.add(now, amount)
            corrected = max(by, -amount)
            window.correct(now, now, corrected)
            script.settle(("w", "w", corrected), now=now, at=now)


def test_all_or_nothing(script: Script) -> None:
    """A refusal by one limit takes nothing of the others."""
    roomy, narrow = ("a", "w", 10, 1), ("b", "w", 1, 1)
    assert script.reserve(roomy, narrow)[0] == 1
    assert script.reserve(roomy, narrow)[0] == 0
    assert script.reserve(roomy)[2] == 1


def test_a_period_begins_with_what_the_database_has(script: Script) -> None:
    assert script.reserve(("p", "p", 100, 10), before=-1)[0] == -1
    assert script.reserve(("p", "p", 100, 10), before=85)[0] == 1
    refused = script.reserve(("p", "p", 100, 10), before=-1, ends=777)
    assert (refused[0], refused[2:]) == (0, [95, 777, 777])
    script.settle(("p", "p", -10))
    assert script.reserve(("p", "p", 100, 10))[0] == 1


def test_a_period_that_was_lost_is_not_made_by_settling(script: Script) -> None:
    """The database has it, or will: to add it here too would count it twice."""
    script.settle(("p", "p", 7))
    assert script.reserve(("p", "p", 100, 1), before=-1)[0] == -1


def test_large_numbers_stay_whole(script: Script) -> None:
    most = 9_000_000 * 10**9
    assert script.reserve(("p", "p", most, 123_456_789_012_345), before=most // 2)[0] == 1
    assert script.client.get("p") == str(most // 2 + 123_456_789_012_345).encode()


def test_leases_are_freed_by_settling_and_by_time(script: Script) -> None:
    running = ("c", "c", 1, 1)
    assert script.reserve(running, lease="a:1")[0] == 1
    assert script.reserve(running, lease="b:1")[0] == 0
    script.settle(("c", "c", 0), lease="a:1")
    assert script.reserve(running, lease="b:1")[0] == 1
    # Its web process says nothing any more.
    assert script.reserve(running, lease="a:2", now=NOW + 4999)[0] == 0
    assert script.reserve(running, lease="a:2", now=NOW + 5000)[0] == 1


def test_a_web_process_that_lives_keeps_its_leases(script: Script) -> None:
    assert script.renew("a", NOW) == [1, 0]
    assert script.reserve(("c", "c", 1, 1), lease="a:1")[0] == 1
    assert script.renew("a", NOW + 4000, ("c", "a:1")) == [1, 1]
    assert script.reserve(("c", "c", 1, 1), lease="b:1", now=NOW + 8000)[0] == 0
    # One that was given back is not brought to life again.
    script.settle(("c", "c", 0), lease="a:1")
    script.renew("a", NOW + 8000, ("c", "a:1"))
    assert script.reserve(("c", "c", 1, 1), lease="b:1", now=NOW + 8000)[0] == 1


def test_a_broker_that_began_anew_learns_the_leases(script: Script) -> None:
    script.renew("a", NOW, ("c", "a:1"))
    assert script.reserve(("c", "c", 1, 1), lease="b:1")[0] == 0


def test_web_processes_are_counted_while_they_live(script: Script) -> None:
    assert script.renew("a", NOW)[0] == 1
    assert script.renew("b", NOW + 3000)[0] == 2
    assert script.renew("b", NOW + 6000)[0] == 1


def test_nothing_stays_for_ever(script: Script) -> None:
    script.reserve(("w", "w", 5, 1), ("p", "p", 5, 1), ("c", "c", 5, 1))
    script.renew("a", NOW, ("c", "w:1"))
    assert all(0 < script.client.pttl(key) <= 2 * MINUTE_MS for key in script.client.scan_iter())


def test_a_step_that_fails_leaves_the_others_alone(script: Script) -> None:
    script.client.set("w", "no window")
    calls = [("reserve", [name], ["w:1", 5000, "w", 5, 1, 0, 0]) for name in ("a", "w", "b")]
    first, failed, last = script._script([], [msgspec.msgpack.encode(calls), NOW])
    assert (first[0], last[0]) == (1, 1)
    assert b"WRONGTYPE" in failed
