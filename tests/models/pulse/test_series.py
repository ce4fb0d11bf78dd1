"""From what sources tell to the lines of a chart, on a store that lives in a dictionary."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from apps.models.pulse import live, series, store, telling
from apps.models.pulse.points import ModelPoint, quantiles, time_class
from apps.models.pulse.series import Sight
from apps.models.pulse.store import BEAT, COARSE, FINE, LIVE, Step

NOW = 1_800_000_000.0 + 600 + 1.5
ALL = Sight(nodes=True)


class Kept(store.Store):
    def __init__(self) -> None:
        self.slots: dict[tuple[str, Step, int], dict[str, bytes]] = {}

    def write(
        self, what: store.What, source: str, slots: Sequence[tuple[Step, int, bytes]]
    ) -> None:
        for step, slot, data in slots:
            self.slots.setdefault((what, step, slot), {})[source] = data

    def read(
        self, what: store.What, step: Step, first: int, last: int, source: str = ""
    ) -> list[dict[str, bytes]]:
        found = [self.slots.get((what, step, slot), {}) for slot in range(first, last + 1)]
        return [{k: v for k, v in slot.items() if source in ("", k)} for slot in found]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    made = Kept()
    monkeypatch.setattr(time, "time", lambda: NOW)
    monkeypatch.setattr(series, "store", lambda: made)
    monkeypatch.setattr(live, "store", lambda: made)
    return made


def point(requests: int = 0, project: str = "ours", **values: Any) -> ModelPoint:
    return ModelPoint(project, requests, **values)


def beat(kept: Kept, slots: telling.Slots, name: str, ago: float, **models: ModelPoint) -> None:
    """The beat that ends so long before the newest whole slot's end."""
    end = (FINE.newest(NOW) + 1) * FINE.seconds
    kept.write("models", name, slots.beat(end - ago, models))


def test_processes_are_added_up_and_a_new_one_adds_to_the_old(kept: Kept) -> None:
    one, two, again = telling.Slots(), telling.Slots(), telling.Slots()
    beat(kept, one, "web-1", BEAT, m=point(3, tokens_out=50, running=2))
    beat(kept, one, "web-1", 0, m=point(2, errors=1, running=2))
    beat(kept, two, "web-2", BEAT, m=point(5, waiting=4))
    # The second process died, and another one goes on in the same slot.
    beat(kept, again, "web-3", 0, m=point(10))
    found = series.series(ALL, 15)
    assert found.step == 5 and len(found.times) == 180
    assert found.times[-1] == (FINE.newest(NOW) + 1) * 5
    (lines,) = found.models
    assert (lines["model"], lines["project"]) == ("m", "ours")
    last = {name: values[-1] for name, values in lines.items() if isinstance(values, list)}
    assert last["requests"] == (3 + 2 + 5 + 10) / 5
    assert last["errors"] == 1 / 5 and last["tokens_out"] == 10
    assert last["running"] == 2 and last["waiting"] == 2
    assert last["first_token_p50"] is None
    # Before, nobody told anything: that is no zero.
    assert lines["requests"][-2] is None and found.total["requests"][-2] is None


def test_a_repeated_beat_counts_once_and_an_empty_one_says_nothing_came(kept: Kept) -> None:
    slots = telling.Slots()
    end = (FINE.newest(NOW) + 1) * FINE.seconds
    written = slots.beat(end, {"m": point(5)})
    kept.write("models", "web-1", written)
    kept.write("models", "web-1", written)
    beat(kept, telling.Slots(), "web-1", 5)
    (lines,) = series.series(ALL, 1).models
    assert lines["requests"][-2:] == [0, 1]


def test_a_day_has_a_number_a_minute(kept: Kept) -> None:
    slots = telling.Slots()
    minute = (COARSE.newest(NOW) + 1) * COARSE.seconds
    for n in range(COARSE.beats):
        kept.write("models", "w", slots.beat(minute - 60 + (n + 1) * BEAT, {"m": point(5)}))
    found = series.series(ALL, 1440)
    assert found.step == 60 and len(found.times) == 1440
    assert found.total["requests"][-1] == 2


def test_everybody_sees_their_own(kept: Kept) -> None:
    mine, theirs = point(5), point(10, project="theirs")
    beat(kept, telling.Slots(), "w", 0, mine=mine, theirs=theirs)
    node = {"devices": [{"id": "cpu", "memory_used": 1, "memory_total": 2}], "memory_total": 9}
    teller = telling.NodeTeller(kept)
    teller.hear("n1", node, {"disk": {"free": 5, "total": 10}})

    def seen(sight: Sight, **which: str) -> tuple[set[str], float | None, set[str]]:
        found = series.series(sight, 1, **which)
        total = found.total["requests"][-1] if found.total else None
        return {m["model"] for m in found.models}, total, {n["node"] for n in found.nodes}

    # The node's slot is not over yet.
    kept.slots = {
        (what, step, slot - (what == "nodes")): v for (what, step, slot), v in kept.slots.items()
    }
    assert seen(ALL) == ({"mine", "theirs"}, 3, {"n1"})
    assert seen(Sight("ours")) == ({"mine"}, 1, set())
    assert seen(Sight("ours"), model="theirs") == (set(), 0, set())
    assert seen(ALL, model="mine") == ({"mine"}, 1, set())
    assert seen(ALL, node="n1") == (set(), None, {"n1"})
    assert seen(ALL, node="n2") == (set(), None, set())
    assert seen(Sight(models=False)) == (set(), None, set())
    (lines,) = series.series(ALL, 1, node="n1").nodes
    assert (lines["disk_free"][-1], lines["memory_used"][-1], lines["cpu"][-1]) == (5, 9, None)
    assert lines["devices"][0]["memory_used"] == [None] * 11 + [1]


def test_what_is_pushed_is_the_newest_beats(kept: Kept) -> None:
    assert live.read_newest() is None
    slots = telling.Slots()
    end = (LIVE.newest(NOW) + 1) * BEAT
    for at in (end - BEAT, end):
        kept.write("models", "w", slots.beat(at, {"m": point(5), "x": point(1, project="x")}))
    newest = live.read_newest()
    assert newest is not None
    message = newest.message(Sight("ours"))
    assert (message["type"], message["at"], message["nodes"]) == ("pulse", end, [])
    (model,) = message["models"]
    assert (model["model"], model["requests"], message["total"]["requests"]) == ("m", 2, 2)


def test_a_flood_of_models_is_cut(kept: Kept) -> None:
    many = {f"m{n}": point(n) for n in range(500)}
    beat(kept, telling.Slots(), "w", 0, **many)
    found = series.series(ALL, 1)
    assert len(found.models) == series.MOST_MODELS
    assert found.models_left_out == 200 - series.MOST_MODELS
    assert {"m499", "m470"} <= {m["model"] for m in found.models}


def test_quantiles_are_right_within_their_classes() -> None:
    classes: dict[int, int] = {}
    for n in range(1, 1001):
        index = time_class(n / 1000)
        classes[index] = classes.get(index, 0) + 1
    assert quantiles(classes, 0.5, 0.95) == pytest.approx([0.5, 0.95], rel=0.11)
    assert quantiles({3: 1}, 0.5, 0.95) == quantiles({3: 9}, 0.1, 0.9)
    assert quantiles({}, 0.5, 0.95) == [None, None]
    assert time_class(0) == time_class(0.0001) < time_class(0.01) < time_class(1e9)
