"""How many replicas a launch should have, as a pure function."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.models.control.scaling import COOL_DOWN, COOL_UP, NOTHING, Demand, Scale, wanted

NOW = 10_000.0


def scale(number: int = 1, least: int = 1, most: int = 4, **values: Any) -> Scale:
    given_ = {"ready": number, "slots": 4, "called": NOW, "busy": NOW, "scaled": NOW - 100}
    return Scale(number, least, most, **{**given_, **values})


@pytest.mark.parametrize(
    ("launch", "demand", "number"),
    [
        # up
        (scale(), Demand(4, 5, 0.1), 2),
        (scale(), Demand(4, 4, 0.1), 1),
        (scale(), Demand(4, 1, 2.5), 2),
        (scale(2), Demand(8, 100, 3), 4),
        (scale(4), Demand(8, 100, 3), 4),
        (scale(1, most=1), Demand(4, 100, 3), 1),
        (scale(), Demand(4, 100, 3), 2),  # twice as many at most
        # not while some are on their way, nor at once again
        (scale(2, ready=1), Demand(4, 100, 9), 2),
        (scale(scaled=NOW - COOL_UP + 1), Demand(4, 100, 9), 1),
        # called
        (scale(0, 0), Demand(0, 1, 0), 1),
        (scale(0, 2, pushed_out=True), Demand(0, 1, 0), 2),
        (scale(0, 2, pushed_out=True), NOTHING, 0),
        # down
        (scale(3, busy=NOW - COOL_DOWN), Demand(4, 0, 0), 2),
        (scale(3, busy=NOW - COOL_DOWN), Demand(12, 0, 0), 3),
        (scale(3, busy=NOW - COOL_DOWN + 1), Demand(1, 0, 0), 3),
        (scale(3, busy=NOW - COOL_DOWN, scaled=NOW - 5), Demand(1, 0, 0), 3),
        (scale(1, 0, busy=0), NOTHING, 1),
        (scale(2, 0, busy=0), NOTHING, 1),
        # idle
        (scale(1, 0, idle_seconds=30, called=NOW - 30), NOTHING, 0),
        (scale(1, 0, idle_seconds=30, called=NOW - 29), NOTHING, 1),
        (scale(1, 0, idle_seconds=30, called=NOW - 99), Demand(1, 0, 0), 1),
        (scale(1, 0, idle_seconds=30, called=0, ready=0, loading=True), NOTHING, 1),
        (scale(3, 2, idle_seconds=30, called=NOW - 30), NOTHING, 2),
        # bounds
        (scale(1, 2), NOTHING, 2),
        (scale(4, 1, 2), Demand(16, 50, 9), 2),
    ],
)
def test_number(launch: Scale, demand: Demand, number: int) -> None:
    found, why = wanted(launch, demand, NOW)
    assert found == number
    assert bool(why) == (found != launch.wanted)


@given(
    st.builds(
        Scale,
        wanted=st.integers(0, 9),
        least=st.integers(0, 4),
        most=st.integers(4, 8),
        ready=st.integers(0, 9),
        slots=st.integers(1, 9),
        idle_seconds=st.none() | st.floats(1, 1000),
        called=st.floats(0, NOW),
        busy=st.floats(0, NOW),
        scaled=st.floats(0, NOW),
        pushed_out=st.booleans(),
    ),
    st.builds(Demand, st.integers(0, 99), st.integers(0, 99), st.floats(0, 99)),
)
def test_stays_within_its_bounds(launch: Scale, demand: Demand) -> None:
    found, why = wanted(launch, demand, NOW)
    assert found <= launch.most
    assert found >= (0 if launch.pushed_out else launch.least)
    assert bool(why) == (found != launch.wanted)
    if demand.any:
        assert found >= 1
