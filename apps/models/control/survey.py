"""Looks over all launches in a handful of queries, and finds those that something has to be done
for. What it sees is not locked: it only says where to look again."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.aggregates import Max
from django.utils import timezone

from apps.models.control import scaling
from apps.models.control.reconcile import Desired, Limits, NodeSeen, ReplicaSeen, reconcile
from apps.models.models import Demand, Launch, Node, Replica
from apps.models.states import LIVE, WANTED, ReplicaState

_LAUNCH = (
    "pk", "desired", "wanted", "min_replicas", "max_replicas", "idle_seconds", "retry_at",
    "failed_at", "last_called", "busy_at", "scaled_at", "pushed_out", "model__slots",
)  # fmt: skip
_REPLICA = (
    "launch_id", "id", "epoch", "node", "state", "created", "changed", "ordered", "leaving",
)  # fmt: skip
#: instead of a time since when all has been heard: for those who cannot know that silence means
#: that nobody called
ONLY_ROUNDS_KNOW = math.inf

_LOADING = WANTED - {ReplicaState.READY}
_STATES = {state.value: state for state in ReplicaState}


def unsettled(limits: Limits, hearing_since: float = ONLY_ROUNDS_KNOW) -> list[int]:
    """Launches for which there is a step to take, or another number of replicas to want."""
    now = timezone.now().timestamp()
    seen = nodes()
    replicas: defaultdict[int, list[ReplicaSeen]] = defaultdict(list)
    for launch, *rest in Replica.objects.filter(state__in=LIVE).values_list(*_REPLICA):
        replicas[launch].append(_seen(*rest))
    live = Replica.objects.filter(launch=OuterRef("pk"), state__in=LIVE)
    rows = Launch.objects.filter(Q(desired=Launch.Desired.RUNNING) | Exists(live))
    asked = demand()
    found = []
    for row in rows.order_by("pk").values_list(*_LAUNCH):
        pk, running, number = row[0], row[1] == "running", row[2]
        mine = replicas[pk]
        if running and (row[3] != row[4] or number != row[3]):
            states = [replica.state for replica in mine]
            scale = _scale(row, states, hearing_since)
            if scaling.wanted(scale, asked[pk], now)[0] != number:
                found.append(pk)
                continue
        desired_ = Desired("", running, number, _seconds(row[6]), row[7] is not None)
        if reconcile(desired_, mine, seen, now, limits):
            found.append(pk)
    return found


def nodes() -> list[NodeSeen]:
    rows = Node.objects.values_list("name", "state", "draining")
    return [NodeSeen(name, state == Node.State.UP, draining) for name, state, draining in rows]


def demand(launches: Collection[int] | None = None) -> Mapping[int, scaling.Demand]:
    """What all web processes together ask of launches now."""
    found: defaultdict[int, scaling.Demand] = defaultdict(lambda: scaling.NOTHING)
    if launches is not None and not launches:
        return found
    since = timezone.now() - timedelta(seconds=scaling.DEMAND_EXPIRES)
    rows = Demand.objects.filter(at__gt=since)
    if launches is not None:
        rows = rows.filter(launch__in=launches)
    sums = rows.values_list("launch").annotate(
        Sum("running"), Sum("waiting"), Max("oldest_seconds")
    )
    for launch, running, waiting, oldest in sums.order_by():
        found[launch] = scaling.Demand(running, waiting, oldest)
    return found


def desired(launch: Launch) -> Desired:
    return Desired(
        uid=launch.model.uid,
        running=launch.desired == Launch.Desired.RUNNING,
        wanted=launch.wanted,
        retry_at=_seconds(launch.retry_at),
        failed=launch.failed_at is not None,
    )


def scale_of(launch: Launch, states: Collection[str], hearing_since: float) -> scaling.Scale | None:
    """``states``: of its live replicas. None: its number is fixed, or it is not to run."""
    if launch.desired != Launch.Desired.RUNNING:
        return None
    if launch.min_replicas == launch.max_replicas == launch.wanted:
        return None
    row = [getattr(launch, name) for name in _LAUNCH[:-1]]
    slots = launch.model.info.get("slots") or launch.model.slots
    return _scale((*row, slots), states, hearing_since)


def replica_seen(replica: Replica) -> ReplicaSeen:
    return _seen(*(getattr(replica, name) for name in _REPLICA[1:]))


def _seen(
    id: Any, epoch: int, node: str, state: str,
    created: datetime, changed: datetime, ordered: datetime, leaving: str,
) -> ReplicaSeen:  # fmt: skip
    return ReplicaSeen(
        str(id),
        epoch,
        node,
        _STATES[state],
        created.timestamp(),
        changed.timestamp(),
        ordered.timestamp(),
        bool(leaving),
    )


def _scale(row: tuple[Any, ...], states: Collection[str], hearing_since: float) -> scaling.Scale:
    _, _, number, least, most, idle, _, _, called, busy, scaled, pushed_out, slots = row
    return scaling.Scale(
        wanted=number,
        least=least,
        most=most,
        ready=sum(state == ReplicaState.READY for state in states),
        slots=slots,
        idle_seconds=idle,
        # While nobody could be heard, nobody could be heard to call.
        called=max(_seconds(called) or 0.0, hearing_since),
        busy=max(_seconds(busy) or 0.0, hearing_since),
        scaled=_seconds(scaled) or 0.0,
        pushed_out=pushed_out is not None,
        loading=any(state in _LOADING for state in states),
    )


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
