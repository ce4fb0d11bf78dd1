"""What to do, decided from what is wished for and what is seen. Pure: no clock, no database.

Whoever calls it again with the same picture gets the same steps, and each step is safe to take
twice, so lost and doubled messages only cost time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.models.states import LIVE, WANTED, ReplicaState
from xplatform.engines.reason import Reason

#: a node that has not been heard for this long is taken for dead; its replicas are to run
#: elsewhere within 15 s
NODE_SILENCE = 12.0
#: an order that had no visible effect is given again after this long
REPEAT_START, REPEAT_STOP = 3.0, 5.0
#: a node that lives but does not take an order for this long is passed over
ORDER_TIMEOUT = 30.0
#: failures in a row, without ever being ready, after which a launch is given up
GIVE_UP_AFTER = 3
#: a launch that was given up is tried again by a call, but not more often than this
TRY_AGAIN_AFTER = 10.0
#: a replica that was ready for this long wipes out earlier failures
STABLE_AFTER = 60.0
LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Desired:
    """One launch. Times are Unix seconds of the control plane's clock, here and below."""

    uid: str
    running: bool
    wanted: int = 1
    #: no new replica before
    retry_at: float | None = None
    #: given up until somebody asks again
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ReplicaSeen:
    id: str
    epoch: int
    node: str
    state: ReplicaState
    created: float
    #: the last sign of progress
    changed: float
    #: the last order sent to its node
    ordered: float
    #: goes when others have taken its place
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class NodeSeen:
    name: str
    up: bool
    #: its replicas are to move away
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    load_timeout: float = 600.0
    drain_timeout: float = 8.0


@dataclass(frozen=True, slots=True)
class StartReplicas:
    """So many are missing. Where they go is ``placement``'s to say."""

    count: int


@dataclass(frozen=True, slots=True)
class RepeatStart:
    replica: ReplicaSeen


@dataclass(frozen=True, slots=True)
class StopReplica:
    """Let it drain, then end it."""

    replica: ReplicaSeen
    why: Reason


@dataclass(frozen=True, slots=True)
class RepeatStop:
    replica: ReplicaSeen


@dataclass(frozen=True, slots=True)
class MarkLost:
    replica: ReplicaSeen
    why: Reason


@dataclass(frozen=True, slots=True)
class MarkFailed:
    """Counts as a failure of the launch, and its process is to be ended."""

    replica: ReplicaSeen
    why: Reason


_FEWER = Reason("fewer_wanted", "fewer replicas are wanted")
_TERMINATED = Reason("was_terminated", "the launch was terminated")
_REPLACED = Reason("was_replaced", "others have taken its place")

Step = StartReplicas | RepeatStart | StopReplica | RepeatStop | MarkLost | MarkFailed


def reconcile(
    desired: Desired,
    replicas: Sequence[ReplicaSeen],
    nodes: Sequence[NodeSeen],
    now: float,
    limits: Limits,
) -> list[Step]:
    """Steps for one launch. ``replicas``: its live ones."""
    up = {node.name: node for node in nodes if node.up}
    steps: list[Step] = []
    alive: list[ReplicaSeen] = []
    for replica in replicas:
        if replica.state not in LIVE:
            continue
        step = _judge(replica, up, now, limits)
        if step is not None:
            steps.append(step)
        if not isinstance(step, MarkLost | MarkFailed):
            alive.append(replica)

    for replica in alive:
        if replica.state is ReplicaState.DRAINING and now - replica.ordered > REPEAT_STOP:
            steps.append(RepeatStop(replica))

    wanted = desired.wanted if desired.running else 0
    serving = sorted((r for r in alive if r.state in WANTED), key=_usefulness, reverse=True)
    leaving = [r for r in serving if _leaves(r, up)]
    staying = [r for r in serving if not _leaves(r, up)]
    why = _FEWER if desired.running else _TERMINATED
    steps.extend(StopReplica(replica, why) for replica in staying[wanted:])
    # What leaves serves on until as many others are ready as are wanted.
    ready = sum(replica.state is ReplicaState.READY for replica in staying[:wanted])
    why = _REPLACED if desired.running else _TERMINATED
    steps.extend(StopReplica(replica, why) for replica in leaving[wanted - ready :])
    missing = wanted - len(staying)
    waits = desired.failed or (desired.retry_at is not None and now < desired.retry_at)
    # After a failure the back-off must be known before the next start is decided.
    if missing > 0 and not waits and not any(isinstance(step, MarkFailed) for step in steps):
        steps.append(StartReplicas(missing))
    return steps


def _leaves(replica: ReplicaSeen, up: dict[str, NodeSeen]) -> bool:
    return replica.leaving or up[replica.node].draining


def _judge(
    replica: ReplicaSeen, up: dict[str, NodeSeen], now: float, limits: Limits
) -> Step | None:
    if replica.node not in up:
        silent = f"node {replica.node} is silent"
        return MarkLost(replica, Reason("its_node_is_silent", silent, node=replica.node))
    match replica.state:
        case ReplicaState.SCHEDULED:
            if now - replica.created > ORDER_TIMEOUT:
                text = f"node {replica.node} did not take the order to start it"
                return MarkLost(replica, Reason("order_not_taken", text, node=replica.node))
            if now - replica.ordered > REPEAT_START:
                return RepeatStart(replica)
        case ReplicaState.STARTING | ReplicaState.LOADING:
            if now - replica.changed > limits.load_timeout:
                text = f"no progress of the load for {limits.load_timeout:g} seconds"
                stuck = Reason("no_load_progress", text, seconds=limits.load_timeout)
                return MarkFailed(replica, stuck)
    return None


def _usefulness(replica: ReplicaSeen) -> tuple[int, int]:
    """The nearer to ready the better, the older the better."""
    order = (
        ReplicaState.SCHEDULED,
        ReplicaState.STARTING,
        ReplicaState.LOADING,
        ReplicaState.READY,
    )
    return order.index(replica.state), -replica.epoch


def silent_nodes(heard: dict[str, float], hearing_since: float, now: float) -> list[str]:
    """Nodes to be taken for dead. ``hearing_since``: since when the control plane itself has been
    able to hear, because after an outage of the broker, the database or this machine all nodes
    look silent."""
    return [n for n, at in heard.items() if now - max(at, hearing_since) > NODE_SILENCE]


@dataclass(frozen=True, slots=True)
class BackOff:
    failures: int
    retry_at: float
    give_up: bool = field(default=False)


def back_off(failures: int, launch_was_ready: bool, ready_for: float | None, now: float) -> BackOff:
    """After a replica failed. ``ready_for``: seconds that it had been ready, None if it never was.

    A replica that worked is replaced at once, the first time; one that never came up is tried
    again after 1, 2, 4 … 60 s, and given up when nothing ever worked."""
    if ready_for is not None and ready_for >= STABLE_AFTER:
        failures = 0
    failures += 1
    steps = failures - 1 if ready_for is None else failures - 2
    pause = 0.0 if steps < 0 else min(LONGEST_PAUSE, 2.0 ** min(steps, 16))
    give_up = not launch_was_ready and ready_for is None and failures >= GIVE_UP_AFTER
    return BackOff(failures, now + pause, give_up)
