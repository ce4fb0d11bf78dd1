"""How many replicas, where, by whose wish, and by what is asked of them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.models import api
from apps.models.control import effects
from apps.models.models import Event, Launch, MemorySample, Replica
from apps.models.nodes import actions as nodes
from tests.models.world import World, an_order
from tests.support.server import wait_for
from xplatform.core.errors import Conflict, DoesNotFit, InvalidValue, NotFound
from xplatform.core.queues import TASK_SET_ADAPTERS
from xplatform.files import Source


def ready(world: World, number: int = 1, **values: Any) -> api.LaunchInfo:
    api.launch(an_order(min_replicas=number, max_replicas=number, **values))
    world.settle(4)
    info = api.launch_info("m")
    assert [r.state for r in info.replicas] == ["ready"] * number
    return info


def serving() -> list[tuple[int, str]]:
    rows = Replica.objects.filter(state="ready").order_by("epoch")
    return list(rows.values_list("epoch", "node"))


class TestByWish:
    def test_several_are_spread(self, world: World) -> None:
        ready(world, 4)
        assert sorted(node for _, node in serving()) == ["n1", "n1", "n2", "n2"]

    def test_scale(self, world: World) -> None:
        ready(world)
        info = api.scale("m", 3, 5, "ann")
        assert (info.min_replicas, info.max_replicas, info.wanted) == (3, 5, 3)
        world.settle(4)
        assert len(serving()) == 3
        api.scale("m", 1, 1, "ann")
        world.settle(4)
        assert len(serving()) == 1
        event = Event.objects.filter(uid="m", who="ann", why__startswith="scaled").first()
        assert event is not None
        assert event.why == "scaled: 1 to 1 replicas, 1 now"
        assert event.why_told == {
            "code": "bounds_set",
            "params": {
                "why": {"code": "was_scaled", "params": {}},
                "least": 1,
                "most": 1,
                "now": 1,
            },
        }
        for least, most in ((3, 2), (-1, 2), (0, 0), (1, 10**6)):
            with pytest.raises(InvalidValue):
                api.scale("m", least, most)
        with pytest.raises(NotFound):
            api.scale("none", 1, 1)

    def test_add(self, world: World) -> None:
        ready(world)
        info = api.add_replicas("m", 2, by="ann")
        assert (info.min_replicas, info.max_replicas, info.wanted) == (3, 3, 3)
        world.settle(4)
        assert len(serving()) == 3

    def test_what_was_added_is_not_taken_away_at_once(self, world: World) -> None:
        ready(world)
        api.scale("m", 0, 3)
        world.pass_time(120)
        api.add_replicas("m", 1)
        world.settle(6)
        assert len(serving()) == 2
        world.pass_time(120)
        world.settle(4)
        assert len(serving()) == 1, "the load decides in the end"

    def test_anew_are_as_many_as_before(self, world: World) -> None:
        api.launch(an_order(min_replicas=0, max_replicas=3, idle_seconds=60.0))
        api.wake("m")
        world.settle(4)
        [first] = serving()
        api.relaunch("m", "ann")
        world.settle(6)
        [second] = serving()
        assert second[0] > first[0]
        world.pass_time(120)
        api.relaunch("m", "ann")
        world.settle(4)
        assert serving() == [], "it was idle, and stays so until it is called"

    def test_add_there(self, world: World) -> None:
        [(_, node)] = [(r.id, r.node) for r in ready(world).replicas]
        api.add_replicas("m", 1, api.Placement(nodes=(node,)))
        world.settle(4)
        assert [name for _, name in serving()] == [node, node]
        with pytest.raises(DoesNotFit, match="not one of the nodes asked for"):
            api.add_replicas("m", 1, api.Placement(nodes=("n9",)))
        assert api.launch_info("m").wanted == 2
        api.terminate("m")
        with pytest.raises(Conflict, match="does not run"):
            api.add_replicas("m", 1)

    def test_remove(self, world: World) -> None:
        info = ready(world, 2)
        first = info.replicas[0]
        info = api.remove_replica("m", first.id, "ann")
        assert (info.min_replicas, info.max_replicas, info.wanted) == (1, 1, 1)
        world.settle(4)
        assert [epoch for epoch, _ in serving()] == [info.replicas[1].epoch]
        with pytest.raises(Conflict, match="stopped already"):
            api.remove_replica("m", first.id)
        with pytest.raises(Conflict, match="only replica"):
            api.remove_replica("m", info.replicas[1].id)
        for wrong in ("nonsense", "00000000-0000-0000-0000-000000000000"):
            with pytest.raises(NotFound):
                api.remove_replica("m", wrong)

    def test_move(self, world: World) -> None:
        """The new one is ready before the old one goes."""
        [old] = ready(world).replicas
        api.move_replica("m", old.id, by="ann")
        counts = []
        for _ in range(5):
            for node in world.nodes.values():
                for key in node.running:
                    node.step(key)
            world.pass_time(1)
            counts.append(len(serving()))
        assert min(counts) == 1
        [(epoch, node)] = serving()
        assert epoch == old.epoch + 1
        assert node != old.node
        assert Replica.objects.get(pk=old.id).state == "stopped"
        assert len(world.running()) == 1
        assert Event.objects.get(replica=old.id, after="leaving").who == "ann"

    def test_move_to_a_node(self, world: World) -> None:
        [old] = ready(world).replicas
        with pytest.raises(InvalidValue, match="there are: n1, n2"):
            api.move_replica("m", old.id, "n9")
        api.move_replica("m", old.id, old.node)
        api.move_replica("m", old.id, old.node)  # twice is once
        world.settle(6)
        assert serving() == [(old.epoch + 1, old.node)]

    def test_nowhere_to_move(self, world: World) -> None:
        [old] = ready(world).replicas
        other = "n2" if old.node == "n1" else "n1"
        nodes.cordon(other)
        with pytest.raises(DoesNotFit, match=f"node {other} is cordoned"):
            api.move_replica("m", old.id)
        with pytest.raises(DoesNotFit):
            api.move_replica("m", old.id, other)
        assert Replica.objects.get().leaving == ""

    def test_drain_of_a_node(self, world: World) -> None:
        ready(world, 2)
        nodes.drain("n1", "ann")
        assert len(serving()) == 2
        for _ in range(6):
            for node in world.nodes.values():
                for key in node.running:
                    node.step(key)
            world.pass_time(1)
            assert len(serving()) >= 2
        assert {node for _, node in serving()} == {"n2"}
        assert world.nodes["n1"].running == []

    def test_cancel(self, world: World) -> None:
        api.launch(an_order())
        world.pass_time(1)
        assert api.cancel("m", "ann").state == "stopped"
        world.settle(3)
        assert world.running() == []
        assert Event.objects.filter(uid="m", who="ann", why="cancelled").exists()
        api.launch(an_order())
        world.settle(3)
        with pytest.raises(Conflict, match="ready already"):
            api.cancel("m")

    def test_relaunch_with_another_order(self, world: World) -> None:
        ready(world)
        api.relaunch("m", "ann", an_order("ignored", slots=9, min_replicas=2, max_replicas=2))
        world.settle(5)
        info = api.launch_info("m")
        assert (info.wanted, len(serving())) == (2, 2)
        assert Launch.objects.get().model.slots == 9
        api.set_built_in(True)
        with pytest.raises(Conflict, match="built in"):
            api.relaunch("demo", "ann", an_order("demo"))

    def test_adapters(self, world: World, monkeypatch: Any) -> None:
        told: list[tuple[int, list[str]]] = []
        monkeypatch.setattr(
            effects,
            "tell_replica",
            lambda id, epoch, kind, values: told.append(
                (epoch, [adapter["name"] for adapter in values["adapters"]])
            ),
        )
        ready(world, 2)
        info = api.set_adapters("m", [api.Adapter(name="poet", path="/a")], "ann", unsafe=True)
        assert sorted(told) == [(1, ["poet"]), (2, ["poet"])]
        assert info.adapters[0]["path"] == "/a"
        assert api.served_models()[0].adapters == ("poet",)
        with pytest.raises(InvalidValue, match="twice"):
            api.set_adapters("m", [api.Adapter(name="x", path="/a")] * 2)
        with pytest.raises(InvalidValue, match="no path"):
            api.set_adapters("m", [api.Adapter(name="x")])
        # A replica that says it has others is told again.
        told.clear()
        node, key = next((n, k) for n in world.nodes.values() for k in n.running)
        node._report(key, "ready", source="replica", info={"slots": 4, "adapters": []})
        world.deliver_all()
        assert told == [(key[1], ["poet"])]
        told.clear()
        node._report(key, "ready", source="replica", info={"slots": 4, "adapters": ["poet"]})
        world.deliver_all()
        assert told == []
        # What has to be fetched goes by way of the node.
        lora = api.Adapter(name="lora", source=Source("huggingface", "acme/lora"))
        # The path may stay, whoever adds to it.
        api.set_adapters("m", [api.Adapter(name="poet", path="/a"), lora], "ann")
        sent = world.sender.take(TASK_SET_ADAPTERS)
        assert sorted(message.queue for message in sent) == ["node.n1", "node.n2"]
        _, _, [first, second] = sent[0].args
        assert (first["path"], second["source"]["id"]) == ("/a", "acme/lora")
        assert told == []
        node._report(key, "ready", source="replica", info={"slots": 4, "adapters": ["poet"]})
        while world.sender.sent:
            message = world.sender.sent.pop(0)
            if message.task == TASK_SET_ADAPTERS:
                break
            world.deliver(message)
        assert (message.task, message.args[1]) == (TASK_SET_ADAPTERS, key[1])


class TestByDemand:
    def test_up_and_down(self, world: World) -> None:
        api.launch(an_order(min_replicas=1, max_replicas=3, slots=4))
        world.settle(4)
        world.ask(m=(4, 9, 1.0))
        assert api.launch_info("m").wanted == 2
        world.ask(m=(4, 9, 1.0))
        assert api.launch_info("m").wanted == 2, "not before those are ready"
        world.settle(4)
        for _ in range(4):
            world.ask(m=(8, 20, 3.0))
            world.settle(2)
        assert len(serving()) == 3
        why = Event.objects.filter(after="scaled").latest("id").why
        assert why == "20 requests wait, the first for 3.0 s: 3 instead of 2"
        for _ in range(30):
            world.ask(m=(1, 0, 0))
            world.pass_time(5, step=5)
        world.settle(3)
        assert len(serving()) == 1

    def test_to_zero_and_back(self, world: World) -> None:
        info = api.launch(an_order(min_replicas=0, idle_seconds=30.0))
        assert (info.state, info.wanted) == ("stopped", 0)
        world.settle(3)
        assert world.running() == []
        api.wake("m")
        world.settle(4)
        assert len(serving()) == 1
        for _ in range(15):
            world.ask(m=(1, 0, 0))
            world.pass_time(4, step=2)
        assert len(serving()) == 1
        world.ask(m=(0, 0, 0))
        world.settle(24)
        assert len(serving()) == 1
        world.settle(6)
        assert serving() == []
        assert api.launch_info("m").state == "stopped"
        event = Event.objects.filter(after="scaled").latest("id")
        assert event.why == "not called for 30 seconds: 0 instead of 1"
        # A waiting request alone is enough, should the call to wake it get lost.
        world.ask(m=(0, 1, 0.5))
        world.settle(4)
        assert len(serving()) == 1

    def test_an_outage_is_not_taken_for_silence(self, world: World) -> None:
        api.launch(an_order(min_replicas=0, idle_seconds=30.0, prewarm=True))
        world.settle(4)
        world.clock.now += 300  # nobody could be heard
        world.pass_time(10)
        assert len(serving()) == 1
        world.settle(40)
        assert serving() == []

    def test_a_load_that_takes_longer_than_its_idle_time(self, world: World) -> None:
        api.launch(an_order(min_replicas=0, idle_seconds=10.0, prewarm=True))
        world.pass_time(30)
        assert api.launch_info("m").wanted == 1
        world.settle(4)
        assert len(serving()) == 1
        world.settle(20)
        assert serving() == []

    def test_given_up_then_idle_then_called(self, world: World) -> None:
        api.launch(an_order(min_replicas=0, idle_seconds=30.0))
        api.wake("m")
        for _ in range(12):
            world.pass_time(1)
            for node in world.nodes.values():
                for key in node.running:
                    node.end(key, 1)
        world.deliver_all()
        assert api.launch_info("m").state == "failed"
        world.pass_time(40)
        assert api.launch_info("m").wanted == 0
        api.wake("m")
        world.settle(4)
        assert len(serving()) == 1

    def test_prewarmed_with_the_server(self, world: World) -> None:
        api.launch(an_order(min_replicas=0, idle_seconds=10.0, prewarm=True))
        world.settle(30)
        assert serving() == []
        api.start_prewarmed()
        world.settle(4)
        assert len(serving()) == 1

    def test_how_long_it_takes_is_known(self, world: World) -> None:
        ready(world)
        seconds = api.launch_info("m").start_seconds
        assert seconds is not None
        assert 1 < seconds < 5
        assert api.served_models()[0].start_seconds == seconds

    def test_two_web_processes_add_up_and_one_that_died_is_forgotten(self, world: World) -> None:
        api.launch(an_order(min_replicas=1, max_replicas=4, slots=4))
        world.settle(4)
        world.ask("w1", m=(2, 3, 0.5))
        assert api.launch_info("m").wanted == 1
        world.ask("w2", m=(2, 3, 0.5))
        assert api.launch_info("m").wanted == 2
        world.settle(10)  # neither is heard any more
        world.ask("w1", m=(4, 3, 0.5))
        assert api.launch_info("m").wanted == 2

    def test_senseless_and_late_reports(self, world: World) -> None:
        from apps.models.control import demand

        ready(world)
        for raw in (
            {"no": "sense"},
            {"web": "w", "models": {"m": {"running": "many"}}},
            {"web": "w", "models": {"unknown": {"running": 1}}},
            {"web": "w", "models": {"m": {"waiting": 99}}, "time": world.clock.now - 60},
        ):
            demand.hear(raw)
        assert api.launch_info("m").wanted == 1


def test_events_are_read_on_from_the_last_one(world: World) -> None:
    [replica] = ready(world).replicas
    # On PostgreSQL events are held back for a moment, lest one with a lower id follow.
    wait_for(lambda: api.last_event() == Event.objects.latest("id").pk, "all events to be settled")
    every = api.events()
    assert [e.id for e in every] == sorted(e.id for e in every)
    assert every[-1].id == api.last_event()
    assert api.events(every[2].id, limit=2) == every[3:5]
    mine = api.events(replica=replica.id)
    assert [e.after for e in mine] == ["scheduled", "starting", "loading", "ready"]
    assert {e.node for e in mine} == {replica.node}
    assert {e.uid for e in api.events(node=replica.node)} == {"", "m"}
    assert api.events(uid="none") == []


class TestMemory:
    """Estimates learn from what replicas take."""

    @pytest.fixture(autouse=True)
    def _model(self, world: World) -> None:
        estimate = {"device": 0, "host": 1000, "key": "fake/x", "correction": 0.8}
        api.launch(an_order(estimate=estimate))
        world.settle(4)

    def measure(self, world: World, memory: int) -> None:
        [node] = [n for n in world.nodes.values() if n.running]
        node.memory = memory
        world.pass_time(2)

    def samples(self) -> list[tuple[str, float, int]]:
        rows = MemorySample.objects.values_list("key", "ratio", "count")
        return [(key, round(ratio, 3), count) for key, ratio, count in rows]

    def test_too_little_is_learned_at_once(self, world: World) -> None:
        self.measure(world, 1500)
        assert api.launch_info("m").replicas[0].memory_peak == 1500
        # Without the correction 1,250 were estimated.
        assert self.samples() == [("fake/x", 1.2, 1)]
        self.measure(world, 900)
        assert api.launch_info("m").replicas[0].memory_peak == 1500
        assert self.samples() == [("fake/x", 1.2, 1)]

    def test_too_much_is_learned_at_the_end(self, world: World) -> None:
        self.measure(world, 700)
        assert self.samples() == []
        world.pass_time(400, step=5)
        api.terminate("m")
        world.settle(3)
        assert self.samples() == [("fake/x", 0.6, 1)]

    def test_a_short_life_proves_nothing(self, world: World) -> None:
        self.measure(world, 700)
        api.terminate("m")
        world.settle(3)
        assert self.samples() == []
