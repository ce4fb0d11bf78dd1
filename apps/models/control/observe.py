"""Takes in what nodes and replicas report. Reports may be lost, doubled, late or out of order;
none of that may do harm, and a report that was lost is made up for by the next heartbeat or by
the replica, which repeats its state.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.models import transitions
from apps.models.control import effects, keeper, memory
from apps.models.models import Launch, Node, Replica
from apps.models.nodes import admission
from apps.models.pulse import telling
from apps.models.reports import Heartbeat, Listed, Report
from apps.models.states import ENDED, LIVE, WANTED, Owner, ReplicaState
from xplatform.engines.reason import Reason, Said

log = logging.getLogger(__name__)

#: heartbeats are written no more often than this, unless they say something new
_WRITE_EVERY = timedelta(seconds=2)
#: a replica that its node does not list for this long is gone, whatever the clocks say
_GONE_AFTER = timedelta(seconds=60)
HEARTBEAT = Reason("heard_again", "heartbeat")
_MESSAGE_LIMIT = 4000
_LOOK_EXPIRES = 3.0

_STATES = {
    "starting": ReplicaState.STARTING,
    "loading": ReplicaState.LOADING,
    "ready": ReplicaState.READY,
    "draining": ReplicaState.DRAINING,
    "stopped": ReplicaState.STOPPED,
    "failed": ReplicaState.FAILED,
}


def observe(raw: Mapping[str, Any]) -> None:
    """A report of a node or a replica on one replica."""
    try:
        report = msgspec.convert(raw, Report)
    except msgspec.ValidationError as error:
        log.warning("a report makes no sense: %s", error)
        return
    owner = Owner.NODE if report.source == "node" else Owner.REPLICA
    known = _find(report)
    if known is None:
        return
    _repeat_adapters(known, report)
    if _says_nothing_new(known, report):
        return
    with transitions.locked(pk=known.launch_id) as launch:
        replica = launch and launch.replicas.filter(pk=known.pk, epoch=report.epoch).first()
        if launch and replica and _take(launch, replica, report, owner):
            keeper.keep_locked(launch)
            if replica.state in ENDED:
                _tell_those_who_wait()


def _tell_those_who_wait() -> None:
    """Its memory may be what another launch waits for."""
    look = partial(effects.look_now, _LOOK_EXPIRES)
    transaction.on_commit(look, robust=True)


def _find(report: Report) -> Replica | None:
    """None: unknown, or a report of an old epoch."""
    try:
        rows = Replica.objects.select_related("launch__model")
        return rows.filter(pk=report.replica_id, epoch=report.epoch).first()
    except ValidationError:
        return None


def _repeat_adapters(replica: Replica, report: Report) -> None:
    """A replica tells which LoRAs it has. The message with those that it should have may have got
    lost, as any other."""
    has = report.info.get("adapters")
    if report.state != "ready" or replica.state != ReplicaState.READY or not isinstance(has, list):
        return
    wanted = replica.launch.model.adapters
    if {adapter["name"] for adapter in wanted} != set(has):
        effects.set_adapters(replica, wanted)


def _says_nothing_new(replica: Replica, report: Report) -> bool:
    """Most reports repeat what is known. They must not queue for the database's write lock."""
    state = ReplicaState(replica.state)
    if state in ENDED:
        return True
    same = not report.info or report.info == replica.info
    return state is ReplicaState.READY and report.state == "ready" and same


def _take(launch: Launch, replica: Replica, report: Report, owner: Owner) -> bool:
    """True: the state has changed."""
    start, to = ReplicaState(replica.state), _STATES[report.state]
    message = report.message[-_MESSAGE_LIMIT:]
    said: Said = message
    newer = report.time > replica.reported
    values: dict[str, Any] = {"reported": max(report.time, replica.reported)}
    if report.info:
        values["info"] = report.info
    if report.pid:
        values["pid"] = report.pid
    if to is start:
        if (newer or not report.time) and start in WANTED:
            _note(replica, report.progress, message, values)
        return False
    if to is ReplicaState.LOADING and start is ReplicaState.READY and not newer:
        return False  # overtaken by the report of being ready
    if to is ReplicaState.STOPPED and start not in (ReplicaState.DRAINING, ReplicaState.READY):
        to = ReplicaState.FAILED
        said = said or Reason("ended_early", "it ended before it was ready")
    if to is ReplicaState.FAILED and start is ReplicaState.DRAINING:
        to = ReplicaState.STOPPED  # it was to end, and has ended
    if to in WANTED:
        values["progress"] = report.progress
        values["message"] = message
        said = ""
    return transitions.move(launch, replica, to, owner, said, report.final, **values)


def _note(replica: Replica, progress: float, message: str, values: dict[str, Any]) -> None:
    """News within a state. A repetition writes nothing, a small step forward tells nobody."""
    if replica.state == ReplicaState.READY:
        progress = 1.0
    step = abs(progress - replica.progress)
    said = bool(message) and message != replica.message
    told = bool(values.get("info")) and values["info"] != replica.info
    if not (step or said or told):
        return
    if message:
        values |= {"message": message, "message_told": None}
    values |= {"progress": progress, "changed": timezone.now()}
    rows = Replica.objects.filter(pk=replica.pk, epoch=replica.epoch, state=replica.state)
    if rows.update(**values) and (step >= 0.01 or said or told):
        transitions.models_changed()


def heartbeat(raw: Mapping[str, Any]) -> None:
    """A node lives, and lists the replicas that it has."""
    try:
        beat = msgspec.convert(raw, Heartbeat)
    except msgspec.ValidationError as error:
        log.warning("a heartbeat makes no sense: %s", error)
        return
    if not admission.admit(beat):
        return
    _hear(beat)
    listed = {(item.id, item.epoch): item for item in beat.replicas}
    rows = Replica.objects.filter(node=beat.node, state__in=LIVE)
    live = {(str(row.pk), row.epoch): row for row in rows}
    for replica_id, epoch in listed.keys() - live.keys():
        # An old epoch, or one that has ended here: it must not go on, and if it does not run any
        # more the node may forget it.
        effects.stop(beat.node, replica_id, epoch, 0)
    for key, replica in live.items():
        item = listed.get(key)
        report = _difference(replica, item, beat)
        if report is not None:
            _settle(replica, report)
        elif item is not None:
            memory.note(replica, item)


def _hear(beat: Heartbeat) -> None:
    now = timezone.now()
    node = Node.objects.filter(name=beat.node).first()
    if node is None or node.state != Node.State.UP:
        with transaction.atomic():
            node, _ = Node.objects.select_for_update().get_or_create(
                name=beat.node, defaults={"state": Node.State.SILENT}
            )
            if node.state != Node.State.UP:
                transitions.set_node(node, Node.State.UP, HEARTBEAT)
            _write(node, beat)
        # What waited for a node can start now.
        keeper.keep_unsettled()
    elif now - node.heartbeat > _WRITE_EVERY or (beat.files and beat.files != node.files):
        _write(node, beat)
    telling.nodes.hear(beat.node, beat.devices, beat.files or node.files)


def _write(node: Node, beat: Heartbeat) -> None:
    Node.objects.filter(pk=node.pk).update(**admission.told(node, beat))


def _difference(
    replica: Replica, item: Listed | None, beat: Heartbeat
) -> ReplicaState | Report | None:
    """What a heartbeat says on a replica that we did not know: lost messages are caught up here."""
    state = ReplicaState(replica.state)
    if item is None:
        if state is ReplicaState.SCHEDULED:
            return None  # the order is under way; the reconciler repeats it
        if beat.time > replica.reported or timezone.now() - replica.changed > _GONE_AFTER:
            return ReplicaState.LOST
        return None
    if not item.running:
        return Report(
            source="node",
            replica_id=item.id,
            epoch=item.epoch,
            state=item.end,
            message=item.why,
            final=item.final,
            time=beat.time,
        )
    if state is ReplicaState.SCHEDULED:
        return Report("node", item.id, item.epoch, "starting", pid=item.pid, time=beat.time)
    return None


def _settle(replica: Replica, report: ReplicaState | Report) -> None:
    if isinstance(report, Report):
        observe(msgspec.to_builtins(report))
        return
    with transitions.locked(pk=replica.launch_id) as launch:
        row = launch and launch.replicas.filter(pk=replica.pk, state=replica.state).first()
        if not launch or not row or row.reported != replica.reported:
            return  # it has moved meanwhile: the next heartbeat will tell
        if row.state == ReplicaState.DRAINING:
            changed = transitions.move(launch, row, ReplicaState.STOPPED, Owner.NODE)
        else:
            text = f"node {row.node} does not have it any more"
            why = Reason("gone_from_node", text, node=row.node)
            changed = transitions.move(launch, row, ReplicaState.LOST, Owner.CONTROL, why)
        if changed:
            keeper.keep_locked(launch)
