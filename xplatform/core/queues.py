"""Names of Celery queues and tasks: the one place where senders and receivers meet."""

from __future__ import annotations

from typing import Final

CONTROL: Final = "control"

#: to the control plane
TASK_OBSERVE: Final = "models.observe"  # (report: dict) a node's or replica's observation
TASK_HEARTBEAT: Final = "models.heartbeat"  # (beat: dict) a node is alive, with what it runs
TASK_WAKE: Final = "models.wake"  # (model uid) somebody waits for this model
#: (demand: dict) what is asked of models through one web process, told every second while there is
#: anything to tell, and once more when it ends: {"web": its name, "time": Unix time, "models":
#: {uid: {"running": n, "waiting": n, "oldest_seconds": s, "requests": since the last report}}}
TASK_DEMAND: Final = "models.demand"
TASK_RECONCILE: Final = "models.reconcile"  # () look now

#: to a node agent
TASK_START_REPLICA: Final = "node.start_replica"  # (spec: dict)
TASK_STOP_REPLICA: Final = "node.stop_replica"  # (replica id, epoch, seconds to drain)
TASK_SET_ADAPTERS: Final = "node.set_adapters"  # (replica id, epoch, adapters: list)
TASK_LEAVE: Final = "node.leave"  # (instance or "" for whoever it is, why)
TASK_ASK: Final = "node.ask"  # (question, arguments: dict, key of the answer)

#: to a replica
TASK_RUN: Final = "inference.run"  # (envelope: bytes)


def node_queue(name: str) -> str:
    return f"node.{name}"


def answer_key(node: str, ticket: str) -> str:
    """Where a node puts its answer to one question, in the channels' Redis."""
    return f"xp:answer:{node}:{ticket}"


def model_queue(uid: str) -> str:
    """Any replica of the model takes from it."""
    return f"model.{uid}"


def replica_queue(replica_id: str) -> str:
    """For requests that should land on one replica."""
    return f"replica.{replica_id}"
