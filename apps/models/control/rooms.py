"""The picture that placement decides on, read from the records in three queries."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import msgspec
from django.db.models import Q
from django.utils import timezone

from apps.models.control.making_room import IDLE, Idle
from apps.models.control.placement import Need, Place, Room, Slot, share
from apps.models.control.scaling import DEMAND_EXPIRES
from apps.models.models import Demand, Launch, Node, Replica
from apps.models.orders import Placement
from apps.models.states import LIVE, ReplicaState
from xplatform.engines.rules import RULES, Machine, why_not

#: a replica that has been ready for less than this may not be in its node's last measurement
_MEASURED_AFTER = timedelta(seconds=5)
_DEVICES = ("cpu", "cuda", "rocm", "metal", "other")


class Held(NamedTuple):
    """What a live replica holds."""

    node: str
    state: str
    devices: list[str]
    memory: int
    host_memory: int
    memory_peak: int
    ready_at: datetime | None

    @property
    def place(self) -> Place:
        taken = max(self.memory, self.memory_peak)
        alone = bool(self.devices) and not self.memory
        return Place(self.node, tuple(self.devices), taken, self.host_memory, alone)


def rooms() -> list[Room]:
    measured = timezone.now() - _MEASURED_AFTER
    held: defaultdict[str, list[Held]] = defaultdict(list)
    for row in Replica.objects.filter(state__in=LIVE).values_list(*Held._fields):
        held[row[0]].append(Held(*row))
    fields = ("name", "state", "cordoned", "draining", "labels", "devices", "engines", "files")
    return [room(node, held[node.name], measured) for node in Node.objects.only(*fields)]


def room(node: Node, held: Iterable[Held], measured: datetime) -> Room:
    """``measured``: a replica that was ready before this time is part of what the node measured."""
    found = Room(
        name=node.name,
        up=node.state == Node.State.UP,
        cordoned=node.cordoned,
        draining=node.draining,
        labels=node.labels,
        engines=frozenset(node.engines),
        cached=frozenset(
            (str(item.get("hub")), str(item.get("name"))) for item in node.files.get("cached", ())
        ),
    )
    # Twice: what was promised of all that is not other people's, and what is free as measured
    # less what is still to come. The smaller one counts.
    by_promise: dict[str, Slot] = {}
    for device in node.devices.get("devices", ()):
        total, used = _bytes(device, "memory_total"), _bytes(device, "memory_used")
        foreign = min(used, _bytes(device, "memory_foreign"))
        slot = Slot(str(device["id"]), str(device.get("kind", "other")), total, total - used)
        found.slots.append(slot)
        by_promise[slot.id] = Slot(slot.id, slot.kind, total, total - foreign)
    promised = Room(node.name, slots=list(by_promise.values()))
    for item in held:
        found.load += 1
        place = item.place
        promised.take(place)
        for slot in found.slots:
            if slot.id in place.devices:
                slot.owners += 1
                slot.alone += place.alone
        if item.state == ReplicaState.DRAINING:
            found.ending.append(place)
        is_measured = item.ready_at is not None and item.ready_at < measured
        if not is_measured:
            for slot in found.slots:
                slot.free -= share(place, slot)
    for slot in found.slots:
        slot.free = min(slot.free, by_promise[slot.id].free)
    return found


def need_of(launch: Launch, wish: Placement | None = None, avoid: Iterable[str] = ()) -> Need:
    model = launch.model
    estimate = model.estimate
    device = estimate.get("device")
    host = int(estimate.get("host") or 0)
    return Need(
        wish=wish or msgspec.convert(launch.placement, Placement),
        device=None if device is None else int(device),
        host=host,
        host_alone=int(estimate.get("host_alone") or host + int(device or 0)),
        kinds=_kinds(model.engine, model.kind, model.format, model.quantization),
        engine=model.engine,
        source=(str(model.source.get("hub", "")), str(model.source.get("id", ""))),
        anyway=launch.launch_anyway,
        avoid=frozenset(avoid),
    )


@dataclass(frozen=True, slots=True)
class _Picture:
    """What the rules of engines look at of a model."""

    kind: str
    format: str
    quantization: str
    family: str = ""
    architecture: str = ""
    remote_code: bool = False


@cache
def _kinds(engine: str, kind: str, format: str, quantization: str) -> frozenset[str] | None:
    """Kinds of devices that the engine can run such a model on; None: nobody knows. Whether it
    can at all was looked at before the launch, and the node has the last word."""
    if engine not in RULES:
        return None
    picture = _Picture(kind, format, quantization)
    found = set()
    for device in _DEVICES:
        system = "darwin" if device == "metal" else "linux"
        machine = Machine(system=system, devices=frozenset({device}), capability=math.inf)
        if why_not(engine, picture, machine) is None:
            found.add(device)
    return frozenset(found) or None


def idle_replicas() -> list[Idle]:
    """Those that may make room for another launch."""
    now = timezone.now()
    called = Demand.objects.filter(at__gt=now - timedelta(seconds=DEMAND_EXPIRES))
    busy = called.exclude(running=0, waiting=0).values("launch")
    rows = (
        Replica.objects.filter(state=ReplicaState.READY, leaving="")
        .filter(launch__desired=Launch.Desired.RUNNING, launch__pinned=False)
        .filter(Q(launch__min_replicas=0) | Q(launch__idle_seconds__isnull=False))
        .exclude(launch__in=busy)
        .select_related("launch__model")
    )
    return [
        Idle(
            replica=str(row.pk),
            uid=row.launch.model.uid,
            place=Held(*(getattr(row, name) for name in Held._fields)).place,
            start_seconds=row.launch.start_seconds,
            quiet=quiet,
        )
        for row in rows
        if may_go(row.launch) and (quiet := quiet_for(row.launch, now)) > IDLE
    ]


def may_go(launch: Launch) -> bool:
    """May it be pushed out? Only what starts again when it is called: a launch that wants a
    replica at all times and has no idle time was meant to stay."""
    if launch.pinned or launch.desired != Launch.Desired.RUNNING:
        return False
    return launch.min_replicas == 0 or launch.idle_seconds is not None


def quiet_for(launch: Launch, now: datetime) -> float:
    """Seconds since it was last called, or asked for."""
    return (now - (launch.last_called or launch.changed)).total_seconds()


def _bytes(device: dict[str, Any], name: str) -> int:
    return int(device.get(name) or 0)
