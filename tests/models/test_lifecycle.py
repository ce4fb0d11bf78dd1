"""Launches from wish to end, with the database, and with what goes wrong on the way."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from apps.models import api, tasks
from apps.models.models import Event, Launch, Node, Replica
from apps.models.reports import Heartbeat, Listed
from apps.models.states import ReplicaState
from tests.models.world import Message, World, an_order
from xplatform.core.queues import (
    CONTROL,
    TASK_HEARTBEAT,
    TASK_OBSERVE,
    TASK_START_REPLICA,
    TASK_STOP_REPLICA,
    TASK_WAKE,
)

Hints = list[tuple[str, dict[str, Any]]]


def launch(uid: str = "m", **values: Any) -> api.LaunchInfo:
    return api.launch(an_order(uid, requested_by="tester", **values))


def served(uid: str = "m") -> api.ServedModel | None:
    return next((model for model in api.served_models() if model.uid == uid), None)


def replica_of(uid: str = "m") -> Replica:
    return Replica.objects.filter(launch__model__uid=uid).latest("epoch")


def running_key(world: World) -> tuple[Any, tuple[str, int]]:
    """The one process, with its node."""
    [(node, key)] = [(n, k) for n in world.nodes.values() for k in n.running]
    return node, key


def make_ready(world: World) -> None:
    launch()
    world.settle(3)
    assert api.launch_info("m").state == "ready"


def test_launch_becomes_ready(world: World, hints: Hints) -> None:
    info = launch(slots=2, context_length=64, options={"a": 1})
    assert (info.state, info.requested_by) == ("starting", "tester")
    [order] = world.sender.take(TASK_START_REPLICA)
    assert order.queue == "node.n1"
    assert order.args[0] == {
        "replica_id": str(replica_of().pk),
        "epoch": 1,
        "model_uid": "m",
        "node": "n1",
        "engine": "fake",
        "model_path": "/models/m",
        "kind": "llm",
        "slots": 2,
        "context_length": 64,
        "options": {"a": 1},
        "source": {},
        "devices": [],
        "environment": {},
        "packages": [],
        "adapters": [],
        "trust_remote_code": False,
    }
    world.deliver(order)
    states = []
    for _ in range(3):
        world.deliver_all()
        states.append(replica_of().state)
        node, key = running_key(world)
        node.step(key)
    assert states == ["starting", "loading", "ready"]
    model = served()
    assert model is not None
    assert (model.state, model.replicas_ready, model.slots) == ("ready", 1, 4)
    assert (model.context_length, model.progress) == (128, 1.0)
    assert {kind for kind, _ in hints} == {"models", "events"}


def test_every_transition_is_an_event(world: World) -> None:
    make_ready(world)
    api.terminate("m", "tester")
    world.settle(3)
    told = [(e.subject, e.after, e.who) for e in api.launch_info("m").events]
    assert told == [
        ("launch", "running", "tester"),
        ("replica 1", "scheduled", "control"),
        ("replica 1", "starting", "node n1"),
        ("replica 1", "loading", "replica"),
        ("replica 1", "ready", "replica"),
        ("launch", "stopped", "tester"),
        ("replica 1", "draining", "control"),
        ("replica 1", "stopped", "node n1"),
    ]


def test_served_models_takes_two_queries(world: World, django_assert_num_queries: Any) -> None:
    make_ready(world)
    launch("other")
    with django_assert_num_queries(2):
        assert len(api.served_models()) == 2


def test_terminated_launch_is_gone_and_its_name_is_free(world: World) -> None:
    make_ready(world)
    api.terminate("m")
    assert served() is None
    assert api.launches() == []
    launch()  # while the old replica drains
    assert replica_of().epoch == 2
    world.settle(5)
    assert [key[1] for key in world.running()] == [2]
    assert [r.state for r in Replica.objects.order_by("epoch")] == ["stopped", "ready"]


def test_a_killed_replica_is_replaced_at_once(world: World) -> None:
    make_ready(world)
    node, key = running_key(world)
    node.end(key, -9)
    world.deliver_all()
    assert Replica.objects.get(epoch=1).state == "failed"
    assert replica_of().epoch == 2
    assert "its last words" in Replica.objects.get(epoch=1).message
    world.settle(3)
    assert api.launch_info("m").state == "ready"


def test_never_ready_backs_off_then_gives_up_with_the_reason(world: World, hints: Hints) -> None:
    launch()
    starts: list[float] = []
    began = world.clock.now
    for _ in range(20):
        world.pass_time(1)
        for node in world.nodes.values():
            for key in node.running:
                starts.append(world.clock.now - began)
                node.end(key, 1)
    world.deliver_all()
    assert len(starts) == 3
    info = api.launch_info("m")
    assert info.state == "failed"
    assert "its last words" in info.reason
    [failed] = [values for kind, values in hints if kind == "launch_failed"]
    assert failed["uid"] == "m"
    assert "its last words" in failed["reason"]
    model = served()
    assert model is not None
    assert (model.state, model.reason) == ("failed", info.reason)


def fail_for_good(world: World) -> None:
    for _ in range(12):
        world.pass_time(1)
        for node in world.nodes.values():
            for key in node.running:
                node.end(key, 1)
    world.deliver_all()
    assert api.launch_info("m").state == "failed"


def test_after_giving_up_a_call_tries_once_more_every_ten_seconds(world: World) -> None:
    launch()
    fail_for_good(world)
    failed_at = Launch.objects.get().failed_at
    assert failed_at is not None
    world.clock.now = failed_at.timestamp() + 9
    api.wake("m")
    assert api.launch_info("m").state == "failed"
    world.clock.now = failed_at.timestamp() + 11
    api.wake("m")
    api.wake("m")
    assert len(world.sender.take(TASK_START_REPLICA)) == 1
    assert api.launch_info("m").state == "starting"
    world.pass_time(5)
    for node, key in [(n, k) for n in world.nodes.values() for k in n.running]:
        node.end(key, 1)
    world.deliver_all()
    assert api.launch_info("m").state == "failed"


def test_after_giving_up_a_launch_with_other_values_is_taken(world: World) -> None:
    launch()
    fail_for_good(world)
    launch(options={"better": True})
    world.settle(3)
    info = api.launch_info("m")
    assert (info.state, info.options) == ("ready", {"better": True})


def test_silent_node_loses_its_replicas_and_the_old_epoch_is_fenced(world: World) -> None:
    make_ready(world)
    node, key = running_key(world)
    node.alive = False  # cut off: its process goes on
    world.pass_time(8)
    assert Replica.objects.get(epoch=1).state == "ready"
    world.pass_time(6)
    assert Replica.objects.get(epoch=1).state == "lost"
    assert Node.objects.get(name=node.name).state == "silent"
    world.settle(4)
    assert api.launch_info("m").state == "ready"
    assert replica_of().node != node.name

    node.alive = True
    world.settle(3)
    assert Node.objects.get(name=node.name).state == "up"
    assert key not in world.running()
    assert len(world.running()) == 1
    assert Replica.objects.get(epoch=1).state == "lost"


def test_after_an_outage_of_the_broker_nobody_is_lost(world: World) -> None:
    make_ready(world)
    world.clock.now += 300  # neither heartbeats nor rounds
    world.pass_time(20)
    assert replica_of().epoch == 1
    assert replica_of().state == "ready"


def test_a_restarted_machine_gets_its_replicas_again(world: World) -> None:
    make_ready(world)
    node, _ = running_key(world)
    node.lose_power()
    node.alive = True
    world.pass_time(1)
    assert Replica.objects.get(epoch=1).state == "lost"
    assert replica_of().epoch == 2


def test_waits_for_a_node_and_starts_when_one_comes(
    clean_database: None, clock: Any, sender: Any, hints: Hints
) -> None:
    world = World(clock, sender, "n1")
    waiting = launch()
    assert waiting.reason == "No node is up to run it."
    assert waiting.reason_told == {"code": "no_node_up", "params": {}}
    world.nodes["n1"].beat()
    world.deliver_all()
    assert len(world.running()) == 1
    assert api.launch_info("m").reason == ""


def test_lost_orders_are_repeated(world: World) -> None:
    launch()
    world.sender.take(TASK_START_REPLICA)
    world.pass_time(5)
    assert len(world.running()) == 1
    world.settle(3)
    api.terminate("m")
    world.sender.take(TASK_STOP_REPLICA)
    world.settle(8)
    assert world.running() == []
    assert replica_of().state == "stopped"


def test_lost_reports_are_caught_up_by_heartbeats(world: World) -> None:
    launch()
    world.deliver(world.sender.take(TASK_START_REPLICA)[0])
    world.sender.take(TASK_OBSERVE)
    world.pass_time(1)
    assert replica_of().state == "starting"
    node, key = running_key(world)
    node.end(key, 1)
    world.sender.take(TASK_OBSERVE)
    world.pass_time(1)
    assert replica_of().state in ("failed", "scheduled")
    assert Replica.objects.get(epoch=1).state == "failed"


def test_doubled_messages_are_harmless(world: World) -> None:
    launch()
    for _ in range(3):
        messages, world.sender.sent = world.sender.sent, []
        for message in messages:
            world.deliver(message)
            world.deliver(message)
        for node in world.nodes.values():
            for key in node.running:
                node.step(key)
    world.deliver_all()
    assert Replica.objects.count() == 1
    assert replica_of().state == "ready"
    assert Event.objects.filter(after="ready").count() == 1


def test_late_reports_change_nothing(world: World) -> None:
    launch()
    world.deliver_all()
    node, key = running_key(world)
    node.step(key)
    [loading] = world.sender.take(TASK_OBSERVE)
    node.step(key)
    world.deliver_all()
    assert replica_of().state == "ready"
    world.deliver(loading)
    assert replica_of().state == "ready"


def test_an_engine_may_be_replaced_within_its_replica(world: World) -> None:
    make_ready(world)
    node, key = running_key(world)
    node.processes[key].state = "starting"
    node.step(key)
    world.deliver_all()
    assert replica_of().state == "loading"
    assert api.launch_info("m").state == "starting"
    node.step(key)
    world.deliver_all()
    assert replica_of().state == "ready"


def test_reports_of_unknown_or_old_epochs_are_ignored(world: World) -> None:
    make_ready(world)
    replica = replica_of()
    report = {"source": "replica", "replica_id": str(replica.pk), "epoch": 1, "state": "failed"}
    for change in (
        {"epoch": 0},
        {"epoch": 2},
        {"replica_id": "00000000-0000-0000-0000-000000000000"},
        {"replica_id": "nonsense"},
        {"state": "flying"},
        {"source": "stranger"},
    ):
        world.deliver(Message(TASK_OBSERVE, CONTROL, ({**report, **change},)))
    world.deliver(Message(TASK_OBSERVE, CONTROL, ({"no": "sense"},)))
    world.deliver(Message(TASK_HEARTBEAT, CONTROL, ({"no": "sense"},)))
    world.deliver(Message(TASK_WAKE, CONTROL, ("nobody",)))
    assert replica_of().state == "ready"


def test_a_replica_that_ends_itself_is_replaced(world: World) -> None:
    make_ready(world)
    node, key = running_key(world)
    node.end(key, 0)
    world.settle(3)
    assert Replica.objects.get(epoch=1).state == "stopped"
    assert replica_of().state == "ready"


def test_an_end_before_being_ready_counts_as_a_failure(world: World) -> None:
    launch()
    world.deliver_all()
    node, key = running_key(world)
    node.end(key, 0)
    world.deliver_all()
    assert replica_of().state == "failed"
    assert Launch.objects.get().failures == 1


def test_no_progress_of_the_load_is_a_failure(world: World) -> None:
    launch()
    world.pass_time(595, step=5)
    assert replica_of().state == "starting"
    world.pass_time(10, step=5)
    first = Replica.objects.get(epoch=1)
    assert first.state == "failed"
    assert "no progress" in first.message


def test_progress_is_shown_and_keeps_a_long_load_alive(world: World, hints: Hints) -> None:
    launch()
    world.deliver_all()
    _, key = running_key(world)
    for tenth in (1, 4, 7, 10):
        world.pass_time(300, step=5)
        report = {
            "source": "replica", "replica_id": key[0], "epoch": 1, "state": "loading",
            "progress": tenth / 20, "message": "reading weights", "time": world.clock.now,
        }  # fmt: skip
        world.deliver(Message(TASK_OBSERVE, CONTROL, (report,)))
        model = served()
        assert model is not None
        assert (model.state, model.progress) == ("starting", tenth / 20)
        assert model.message == "reading weights"
    before = len(hints)
    world.deliver(Message(TASK_OBSERVE, CONTROL, (report,)))
    assert len(hints) == before, "a repetition tells nothing"


class TestBuiltIn:
    @pytest.fixture(autouse=True)
    def demo(self, world: World) -> None:
        api.set_built_in(True)

    def test_is_served_stopped_and_starts_when_it_is_called(self, world: World) -> None:
        model = served("demo")
        assert model is not None
        assert (model.state, model.abilities) == ("stopped", ("chat", "completion"))
        world.deliver(Message(TASK_WAKE, CONTROL, ("demo",)))
        world.deliver(Message(TASK_WAKE, CONTROL, ("demo",)))
        world.settle(3)
        assert Replica.objects.count() == 1
        assert api.launch_info("demo").state == "ready"

    def test_starts_again_after_it_was_terminated(self, world: World) -> None:
        api.wake("demo")
        world.settle(3)
        api.terminate("demo")
        model = served("demo")
        assert model is not None
        assert model.state == "stopped"
        # What the engine told is remembered.
        assert model.context_length == 128
        api.wake("demo")
        world.settle(3)
        assert replica_of("demo").epoch == 2

    def test_registering_again_changes_nothing(self, hints: Hints) -> None:
        hints.clear()
        api.set_built_in(True)
        assert hints == []

    def test_can_be_switched_off(self, world: World) -> None:
        api.wake("demo")
        world.settle(3)
        api.set_built_in(False)
        assert api.served_models() == []
        world.settle(3)
        assert world.running() == []


def test_a_terminated_launch_does_not_wake(world: World) -> None:
    make_ready(world)
    api.terminate("m")
    api.wake("m")
    assert api.launch_info("m").state == "stopped"


def test_relaunch_replaces_the_replicas(world: World) -> None:
    make_ready(world)
    api.relaunch("m", "tester")
    world.settle(4)
    assert [r.state for r in Replica.objects.order_by("epoch")] == ["stopped", "ready"]
    assert len(world.running()) == 1


def test_nodes(world: World) -> None:
    make_ready(world)
    names = {node.name: (node.state, node.replicas) for node in api.nodes()}
    assert names == {"n1": ("up", 1), "n2": ("up", 0)}


def test_owner_of_an_arrow(world: World) -> None:
    """A replica cannot say what only its node or the control plane can."""
    launch()
    replica = replica_of()
    report = {"source": "replica", "replica_id": str(replica.pk), "epoch": 1, "state": "starting"}
    world.deliver(Message(TASK_OBSERVE, CONTROL, (report,)))
    assert replica_of().state == ReplicaState.SCHEDULED


def test_a_heartbeat_tells_too_that_another_try_is_useless(world: World) -> None:
    """The report of it may be lost, or come after the heartbeat."""
    launch()
    replica = replica_of()
    refused = Listed(
        str(replica.pk), replica.epoch, running=False, reason="the repository is gated", final=True
    )
    beat = Heartbeat(node="n1", time=world.clock.now, replicas=[refused])
    tasks.hear_node(msgspec.to_builtins(beat))
    info = api.launch_info("m")
    assert (info.state, info.reason) == ("failed", "the repository is gated")
    assert Replica.objects.count() == 1
