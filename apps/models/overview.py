"""All of it at a glance: what there is, how much of it is in use, and what needs attention.

As much of it as whoever asks may see, in a handful of queries, whatever the cluster's size.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from django.utils import timezone

from apps.accounts.api import Actor
from apps.models.control import survey
from apps.models.models import Launch
from apps.models.pictures import LaunchInfo, NodeInfo, launches, nodes
from apps.models.states import LaunchState, ReplicaState
from xplatform import __version__
from xplatform.engines.reason import Reason
from xplatform.files.disk import gigabytes
from xplatform.structs import Told

Severity = Literal["error", "warning"]
ThingKind = Literal["launch", "node", "device", "disk", "download", "cluster"]
Code = Literal[
    "launch_failed",
    "launch_waiting",
    "no_node",
    "node_silent",
    "node_version",
    "disk_nearly_full",
    "device_full",
    "download_failed",
]

#: a model's files are gigabytes: less than both of these is little
_LITTLE_SHARE: Final = 0.1
_LITTLE_BYTES: Final = 20 * 10**9
_FULL_SHARE: Final = 0.97
_ALL_DOWNLOADS: Final = ("queued", "running", "paused", "failed")


class AttentionThing(msgspec.Struct, frozen=True):
    """What something is about; as its own routes name it."""

    kind: ThingKind
    name: str
    node: str = ""


class Attention(msgspec.Struct, frozen=True):
    #: stable: the same trouble has the same word in every version
    code: Code
    severity: Severity
    #: a sentence for people
    message: str
    #: the same for other languages; null: it is English only
    reason: Told | None
    thing: AttentionThing
    #: where that is known
    since: datetime | None = None


class OverviewNodes(msgspec.Struct, frozen=True):
    up: int
    silent: int
    cordoned: int
    draining: int
    #: version of the program → nodes
    versions: dict[str, int]


class OverviewDevices(msgspec.Struct, frozen=True):
    """Of one kind, on all nodes that are up."""

    kind: str
    count: int
    #: bytes
    memory_total: int
    memory_used: int


class OverviewDisk(msgspec.Struct, frozen=True):
    """Where a node keeps model files; bytes."""

    node: str
    free: int
    #: null: an older node does not tell
    total: int | None
    #: by model files
    used: int
    limit: int | None


class OverviewFiles(msgspec.Struct, frozen=True):
    #: on all nodes together
    cached: int
    bytes: int
    #: state → downloads
    downloads: dict[str, int]


class OverviewQueue(msgspec.Struct, frozen=True):
    running: int
    waiting: int
    #: how long the first of those has been waiting
    oldest_seconds: float


class Overview(msgspec.Struct, frozen=True):
    at: datetime
    #: of this server
    version: str
    #: state → launches of one's project
    launches: dict[str, int]
    #: state → replicas of those
    replicas: dict[str, int]
    queue: OverviewQueue
    #: errors first
    attention: list[Attention]
    #: null, and no devices and disks: not for whoever asks
    nodes: OverviewNodes | None
    devices: list[OverviewDevices]
    disks: list[OverviewDisk]
    files: OverviewFiles | None


def overview(actor: Actor) -> Overview:
    project = actor.project or None
    # Of shared ones their own project sees to it that they run.
    mine = [one for one in launches(project) if project in (None, one.project)]
    machines = nodes() if actor.may("nodes.read") else []
    sees_nodes, sees_files = actor.may("nodes.read"), actor.may("files.read")
    attention = [*_of_launches(mine)]
    if sees_nodes:
        attention += [*_of_nodes(machines), *_of_disks(machines), *_of_devices(machines)]
    if sees_files:
        attention += _of_downloads(machines)
    attention.sort(key=lambda one: (one.severity != "error", one.code, one.thing.name))
    return Overview(
        at=timezone.now(),
        version=__version__,
        launches=_counted((one.state for one in mine), LaunchState),
        replicas=_counted((r.state for one in mine for r in one.replicas), ReplicaState),
        queue=_queue(project),
        attention=attention,
        nodes=_nodes(machines) if sees_nodes else None,
        devices=_devices(machines),
        disks=_disks(machines),
        files=_files(machines) if sees_files else None,
    )


def _counted(states: Iterable[str], known: Iterable[str]) -> dict[str, int]:
    """With zeros, for charts and tables that shall not jump about."""
    return {**dict.fromkeys(map(str, known), 0), **Counter(states)}


def _queue(project: str | None) -> OverviewQueue:
    own = Launch.objects.filter(model__project=project).values_list("pk", flat=True)
    asked = survey.demand(None if project is None else list(own)).values()
    return OverviewQueue(
        sum(one.running for one in asked),
        sum(one.waiting for one in asked),
        max((one.oldest for one in asked), default=0.0),
    )


# --- what there is ----------------------------------------------------------------------------


def _nodes(machines: Iterable[NodeInfo]) -> OverviewNodes:
    states = Counter(node.state for node in machines)
    return OverviewNodes(
        up=states["up"],
        silent=states["silent"],
        cordoned=sum(node.cordoned and not node.draining for node in machines),
        draining=sum(node.draining for node in machines),
        versions=dict(Counter(node.version for node in machines if node.state == "up")),
    )


def _devices(machines: Iterable[NodeInfo]) -> list[OverviewDevices]:
    by_kind: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for _, device in _each_device(machines):
        by_kind[str(device.get("kind"))].append(device)
    return [
        OverviewDevices(kind, len(some), _sum(some, "memory_total"), _sum(some, "memory_used"))
        for kind, some in sorted(by_kind.items())
    ]


def _each_device(machines: Iterable[NodeInfo]) -> Iterator[tuple[NodeInfo, Mapping[str, Any]]]:
    for node in machines:
        for device in node.devices.get("devices") or () if node.state == "up" else ():
            yield node, device


def _sum(devices: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(int(device.get(name) or 0) for device in devices)


def _disks(machines: Iterable[NodeInfo]) -> list[OverviewDisk]:
    return [
        OverviewDisk(
            node.name, int(disk.get("free") or 0), disk.get("total"), int(disk.get("used") or 0),
            disk.get("limit"),
        )
        for node in machines
        if (disk := node.files.get("disk"))
    ]  # fmt: skip


def _files(machines: Iterable[NodeInfo]) -> OverviewFiles:
    cached = [entry for node in machines for entry in node.files.get("cached") or ()]
    states = [entry["state"] for node in machines for entry in node.files.get("downloads") or ()]
    counted = {state: states.count(state) for state in _ALL_DOWNLOADS}
    return OverviewFiles(len(cached), sum(int(entry.get("size") or 0) for entry in cached), counted)


# --- what needs attention ---------------------------------------------------------------------


def _of_launches(mine: Iterable[LaunchInfo]) -> Iterator[Attention]:
    for one in mine:
        thing = AttentionThing("launch", one.uid)
        if one.state == LaunchState.FAILED:
            why = _first_line(one.reason) or "see its events"
            yield Attention("launch_failed", "error", f"{one.uid} failed: {why}", _kept(one), thing)
        elif one.state == LaunchState.STARTING and one.reason and not one.replicas:
            why = _first_line(one.reason)
            yield Attention(
                "launch_waiting", "warning", f"{one.uid} waits: {why}", _kept(one), thing
            )


def _of_nodes(machines: list[NodeInfo]) -> Iterator[Attention]:
    if not any(node.state == "up" for node in machines):
        nobody = Reason("no_machine", "No machine is there to run models on.")
        yield _attention("no_node", "error", nobody, AttentionThing("cluster", ""))
    for node in machines:
        thing = AttentionThing("node", node.name, node.name)
        if node.state == "silent":
            text = f"The machine {node.name} is not heard of any more."
            reason = Reason("machine_silent", text, node=node.name)
            yield _attention("node_silent", "error", reason, thing, node.heartbeat)
        elif node.version not in ("", __version__):
            reason = Reason(
                "other_version",
                f"The machine {node.name} runs version {node.version}, this server {__version__}.",
                node=node.name,
                version=node.version,
                servers=__version__,
            )
            yield _attention("node_version", "warning", reason, thing)


def _of_disks(machines: Iterable[NodeInfo]) -> Iterator[Attention]:
    up = {node.name for node in machines if node.state == "up"}
    for disk in _disks(machines):
        share = disk.free / disk.total if disk.total else 0.0
        if disk.node in up and disk.free < _LITTLE_BYTES and share < _LITTLE_SHARE:
            reason = Reason(
                "little_disk",
                f"{gigabytes(disk.free)} are left for model files on {disk.node}, where cached"
                f" ones take {gigabytes(disk.used)}.",
                node=disk.node,
                free=disk.free,
                used=disk.used,
            )
            severity: Severity = "error" if disk.free < _LITTLE_BYTES / 20 else "warning"
            thing = AttentionThing("disk", disk.node, disk.node)
            yield _attention("disk_nearly_full", severity, reason, thing)


def _of_devices(machines: Iterable[NodeInfo]) -> Iterator[Attention]:
    for node, device in _each_device(machines):
        total, used = int(device.get("memory_total") or 0), int(device.get("memory_used") or 0)
        if total and used / total >= _FULL_SHARE:
            reason = Reason(
                "little_memory",
                f"{device['id']} of {node.name} has {gigabytes(total - used)} of"
                f" {gigabytes(total)} left.",
                node=node.name,
                device=str(device["id"]),
                free=total - used,
                total=total,
            )
            thing = AttentionThing("device", str(device["id"]), node.name)
            yield _attention("device_full", "warning", reason, thing)


def _of_downloads(machines: Iterable[NodeInfo]) -> Iterator[Attention]:
    for node in machines:
        for entry in node.files.get("downloads") or ():
            if entry.get("state") == "failed":
                why = _first_line(str(entry.get("line") or "")) or "see the node's log"
                name, error = str(entry.get("name")), entry.get("error") or {}
                reason = Reason(
                    "not_fetched",
                    f"{name} could not be fetched by {node.name}: {why}",
                    node=node.name,
                    name=name,
                    error=str(error.get("code") or "internal_error"),
                )
                thing = AttentionThing("download", str(entry["id"]), node.name)
                yield _attention("download_failed", "warning", reason, thing)


def _kept(one: LaunchInfo) -> Told | None:
    return Told(**one.reason_told) if one.reason_told else None


def _attention(
    code: Code,
    severity: Severity,
    reason: Reason,
    thing: AttentionThing,
    since: datetime | None = None,
) -> Attention:
    return Attention(code, severity, str(reason), Told(**reason.told()), thing, since)


def _first_line(text: str) -> str:
    """A failed engine's last words may be many."""
    return text.strip().partition("\n")[0][:300]
