"""How many replicas a launch has, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.models import permitted, transitions
from apps.models.actions import audited
from apps.models.actions.launching import SOMEBODY, locked, refuse_if_it_does_not_fit
from apps.models.checks import (
    check_adapters,
    check_bounds,
    check_idle,
    check_number,
    check_placement,
)
from apps.models.control import effects, keeper
from apps.models.models import Launch, Model, Node, Replica
from apps.models.orders import Adapter, Placement
from apps.models.pictures import LaunchInfo, launch_info
from apps.models.states import WANTED, ReplicaState
from xplatform.core.errors import Conflict, InvalidValue, NotFound
from xplatform.engines.reason import Reason

_MOST_ADDED = 100
SCALED = Reason("was_scaled", "scaled")
#: what says how long a launch stays
_KEPT: Final = ("pinned", "idle_seconds")


def scale(
    uid: str, min_replicas: int, max_replicas: int, by: str = "", within: str | None = None
) -> LaunchInfo:
    """Set the bounds. Between them the control plane goes by what is waiting."""
    check_bounds(min_replicas, max_replicas)
    with locked(uid, within) as launch:
        _set_bounds(launch, min_replicas, max_replicas, launch.wanted, by or SOMEBODY, SCALED)
    return launch_info(uid)


def set_keeping(
    uid: str, wanted: Mapping[str, Any], by: str = "", within: str | None = None
) -> LaunchInfo:
    """How long it stays, while it runs on: ``pinned``, ``idle_seconds``, or only one of them."""
    if "idle_seconds" in wanted:
        check_idle(wanted["idle_seconds"])
    with locked(uid, within) as launch:
        was = {name: getattr(launch, name) for name in _KEPT if name in wanted}
        now = {name: wanted[name] for name in was}
        if was != now:
            audited.note(launch, by, "keep", before=was, after=now)
            why = ", ".join(f"{name} {value}" for name, value in now.items())
            transitions.set_launch(launch, by or SOMEBODY, launch.desired, why, **now)
            keeper.keep_locked(launch)
    return launch_info(uid)


def add_replicas(
    uid: str,
    count: int = 1,
    placement: Placement | None = None,
    by: str = "",
    within: str | None = None,
) -> LaunchInfo:
    """So many more, for good: the lower bound grows with them. ``placement`` is for these alone;
    what replaces them one day goes by the launch's own."""
    check_number("count", count, 1, _MOST_ADDED)
    if placement is not None:
        check_placement(placement)
    with locked(uid, within) as launch:
        _must_run(launch)
        wanted = launch.wanted + count
        least = launch.min_replicas + count
        most = max(launch.max_replicas, wanted, least)
        who = by or SOMEBODY
        if placement is not None:
            for _ in range(count):
                keeper.start_at(launch, placement)
        _set_bounds(
            launch, least, most, wanted, who, Reason("more_replicas", f"{count} more", count=count)
        )
    return launch_info(uid)


def remove_replica(
    uid: str, replica_id: str, by: str = "", within: str | None = None
) -> LaunchInfo:
    """One less, for good, and this one. The last one goes only with the launch."""
    with locked(uid, within) as launch:
        replica = _replica(launch, replica_id)
        who = by or SOMEBODY
        if launch.wanted <= 1 and launch.min_replicas:
            raise Conflict(
                f"It is the only replica of {uid!r}; terminate the launch, or scale it to"
                " min_replicas 0.",
                param="replica_id",
            )
        fixed = launch.min_replicas == launch.max_replicas
        wanted = max(0, launch.wanted - 1)
        least = min(launch.min_replicas, wanted)
        most = max(1, wanted) if fixed else launch.max_replicas
        keeper.stop_replica(launch, replica, Reason("removed_by", f"removed by {who}", who=who))
        removed = Reason("replica_removed", f"replica {replica.epoch} removed", epoch=replica.epoch)
        _set_bounds(launch, least, most, wanted, who, removed)
    return launch_info(uid)


def move_replica(
    uid: str, replica_id: str, node: str | None = None, by: str = "", within: str | None = None
) -> LaunchInfo:
    """Start another one elsewhere (or on this node) and end the old one when that is ready.

    Raises Conflict when there is no place for it now."""
    if node is not None and not Node.objects.filter(name=node).exists():
        names = ", ".join(Node.objects.values_list("name", flat=True)[:20])
        raise InvalidValue(f"`node` {node[:100]!r} is not known; there are: {names}.", param="node")
    with locked(uid, within) as launch:
        replica = _replica(launch, replica_id)
        who = by or SOMEBODY
        if replica.leaving:
            return launch_info(uid)
        keeper.leave(launch, replica, who, Reason("moved_by", f"moved by {who}", who=who))
        moved = f"replica {replica.epoch}"
        audited.note(launch, by, "move", {"node": replica.node}, {"node": node}, moved)
        if node is not None:
            own = msgspec.convert(launch.placement, Placement)
            there = Placement(nodes=(node,), count=own.count)
            keeper.start_at(launch, there)
        refuse_if_it_does_not_fit(launch, keeper.keep_locked(launch))
    return launch_info(uid)


def set_adapters(
    uid: str,
    adapters: Sequence[Adapter],
    by: str = "",
    within: str | None = None,
    unsafe: bool = False,
) -> LaunchInfo:
    """Which LoRAs it has; running replicas attach and detach them as they go. ``unsafe``: files of
    the machine, too."""
    check_adapters(adapters)
    with locked(uid, within) as launch:
        permitted.check_adapters(adapters, launch.model, unsafe)
        values = [msgspec.to_builtins(adapter) for adapter in adapters]
        was = {"adapters": launch.model.adapters}
        audited.note(launch, by, "adapters", before=was, after={"adapters": values})
        launch.model.adapters = values
        Model.objects.filter(pk=launch.model.pk).update(adapters=values)
        names = ", ".join(adapter.name for adapter in adapters) or "none"
        transitions.record(by or SOMEBODY, launch.model, "launch", "", "adapters", names)
        transitions.models_changed()
        for replica in launch.replicas.filter(state__in=WANTED):
            effects.set_adapters(replica, values)
    return launch_info(uid)


def _set_bounds(launch: Launch, least: int, most: int, wanted: int, who: str, why: Reason) -> None:
    wanted = min(max(wanted, least), most)
    same = (launch.min_replicas, launch.max_replicas, launch.wanted) == (least, most, wanted)
    if not same:
        names = ("min_replicas", "max_replicas", "wanted")
        was = {name: getattr(launch, name) for name in names}
        now = dict(zip(names, (least, most, wanted), strict=True))
        audited.note(launch, who, "scale", before=was, after=now, why=str(why))
        text = f"{why}: {least} to {most} replicas, {wanted} now"
        transitions.set_launch(
            launch,
            who,
            launch.desired,
            Reason("bounds_set", text, why=why, least=least, most=most, now=wanted),
            min_replicas=least,
            max_replicas=most,
            wanted=wanted,
            # Those who asked for more have a while to use them before the load decides.
            scaled_at=launch.scaled_at if wanted == launch.wanted else timezone.now(),
        )
    keeper.keep_locked(launch)


def _must_run(launch: Launch) -> None:
    if launch.desired != Launch.Desired.RUNNING:
        raise Conflict(f"{launch.model.uid!r} does not run; launch it first.", param="uid")


def _replica(launch: Launch, replica_id: str) -> Replica:
    try:
        found = launch.replicas.filter(pk=replica_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise NotFound(
            f"{launch.model.uid!r} has no replica {replica_id[:50]!r}.", param="replica_id"
        )
    if found.state not in WANTED:
        raise Conflict(
            f"Replica {replica_id} is {ReplicaState(found.state).value} already.",
            param="replica_id",
        )
    return found
