"""The one place that writes the state of replicas and launches.

Everything here is called within a transaction that holds the launch's row (``locked``): a state
that was read before the lock says nothing. Each change appends an event and, after the commit,
tells the web processes to look again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.models.control import effects, memory
from apps.models.control.reconcile import GIVE_UP_AFTER, back_off
from apps.models.models import Event, Launch, Model, Node, Replica
from apps.models.states import ENDED, LIVE, WANTED, Owner, ReplicaState, may_move
from xplatform.core.channels import broadcast
from xplatform.core.queues import model_queue, replica_queue
from xplatform.engines.reason import Reason, Said, told


def lock_all(pks: Collection[int]) -> list[Launch]:
    """The same for many, within the caller's transaction; always in the order of their keys, so
    that two who do this never wait for each other."""
    launches = Launch.objects.select_for_update(of=("self",)).select_related("model")
    return list(launches.filter(pk__in=pks).order_by("pk"))


@contextmanager
def locked(**lookup: Any) -> Iterator[Launch | None]:
    """A transaction in which nobody else changes this launch or its replicas."""
    with transaction.atomic():
        launches = Launch.objects.select_for_update(of=("self",)).select_related("model")
        yield launches.filter(**lookup).first()


def move(
    launch: Launch,
    replica: Replica,
    to: ReplicaState,
    by: Owner,
    why: Said = "",
    final: bool = False,
    **values: Any,
) -> bool:
    """Take one arrow of the table, if ``by`` may take it from where the replica is. False: it was
    not taken, because the replica has moved on or the arrow does not exist. ``final``: a failure
    that another try cannot mend."""
    start = ReplicaState(replica.state)
    if not may_move(start, to, by):
        return False
    now = timezone.now()
    values |= {"state": to.value, "changed": now}
    if why:
        values["message"] = str(why)
        values["message_told"] = told(why)
    elif "message" in values:
        values["message_told"] = None
    if to is ReplicaState.READY:
        values["progress"] = 1.0
        values["ready_at"] = replica.ready_at or now
    rows = Replica.objects.filter(pk=replica.pk, epoch=replica.epoch, state=start.value)
    if not rows.update(**values):
        return False
    for name, value in values.items():
        setattr(replica, name, value)
    who = f"node {replica.node}" if by is Owner.NODE else by.value
    record_replica(who, launch, replica, start.value, to.value, why)
    match to:
        case ReplicaState.READY:
            _count_success(launch, replica)
        case ReplicaState.FAILED if start in WANTED:
            _count_failure(launch, replica, now, final)
    if to in ENDED:
        memory.note_end(launch.model, replica)
        _forget_queues(launch, replica)
    models_changed()
    return True


def _forget_queues(launch: Launch, replica: Replica) -> None:
    """A replica's own queue, and with the last replica of a launch that is gone the model's. One
    that starts again when it is called keeps it: requests that call it wait there."""
    effects.forget_queues(replica_queue(str(replica.pk)))
    gone = launch.desired == Launch.Desired.STOPPED and not launch.model.starts_on_call
    if gone and not launch.replicas.filter(state__in=LIVE).exists():
        effects.forget_queues(model_queue(launch.model.uid))


def set_launch(launch: Launch, who: str, after: str, why: Said = "", **values: Any) -> None:
    """Change what is wished for."""
    before = launch.desired
    _update(launch, **values)
    record(who, launch.model, "launch", before, after, why)
    models_changed()


def set_node(node: Node, state: Node.State, why: Said = "") -> None:
    before, node.state = node.state, state
    node.save(update_fields=["state"])
    record_node("control", node.name, before, state.value, why)
    models_changed()


def set_reason(launch: Launch, reason: Said) -> None:
    """Why nothing happens; no event, since it says nothing new each time."""
    if launch.reason != str(reason):
        _update(launch, reason=reason)
        models_changed()


def record(
    who: str,
    model: Model | None,
    subject: str,
    before: str,
    after: str,
    why: Said = "",
    **more: Any,
) -> None:
    """``model``: None of a node, whose events belong to no project."""
    Event.objects.create(
        at=timezone.now(),
        who=who[:150],
        uid=model.uid if model else "",
        project=model.project if model else "",
        subject=subject,
        before=before,
        after=after,
        why=str(why),
        why_told=told(why),
        **more,
    )
    _once_after_commit(_tell_events)


def record_all(events: Iterable[Event]) -> None:
    Event.objects.bulk_create(events)
    _once_after_commit(_tell_events)


def record_replica(
    who: str, launch: Launch, replica: Replica, before: str, after: str, why: Said = ""
) -> None:
    subject = f"replica {replica.epoch}"
    where = {"node": replica.node, "replica": replica.pk}
    record(who, launch.model, subject, before, after, why, **where)


def record_node(who: str, node: str, before: str, after: str, why: Said = "") -> None:
    record(who, None, f"node {node}", before, after, why, node=node)


def models_changed() -> None:
    """One hint a transaction, however much it changes."""
    _once_after_commit(_tell_models)


def _once_after_commit(tell: Callable[[], None]) -> None:
    waiting = transaction.get_connection().run_on_commit
    if not any(entry[1] is tell for entry in waiting):
        transaction.on_commit(tell, robust=True)


def _tell_models() -> None:
    broadcast("models")


def _tell_events() -> None:
    broadcast("events")


def _count_success(launch: Launch, replica: Replica) -> None:
    values: dict[str, Any] = {"was_ready": True, "failed_at": None, "reason": ""}
    if replica.ready_at == replica.changed:  # for the first time
        values["start_seconds"] = (replica.ready_at - replica.created).total_seconds()
        # Its idle time begins now: before, nobody could have called it.
        values["last_called"] = replica.ready_at
    _update(launch, **values)
    if replica.info and launch.model.info != replica.info:
        launch.model.info = replica.info
        Model.objects.filter(pk=launch.model.pk).update(info=replica.info)


def _count_failure(launch: Launch, replica: Replica, now: datetime, final: bool) -> None:
    ready_for = (now - replica.ready_at).total_seconds() if replica.ready_at else None
    pause = back_off(launch.failures, launch.was_ready, ready_for, now.timestamp())
    give_up = pause.give_up or final
    _update(
        launch,
        failures=pause.failures,
        retry_at=datetime.fromtimestamp(pause.retry_at, UTC),
        reason=replica.message,
        reason_told=replica.message_told,
        failed_at=now if give_up else None,
    )
    if not give_up:
        return
    last = replica.message
    if final:
        why = Reason("given_up_at_once", f"given up at once: {last}", why=last)
    else:
        text = f"given up after {GIVE_UP_AFTER} failures in a row: {last}"
        why = Reason("given_up", text, why=last, count=GIVE_UP_AFTER)
    _tell_failed(launch, why, replica.message)


def give_up(launch: Launch, reason: Said) -> None:
    """It cannot even be started. Those who wait for it are told; a later call tries again."""
    _update(
        launch,
        desired=Launch.Desired.RUNNING,
        wanted=max(1, launch.wanted),
        failed_at=timezone.now(),
        reason=reason,
    )
    _tell_failed(launch, reason, str(reason))
    models_changed()


def _tell_failed(launch: Launch, why: Said, reason: str) -> None:
    record("control", launch.model, "launch", launch.desired, "failed", why)
    uid = launch.model.uid
    transaction.on_commit(lambda: broadcast("launch_failed", uid=uid, reason=reason), robust=True)


def _update(launch: Launch, **values: Any) -> None:
    values["changed"] = timezone.now()
    if "reason" in values:
        values.setdefault("reason_told", told(values["reason"]))
        values["reason"] = str(values["reason"])
    Launch.objects.filter(pk=launch.pk).update(**values)
    for name, value in values.items():
        setattr(launch, name, value)
