"""The algorithm: never above the limit in any minute, never below it for whoever was quiet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.metering.windows import BUCKET_MS, MINUTE_MS, Window, share

_steps = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(1, 12), st.integers(-12, 0)), max_size=200
)


def _admit(window: Window, now: int, limit: int, amount: int) -> bool:
    if window.wait(now, limit, amount):
        return False
    window.add(now, amount)
    return True


@given(_steps, st.integers(1, 30), st.integers(0, 10**12))
def test_no_minute_has_more_than_its_limit(
    steps: list[tuple[int, int, int]], limit: int, begin: int
) -> None:
    window, now, admitted = Window(), begin, list[tuple[int, int]]()
    for pause, amount, _ in steps:
        now += pause
        if _admit(window, now, limit, amount):
            admitted.append((now, amount))
    for at, _ in admitted:
        assert sum(n for t, n in admitted if at <= t < at + MINUTE_MS) <= limit


@given(_steps, st.integers(1, 30), st.integers(0, 10**12))
def test_whoever_was_refused_gets_in_when_it_was_told(
    steps: list[tuple[int, int, int]], limit: int, begin: int
) -> None:
    window, now = Window(), begin
    for pause, wanted, _ in steps:
        now += pause
        amount = min(wanted, limit)
        if wait := window.wait(now, limit, amount):
            assert window.wait(now + wait, limit, amount) == 0
            assert wait <= MINUTE_MS + BUCKET_MS
        else:
            window.add(now, amount)


@given(_steps, st.integers(1, 30), st.integers(0, 10**12))
def test_after_a_quiet_minute_all_is_there_at_once(
    steps: list[tuple[int, int, int]], limit: int, begin: int
) -> None:
    window, now = Window(), begin
    for pause, amount, _ in steps:
        now += pause
        _admit(window, now, limit, amount)
    now += max(window.reset(now), 0)
    assert [_admit(window, now, limit, 1) for _ in range(limit + 1)] == [True] * limit + [False]


@given(_steps, st.integers(1, 30))
def test_what_is_given_back_can_be_taken_again(
    steps: list[tuple[int, int, int]], limit: int
) -> None:
    """And no correction makes anything out of nothing."""
    window, now = Window(), 10**9
    for pause, amount, back in steps:
        now += pause
        before = window.look(now)
        if _admit(window, now, limit, amount):
            window.correct(now, now, max(back, -amount))
            assert window.look(now) == before + amount + max(back, -amount)
        assert 0 <= window.look(now) <= limit


def test_what_was_given_back_too_late_changes_nothing() -> None:
    window = Window()
    window.add(0, 10)
    window.correct(0, MINUTE_MS + 2 * BUCKET_MS, -10)
    assert window.look(MINUTE_MS + 2 * BUCKET_MS) == 0


@pytest.mark.parametrize(
    ("limit", "processes", "expected"), [(100, 4, 25), (3, 4, 1), (0, 4, 0), (7, 0, 7)]
)
def test_share(limit: int, processes: int, expected: int) -> None:
    assert share(limit, processes) == expected
