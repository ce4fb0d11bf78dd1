"""How sources put their beats into slots."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from apps.models.pulse.points import DevicePoint, ModelPoint, Models, NodePoint, encode
from apps.models.pulse.store import BEAT, STEPS, Step, Store, store

#: models of one process in one slot; beyond it the least busy ones are left out
_MOST_MODELS = 200
#: heartbeats come each second: every other one is told
_NODE_SECONDS = 1.5


class Slots:
    """What one web process has counted in the slots that are not over. Not for several threads."""

    def __init__(self) -> None:
        self._sums: dict[Step, tuple[int, Models]] = {}

    def beat(self, at: float, counted: Mapping[str, ModelPoint]) -> list[tuple[Step, int, bytes]]:
        """Takes in what was counted in the ``BEAT`` seconds before ``at``; what is to be written.
        A beat without anything counts, too: it says that there was nothing."""
        told = []
        for step in STEPS:
            slot = step.slot(at - BEAT / 2)
            before, sums = self._sums.get(step, (slot, {}))
            if before != slot:
                sums = {}
            for uid, point in counted.items():
                known = sums.get(uid)
                if known is None or known.project != point.project:
                    known = sums[uid] = ModelPoint(point.project)
                known.add(point)
            self._sums[step] = slot, sums
            told.append((step, slot, encode(_busiest(sums))))
        return told


def _busiest(sums: Models) -> Models:
    if len(sums) <= _MOST_MODELS:
        return sums
    by_work = sorted(sums, key=lambda uid: -(sums[uid].requests + sums[uid].running))
    return {uid: sums[uid] for uid in by_work[:_MOST_MODELS]}


class NodeTeller:
    """Heartbeats come more often than they are told here. Threads share one."""

    def __init__(self, into: Store | None = None) -> None:
        self._store = into
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()

    def hear(self, name: str, devices: Mapping[str, Any], files: Mapping[str, Any]) -> None:
        now = time.time()
        with self._lock:
            if now - self._told.get(name, 0.0) < _NODE_SECONDS:
                return
            self._told[name] = now
        data = encode(node_point(devices, files))
        (self._store or store()).write("nodes", name, [(s, s.slot(now), data) for s in STEPS])


def node_point(picture: Mapping[str, Any], files: Mapping[str, Any]) -> NodePoint:
    """Of what a heartbeat tells of devices, and what was last told of files."""
    devices = {
        str(device["id"]): DevicePoint(
            int(device.get("memory_used") or 0),
            int(device.get("memory_total") or 0),
            device.get("utilization"),
            device.get("temperature"),
        )
        for device in picture.get("devices") or ()
    }
    memory_total = int(picture.get("memory_total") or 0)
    disk = files.get("disk") or {}
    return NodePoint(
        picture.get("cpu_percent"),
        max(0, memory_total - int(picture.get("memory_available") or 0)),
        memory_total,
        disk.get("free"),
        disk.get("total"),
        devices,
    )


#: of this process
nodes = NodeTeller()
