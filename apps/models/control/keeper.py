"""Keeps launches as they are wished for: loads the picture, asks ``scaling`` and ``reconcile``,
does the steps."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from apps.models import transitions
from apps.models.control import effects, survey
from apps.models.control.making_room import IDLE, Idle
from apps.models.control.placement import FITS_NOWHERE, NO_NODE, Refusal
from apps.models.control.reconcile import (
    Limits,
    MarkFailed,
    MarkLost,
    NodeSeen,
    RepeatStart,
    RepeatStop,
    StartReplicas,
    Step,
    StopReplica,
    reconcile,
    silent_nodes,
)
from apps.models.control.rooms import may_go, quiet_for
from apps.models.control.scaling import wanted
from apps.models.control.starting import Placing
from apps.models.models import Launch, Model, Node, Replica
from apps.models.orders import Placement
from apps.models.states import LIVE, WANTED, Owner, ReplicaState
from xplatform.core.config import settings
from xplatform.core.errors import DoesNotFit
from xplatform.core.queues import model_queue
from xplatform.engines.reason import Reason, Said

log = logging.getLogger(__name__)

#: a step may make room for another (a loss, then a start); more rounds than this never help
_ROUNDS = 3
#: launches that are locked together in a round
_BATCH = 250
NO_HEARTBEAT = Reason("no_heartbeat", "no heartbeat")
_ROOM_IS_MADE = "Waits for room"
#: what a launch's reason begins with while it waits for a place
_WAITS = (FITS_NOWHERE, NO_NODE, _ROOM_IS_MADE)


def keep(uid: str) -> None:
    """Do for one launch whatever can be done now. Anybody may call it, at any time."""
    with transitions.locked(model__uid=uid) as launch:
        if launch is not None:
            keep_locked(launch)


def keep_locked(launch: Launch) -> Refusal | None:
    """The same, for a caller that holds the launch's lock; why there is no place for a replica."""
    return Work([launch]).do().get(launch.pk)


def keep_all(hearing_since: float) -> None:
    """The leader's round: whatever no message led to."""
    now = timezone.now()
    heard = {n.name: n for n in Node.objects.filter(state=Node.State.UP)}
    times = {name: node.heartbeat.timestamp() for name, node in heard.items()}
    for name in silent_nodes(times, hearing_since, now.timestamp()):
        log.warning("node %s is silent", name)
        with transaction.atomic():
            transitions.set_node(heard[name], Node.State.SILENT, NO_HEARTBEAT)
    keep_unsettled(hearing_since)
    _remove_ended()


def keep_unsettled(hearing_since: float = survey.ONLY_ROUNDS_KNOW) -> None:
    """All launches for which there is something to do. The others are looked at, not locked."""
    found = survey.unsettled(_limits(), hearing_since)
    placing, nodes = Placing(), survey.nodes()
    for begin in range(0, len(found), _BATCH):
        with transaction.atomic():
            launches = transitions.lock_all(found[begin : begin + _BATCH])
            Work(launches, hearing_since, nodes, placing).do()


class Work:
    """On launches whose locks are held, within the transaction that holds them."""

    def __init__(
        self,
        launches: list[Launch],
        hearing_since: float = survey.ONLY_ROUNDS_KNOW,
        nodes: list[NodeSeen] | None = None,
        placing: Placing | None = None,
    ) -> None:
        self._launches = launches
        self._hearing_since = hearing_since
        self._limits = _limits()
        self._nodes = survey.nodes() if nodes is None else nodes
        self._replicas: defaultdict[int, dict[str, Replica]] = defaultdict(dict)
        pks = [launch.pk for launch in launches]
        for replica in Replica.objects.filter(launch__in=pks, state__in=LIVE).order_by("epoch"):
            self._replicas[replica.launch_id][str(replica.pk)] = replica
        self._demand = survey.demand(
            [launch.pk for launch in launches if launch.min_replicas != launch.max_replicas]
        )
        self._placing = placing or Placing()
        self._places = False
        #: launch → why it has no place
        self.refusals: dict[int, Refusal] = {}

    def do(self) -> dict[int, Refusal]:
        for launch in self._launches:
            self._scale(launch)
            self._keep(launch)
        if self._places:
            self._placing.write()
        return self.refusals

    def _scale(self, launch: Launch) -> None:
        states = [replica.state for replica in self._replicas[launch.pk].values()]
        scale = survey.scale_of(launch, states, self._hearing_since)
        if scale is None:
            return
        now = timezone.now()
        number, why = wanted(scale, self._demand[launch.pk], now.timestamp())
        if number != launch.wanted:
            pushed_out = launch.pushed_out if number < launch.min_replicas else None
            values = {"wanted": number, "scaled_at": now, "pushed_out": pushed_out}
            text = f"{why}: {number} instead of {launch.wanted}"
            because = Reason("scaled_since", text, why=why or "", now=number, before=launch.wanted)
            transitions.set_launch(launch, "control", "scaled", because, **values)

    def _keep(self, launch: Launch) -> None:
        replicas = self._replicas[launch.pk]
        for _ in range(_ROUNDS):
            seen = [survey.replica_seen(r) for r in replicas.values() if r.state in LIVE]
            now = timezone.now().timestamp()
            steps = reconcile(survey.desired(launch), seen, self._nodes, now, self._limits)
            for step in steps:
                self._do(step, launch, replicas)
            # Only after a failure is the next start decided anew, by the back-off. After a loss it
            # was decided with it: another look would start a second one.
            if not any(isinstance(step, MarkFailed) for step in steps):
                break
        if launch.reason.startswith(_WAITS) and launch.pk not in self.refusals:
            transitions.set_reason(launch, "")

    def _do(self, step: Step, launch: Launch, replicas: dict[str, Replica]) -> None:
        match step:
            case StartReplicas(count):
                self._start(launch, count)
            case RepeatStart(seen):
                replica = replicas[seen.id]
                _ordered(replica)
                replica.launch = launch
                effects.start(launch, replica)
            case StopReplica(seen, why):
                stop_replica(launch, replicas[seen.id], why)
            case RepeatStop(seen):
                _ordered(replicas[seen.id])
                effects.stop(seen.node, seen.id, seen.epoch, self._limits.drain_timeout)
            case MarkLost(seen, why):
                transitions.move(launch, replicas[seen.id], ReplicaState.LOST, Owner.CONTROL, why)
                # Should the node hear this after all, it ends what nobody counts on any more.
                effects.stop(seen.node, seen.id, seen.epoch, 0)
            case MarkFailed(seen, why):
                transitions.move(launch, replicas[seen.id], ReplicaState.FAILED, Owner.CONTROL, why)
                effects.stop(seen.node, seen.id, seen.epoch, 0)

    def _start(self, launch: Launch, count: int) -> None:
        if not self._places:
            self._placing.lock()
            self._places = True
        replicas = self._replicas[launch.pk].values()
        refusal = self._placing.start(launch, count, replicas)
        if refusal is None:
            return
        chosen = self._placing.make_room(launch, refusal, replicas)
        why = refusal.reason
        if chosen is not None:
            refusal = Refusal(refusal.reasons, refusal.short, being_made=True)
            uids = ", ".join(sorted({item.uid for item in chosen})) or "replicas that are ending"
            why = Reason("waits_for_room", f"{_ROOM_IS_MADE}: {uids} gives way.", uids=uids)
            for item in chosen:
                # Another launch's lock: not while this one and that of all places are held.
                transaction.on_commit(_giving_way(item, launch.model.uid), robust=True)
        self.refusals[launch.pk] = refusal
        transitions.set_reason(launch, why)


def _giving_way(item: Idle, for_uid: str) -> Callable[[], None]:
    # (No `partial`: when it fails Django wants to log its name, which one has not.)
    return lambda: push_out(item, for_uid)


def push_out(item: Idle, for_uid: str) -> None:
    """End an idle replica to make room, if it still is idle. It comes back with the next call."""
    with transitions.locked(model__uid=item.uid) as launch:
        if launch is None or not may_go(launch):
            return
        now = timezone.now()
        if quiet_for(launch, now) <= IDLE or survey.demand([launch.pk])[launch.pk].any:
            return
        replica = launch.replicas.filter(pk=item.replica, state=ReplicaState.READY).first()
        if replica is None:
            return
        why = Reason("made_room", f"made room for {for_uid}", uid=for_uid)
        number = max(0, launch.wanted - 1)
        values = {"wanted": number, "scaled_at": now}
        if number < launch.min_replicas:
            values["pushed_out"] = now
        transitions.set_launch(launch, "control", "pushed out", why, **values)
        stop_replica(launch, replica, why)
        keep_locked(launch)


def start_at(launch: Launch, wish: Placement, count: int = 1) -> None:
    """So many more, there. The launch's lock is held. Raises DoesNotFit."""
    placing = Placing()
    placing.lock()
    replicas = launch.replicas.filter(state__in=LIVE)
    if refusal := placing.start(launch, count, replicas, wish):
        raise DoesNotFit(refusal.reason, param="placement")
    placing.write()


def stop_all(launch: Launch, why: Said) -> None:
    """End all replicas of a launch whose lock is held, whatever is wished for."""
    for replica in launch.replicas.filter(state__in=WANTED):
        stop_replica(launch, replica, why)


def stop_replica(launch: Launch, replica: Replica, why: Said) -> None:
    """Let it drain, then end it. The launch's lock is held."""
    if transitions.move(launch, replica, ReplicaState.DRAINING, Owner.CONTROL, why):
        _ordered(replica)
        effects.stop(replica.node, str(replica.pk), replica.epoch, settings().drain_timeout)


def leave(launch: Launch, replica: Replica, who: str, why: Said) -> None:
    """It is to go when another one has taken its place. The launch's lock is held."""
    replica.leaving = str(why)[:200]
    replica.save(update_fields=["leaving"])
    transitions.record_replica(who, launch, replica, replica.state, "leaving", why)
    transitions.models_changed()


def _ordered(replica: Replica) -> None:
    replica.ordered = timezone.now()
    replica.save(update_fields=["ordered"])


def _remove_ended() -> None:
    """Models that were to go, and have no replica left."""
    live = Replica.objects.filter(state__in=LIVE).values("launch__model")
    gone = Model.objects.filter(removing=True).exclude(pk__in=live)
    for uid in list(gone.values_list("uid", flat=True)):
        with transitions.locked(model__uid=uid) as launch:
            if launch and launch.model.removing and not launch.replicas.filter(state__in=LIVE):
                launch.model.delete()
                effects.forget_queues(model_queue(uid))
                transitions.record("control", launch.model, "model", "", "removed")
                transitions.models_changed()


def _limits() -> Limits:
    return Limits(settings().load_timeout, settings().drain_timeout)
