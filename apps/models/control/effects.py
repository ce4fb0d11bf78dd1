"""Orders to nodes, as Celery messages. Sent after the commit of what they follow from.

An order may get lost with the broker; the reconciler sees that nothing happened and repeats it.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from django.db import transaction

from apps.models.control.peers import Peers
from apps.models.models import Launch, Replica
from xplatform.celery import app
from xplatform.core.channels import tell_replica
from xplatform.core.queues import (
    CONTROL,
    TASK_LEAVE,
    TASK_RECONCILE,
    TASK_SET_ADAPTERS,
    TASK_START_REPLICA,
    TASK_STOP_REPLICA,
    node_queue,
)
from xplatform.core.sender import TaskSender

#: an order that was not taken by then is worthless, since newer ones follow
_ORDER_EXPIRES = 30.0


@cache
def sender() -> TaskSender:
    return TaskSender(app, "orders")


def start(launch: Launch, replica: Replica, peers: Peers | None = None) -> None:
    """``peers``: shared by several orders, so that nodes are read once."""
    model, peers = launch.model, peers or Peers()
    spec: dict[str, Any] = {
        "replica_id": str(replica.pk),
        "epoch": replica.epoch,
        "model_uid": model.uid,
        "node": replica.node,
        "engine": model.engine,
        "model_path": model.model_path,
        "kind": model.kind,
        "slots": model.slots,
        "context_length": model.context_length,
        "options": model.options,
        "source": peers.told(model.source, replica.node),
        "devices": replica.devices,
        "environment": model.environment,
        "packages": model.packages,
        "adapters": peers.adapters(model.adapters, replica.node),
        "trust_remote_code": model.trust_remote_code,
    }
    _send(replica.node, TASK_START_REPLICA, spec)


def stop(node: str, replica_id: str, epoch: int, drain: float) -> None:
    _send(node, TASK_STOP_REPLICA, replica_id, epoch, drain)


def set_adapters(replica: Replica, adapters: list[dict[str, Any]]) -> None:
    """A hint: what a replica tells of itself shows whether it has heard it. What has to be fetched
    first goes by way of its node."""
    if any(one.get("source") and not one.get("path") for one in adapters):
        told = Peers().adapters(adapters, replica.node)
        _send(replica.node, TASK_SET_ADAPTERS, str(replica.pk), replica.epoch, told)
        return
    tell = partial(tell_replica, str(replica.pk), replica.epoch, "adapters", {"adapters": adapters})
    transaction.on_commit(tell, robust=True)


def leave(node: str, instance: str, why: str) -> None:
    """The node is to end its replicas and itself. ``instance``: only if it is this one."""
    # Soon out of date: a machine that joins again must not find it.
    send = partial(sender().send, TASK_LEAVE, node_queue(node), instance, why, expires=5.0)
    transaction.on_commit(send, robust=True)


def forget_queues(*names: str) -> None:
    """Nobody reads them any more; what is left in them, nobody waits for."""
    for name in names:
        forget = partial(sender().forget_queue, name)
        transaction.on_commit(forget, robust=True)


def look_now(expires: float) -> None:
    """Ask any control worker for a round."""
    sender().send(TASK_RECONCILE, CONTROL, expires=expires)


def flush(timeout: float = 5.0) -> bool:
    """For commands that end right away."""
    return sender().flush(timeout) if sender.cache_info().currsize else True


def _send(node: str, task: str, *args: Any) -> None:
    send = partial(sender().send, task, node_queue(node), *args, expires=_ORDER_EXPIRES)
    transaction.on_commit(send, robust=True)
