"""The decisions of the control plane, as pure functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.models.control import reconcile as r
from apps.models.states import LIVE, WANTED, ReplicaState

NOW = 1000.0
LIMITS = r.Limits(load_timeout=600, drain_timeout=8)
N1, N2 = r.NodeSeen("n1", True), r.NodeSeen("n2", True)


def replica(
    state: str, epoch: int = 1, node: str = "n1", changed: float = NOW, ordered: float = NOW,
    created: float = NOW,
) -> r.ReplicaSeen:  # fmt: skip
    return r.ReplicaSeen(f"id{epoch}", epoch, node, ReplicaState(state), created, changed, ordered)


def steps(
    desired: r.Desired, *replicas: r.ReplicaSeen, nodes: tuple[r.NodeSeen, ...] = (N1, N2)
) -> list[r.Step]:
    return r.reconcile(desired, replicas, nodes, NOW, LIMITS)


RUN, STOP = r.Desired("m", True), r.Desired("m", False)


def test_starts_what_is_missing() -> None:
    assert steps(RUN) == [r.StartReplicas(1)]
    three = r.Desired("m", True, wanted=3)
    assert steps(three, replica("loading")) == [r.StartReplicas(2)]


def test_nothing_to_do() -> None:
    assert steps(STOP) == []
    assert steps(RUN, replica("ready")) == []
    assert steps(RUN, replica("loading")) == []
    assert steps(STOP, replica("draining")) == []


def test_waits_for_the_pause_after_failures() -> None:
    assert steps(r.Desired("m", True, retry_at=NOW + 1)) == []
    assert steps(r.Desired("m", True, retry_at=NOW)) == [r.StartReplicas(1)]
    assert steps(r.Desired("m", True, failed=True)) == []


@pytest.mark.parametrize("state", sorted(WANTED))
def test_stops_what_is_not_wanted(state: str) -> None:
    found = steps(STOP, replica(state))
    assert [type(step) for step in found] == [r.StopReplica]


def test_keeps_the_replica_that_is_nearest_to_ready() -> None:
    found = steps(RUN, replica("loading", 1), replica("ready", 2), replica("scheduled", 3))
    stopped = {step.replica.epoch for step in found if isinstance(step, r.StopReplica)}
    assert stopped == {1, 3}


def test_a_draining_replica_is_replaced() -> None:
    assert steps(RUN, replica("draining")) == [r.StartReplicas(1)]


@pytest.mark.parametrize("state", sorted(LIVE))
def test_a_silent_node_loses_its_replicas(state: str) -> None:
    nodes = (r.NodeSeen("n1", False), N2)
    lost, *rest = steps(RUN, replica(state), nodes=nodes)
    assert isinstance(lost, r.MarkLost)
    assert rest == [r.StartReplicas(1)]
    assert isinstance(steps(STOP, replica(state), nodes=nodes)[0], r.MarkLost)


def test_orders_without_effect_are_repeated() -> None:
    seen = replica("scheduled", ordered=NOW - r.REPEAT_START - 1)
    assert steps(RUN, seen) == [r.RepeatStart(seen)]
    assert steps(RUN, replica("scheduled", ordered=NOW - 1)) == []
    seen = replica("draining", ordered=NOW - r.REPEAT_STOP - 1)
    assert steps(STOP, seen) == [r.RepeatStop(seen)]


def test_a_node_that_does_not_take_the_order_is_passed_over() -> None:
    seen = replica("scheduled", created=NOW - r.ORDER_TIMEOUT - 1)
    lost, start = steps(RUN, seen)
    assert isinstance(lost, r.MarkLost)
    assert isinstance(start, r.StartReplicas)


@pytest.mark.parametrize("state", ["starting", "loading"])
def test_a_load_without_progress_fails_and_the_pause_is_known_before_the_next(state: str) -> None:
    found = steps(RUN, replica(state, changed=NOW - 601))
    assert [type(step) for step in found] == [r.MarkFailed]
    assert steps(RUN, replica(state, changed=NOW - 599)) == []


def test_back_off_of_what_never_worked() -> None:
    pauses = []
    failures = 0
    for _ in range(9):
        after = r.back_off(failures, True, None, NOW)
        failures = after.failures
        pauses.append(after.retry_at - NOW)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_gives_up_only_what_never_worked() -> None:
    assert [r.back_off(n, False, None, NOW).give_up for n in range(4)] == [
        False, False, True, True,
    ]  # fmt: skip
    assert not r.back_off(9, True, None, NOW).give_up
    assert not r.back_off(9, False, 0.5, NOW).give_up


def test_what_worked_is_replaced_at_once_but_not_for_ever() -> None:
    assert r.back_off(0, True, 5.0, NOW) == r.BackOff(1, NOW, False)
    assert r.back_off(1, True, 5.0, NOW) == r.BackOff(2, NOW + 1, False)
    assert r.back_off(2, True, 5.0, NOW) == r.BackOff(3, NOW + 2, False)
    # It ran for long: earlier failures are forgotten.
    assert r.back_off(7, True, r.STABLE_AFTER, NOW) == r.BackOff(1, NOW, False)


def test_silence_counts_from_when_we_could_hear() -> None:
    heard = {"old": NOW - 100, "new": NOW - 1}
    assert r.silent_nodes(heard, hearing_since=0, now=NOW) == ["old"]
    assert r.silent_nodes(heard, hearing_since=NOW - 10, now=NOW) == []


seen_replicas = st.lists(
    st.builds(
        replica,
        state=st.sampled_from([s.value for s in ReplicaState]),
        epoch=st.integers(1, 50),
        node=st.sampled_from(["n1", "n2", "gone"]),
        changed=st.floats(0, NOW),
        ordered=st.floats(0, NOW),
        created=st.floats(0, NOW),
    ),
    max_size=6,
    unique_by=lambda seen: seen.epoch,
)


@given(
    st.builds(
        r.Desired,
        uid=st.just("m"),
        running=st.booleans(),
        wanted=st.integers(0, 3),
        retry_at=st.none() | st.floats(0, 2 * NOW),
        failed=st.booleans(),
    ),
    seen_replicas,
    st.lists(st.sampled_from([N1, N2, r.NodeSeen("n2", False)]), unique_by=lambda n: n.name),
)
def test_never_too_many(
    desired: r.Desired, replicas: list[r.ReplicaSeen], nodes: list[r.NodeSeen]
) -> None:
    """Whatever is seen: after the steps there are never more than wanted, ended replicas are left
    alone, one replica gets one fate, and starts go to nodes that are up."""
    found = r.reconcile(desired, replicas, nodes, NOW, LIMITS)
    assert found == r.reconcile(desired, replicas, nodes, NOW, LIMITS)
    gone = {
        step.replica.epoch
        for step in found
        if isinstance(step, r.MarkLost | r.MarkFailed | r.StopReplica)
    }
    fates = [s.replica.epoch for s in found if not isinstance(s, r.StartReplicas)]
    judged = [s for s in found if isinstance(s, r.MarkLost | r.MarkFailed)]
    assert len(fates) - len(set(fates)) <= sum(isinstance(s, r.RepeatStart) for s in found)
    assert all(s.replica.state in LIVE for s in judged)
    left = sum(seen.state in WANTED and seen.epoch not in gone for seen in replicas)
    starts = sum(s.count for s in found if isinstance(s, r.StartReplicas))
    assert left + starts <= (desired.wanted if desired.running else 0)
    if desired.failed:
        assert not starts
