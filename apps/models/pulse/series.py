"""From slots to lines of a chart: one list of times, and for each thing lists of numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from apps.accounts.api import Actor
from apps.models.pulse.points import (
    DevicePoint,
    ModelPoint,
    NodePoint,
    decode_models,
    decode_node,
    quantiles,
    total,
)
from apps.models.pulse.store import BEAT, COARSE, FINE, Step, Store, store

#: longest time that the fine slots are kept for
_FINE_MINUTES = 60
MOST_MINUTES = 1440
#: lines of one answer where nobody said which; the busiest, and the first by name
MOST_MODELS, MOST_NODES = 40, 50

#: (project, name of the model)
Which = tuple[str, str]
Number = float | int | None


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose numbers somebody sees."""

    #: of this one's models; None: of all
    project: str | None = None
    models: bool = True
    nodes: bool = False

    def sees(self, which: Which) -> bool:
        return self.models and self.project in (None, which[0])


def sight_of(actor: Actor) -> Sight:
    return Sight(
        project=actor.project or None,
        models=actor.may("launches.read"),
        nodes=actor.may("nodes.read"),
    )


@dataclass(slots=True)
class Series:
    step: float
    #: Unix time of each slot's end
    times: list[float]
    total: dict[str, list[Number]] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(default_factory=list)
    models_left_out: int = 0
    nodes: list[dict[str, Any]] = field(default_factory=list)
    nodes_left_out: int = 0


def series(
    sight: Sight, minutes: int, model: str = "", node: str = "", source: Store | None = None
) -> Series:
    """Of one model, of one node, or of all that is seen."""
    step = FINE if minutes <= _FINE_MINUTES else COARSE
    last = step.newest(time.time())
    first = last - round(minutes * 60 / step.seconds) + 1
    found = Series(step.seconds, [(slot + 1) * step.seconds for slot in range(first, last + 1)])
    source = source or store()
    if sight.models and (model or not node):
        slots = source.read("models", step, first, last)
        _add_models(found, step, [merged_models(slot) for slot in slots], sight, model)
    if sight.nodes and (node or not model):
        slots = source.read("nodes", step, first, last, node)
        _add_nodes(found, [merged_nodes(slot) for slot in slots])
    return found


def merged_models(slot: dict[str, bytes]) -> dict[Which, ModelPoint] | None:
    """All web processes together; None: nobody has told anything."""
    merged: dict[Which, ModelPoint] = {}
    heard = False
    for data in slot.values():
        try:
            points = decode_models(data)
        except msgspec.MsgspecError:
            continue  # of another version
        heard = True
        for uid, point in points.items():
            which = (point.project, uid)
            if which in merged:
                merged[which].add(point)
            else:
                merged[which] = point
    return merged if heard else None


def merged_nodes(slot: dict[str, bytes]) -> dict[str, NodePoint]:
    found = {}
    for name, data in slot.items():
        try:
            found[name] = decode_node(data)
        except msgspec.MsgspecError:
            continue
    return found


def model_numbers(point: ModelPoint, step: Step, beats: int | None = None) -> dict[str, Number]:
    """Rates a second, and how many there were at once. ``beats``: if it is of several slots."""
    beats = beats or step.beats
    seconds = beats * BEAT
    median, slow = quantiles(point.first, 0.5, 0.95)
    return {
        "requests": round(point.requests / seconds, 3),
        "errors": round(point.errors / seconds, 3),
        "tokens_in": round(point.tokens_in / seconds, 3),
        "tokens_out": round(point.tokens_out / seconds, 3),
        "running": round(point.running / beats, 2),
        "waiting": round(point.waiting / beats, 2),
        "first_token_p50": median,
        "first_token_p95": slow,
    }


def node_numbers(point: NodePoint | None) -> dict[str, Number]:
    point = point or NodePoint()
    return {
        "cpu": point.cpu,
        "memory_used": point.memory_used if point.memory_total else None,
        "memory_total": point.memory_total or None,
        "disk_free": point.disk_free,
        "disk_total": point.disk_total,
    }


def device_numbers(point: DevicePoint | None) -> dict[str, Number]:
    if point is None:
        return dict.fromkeys(("memory_used", "memory_total", "utilization", "temperature"))
    return {
        "memory_used": point.memory_used,
        "memory_total": point.memory_total,
        "utilization": point.utilization,
        "temperature": point.temperature,
    }


def _add_models(
    found: Series,
    step: Step,
    slots: Sequence[dict[Which, ModelPoint] | None],
    sight: Sight,
    model: str,
) -> None:
    # By slot what of it may be shown.
    wanted = [None if slot is None else _seen(slot, sight, model) for slot in slots]
    nothing = ModelPoint()
    zeros = model_numbers(nothing, step)
    unknown: dict[str, Number] = dict.fromkeys(zeros)

    def numbers(point: ModelPoint | None) -> dict[str, Number]:
        # Of what nobody told nothing is known, not even that there was nothing.
        if point is None:
            return unknown
        return zeros if point is nothing else model_numbers(point, step)

    def line(points: Iterable[ModelPoint | None]) -> dict[str, list[Number]]:
        return _columns(points, numbers)

    found.total = line(None if slot is None else total(slot.values()) for slot in wanted)
    work: dict[Which, int] = {}
    for slot in wanted:
        for which, point in (slot or {}).items():
            work[which] = work.get(which, 0) + point.requests + point.running + point.waiting
    busiest = sorted(work, key=lambda which: (-work[which], which))
    found.models_left_out = max(0, len(busiest) - MOST_MODELS)
    for which in sorted(busiest[:MOST_MODELS], key=lambda which: which[1]):
        lines = line(None if slot is None else slot.get(which, nothing) for slot in wanted)
        found.models.append({"project": which[0], "model": which[1], **lines})


def _seen(slot: dict[Which, ModelPoint], sight: Sight, model: str) -> dict[Which, ModelPoint]:
    return {w: p for w, p in slot.items() if sight.sees(w) and model in ("", w[1])}


def _add_nodes(found: Series, slots: Sequence[dict[str, NodePoint]]) -> None:
    names = sorted({name for slot in slots for name in slot})
    found.nodes_left_out = max(0, len(names) - MOST_NODES)
    for name in names[:MOST_NODES]:
        points = [slot.get(name) for slot in slots]
        devices = sorted({key for point in points if point for key in point.devices})
        found.nodes.append(
            {
                "node": name,
                **_columns(points, node_numbers),
                "devices": [
                    {"id": key, **_columns(_of_device(points, key), device_numbers)}
                    for key in devices
                ],
            }
        )


def _of_device(points: Iterable[NodePoint | None], key: str) -> list[DevicePoint | None]:
    return [point.devices.get(key) if point else None for point in points]


def _columns(
    points: Iterable[Any], numbers: Callable[[Any], dict[str, Number]]
) -> dict[str, list[Number]]:
    columns: dict[str, list[Number]] = {name: [] for name in numbers(None)}
    for point in points:
        for name, value in numbers(point).items():
            columns[name].append(value)
    return columns
