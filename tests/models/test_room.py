"""Models on accelerators: what fits, what waits, and who gives way."""

from __future__ import annotations

from typing import Any

import pytest

from apps.models import api, transitions
from apps.models.control import keeper, starting
from apps.models.models import Event, Launch, Replica
from tests.models.world import World, an_order
from xplatform.core.errors import DoesNotFit

G = 1024**3


@pytest.fixture
def world(world: World) -> World:
    """One node with two accelerators of 80 GiB, one with one of 40."""
    world.equip("n1", 80, 80, a=50, b=50, c=50, big=70, small=20)
    world.equip("n2", 40, a=50, b=50, c=50, big=70, small=20)
    world.pass_time(4)
    return world


def launch(world: World, uid: str, gib: int, **values: Any) -> api.LaunchInfo:
    estimate = {"device": gib * G, "host": G}
    placement = values.pop("placement", api.Placement(count=1))
    return api.launch(an_order(uid, estimate=estimate, placement=placement, **values))


def where(uid: str) -> tuple[str, tuple[str, ...]]:
    [replica] = [r for r in api.launch_info(uid).replicas if r.state == "ready"]
    return replica.node, replica.devices


def test_each_gets_its_own_memory(world: World) -> None:
    launch(world, "a", 50)
    launch(world, "b", 50)
    launch(world, "small", 20)
    world.settle(4)
    assert {where("a"), where("b")} == {("n1", ("cuda:0",)), ("n1", ("cuda:1",))}
    assert where("small") in {("n1", ("cuda:0",)), ("n1", ("cuda:1",))}  # the smallest hole
    world.pass_time(10)
    assert Replica.objects.filter(state="ready").count() == 3


def test_where_memory_is_not_the_reason_nobody_is_told_to_save_it(world: World) -> None:
    with pytest.raises(DoesNotFit, match="not one of the nodes asked for") as caught:
        launch(world, "a", 1, placement=api.Placement(nodes=("n9",)))
    assert "quantization" not in caught.value.message
    assert "`launch_anyway`" not in caught.value.message
    assert "`placement`" in caught.value.message


def test_refused_with_the_numbers(world: World) -> None:
    launch(world, "a", 50)
    launch(world, "b", 50)
    with pytest.raises(DoesNotFit) as caught:
        launch(world, "c", 50)
    text = caught.value.message
    assert "node n1 has free: cuda:0 30.0 GiB, cuda:1 30.0 GiB, and it needs 50.0 GiB" in text
    assert "node n2 has free: cuda:0 40.0 GiB" in text
    assert "One replica is expected to take 51.0 GiB" in text
    assert caught.value.data["estimate"]["device"] == 50 * G
    assert caught.value.status == 409
    assert "`launch_anyway`" in text
    assert not Launch.objects.filter(model__uid="c").exists(), "nothing of it is left"
    launch(world, "c", 50, launch_anyway=True)
    world.settle(4)
    assert where("c") == ("n2", ("cuda:0",))


def test_not_all_replicas_fit(world: World) -> None:
    with pytest.raises(DoesNotFit):
        launch(world, "a", 50, min_replicas=3, max_replicas=3)
    assert not Replica.objects.exists()


def test_a_device_that_is_not_there(world: World) -> None:
    with pytest.raises(DoesNotFit, match=r"has no device cuda:7 \(it has cpu, cuda:0, cuda:1\)"):
        launch(world, "a", 5, placement=api.Placement(devices=("cuda:7",)))


def test_auto_goes_to_the_processor_when_no_accelerator_is_left(world: World) -> None:
    launch(world, "a", 50)
    launch(world, "b", 50)
    launch(world, "big", 60, placement=api.Placement())
    assert api.launch_info("big").replicas[0].devices == ()
    with pytest.raises(DoesNotFit, match=r"on the processor: has 3\.0 GiB"):
        launch(world, "c", 200, placement=api.Placement())


def test_after_a_loss_it_waits_and_starts_when_there_is_room(world: World) -> None:
    launch(world, "a", 50)
    launch(world, "b", 50)
    world.settle(4)
    world.nodes["n1"].lose_power()
    world.pass_time(16)
    info = api.launch_info("a")
    assert info.state == "starting"
    assert "node n2 has free: cuda:0 40.0 GiB" in info.reason
    world.nodes["n1"].alive = True
    world.settle(6)
    assert [api.launch_info(uid).state for uid in "ab"] == ["ready", "ready"]
    assert api.launch_info("a").reason == ""


def test_strangers_memory_is_not_given_out(world: World) -> None:
    world.nodes["n1"].used = lambda device: 60 * G  # type: ignore[method-assign]
    world.pass_time(4)
    with pytest.raises(DoesNotFit):
        launch(world, "a", 50)


class TestGivingWay:
    def fill(self, world: World, **values: Any) -> None:
        for uid in "ab":
            launch(world, uid, 50, **values)
        world.settle(4)
        world.pass_time(10)

    def test_the_one_that_was_called_longest_ago(self, world: World) -> None:
        self.fill(world, min_replicas=0, idle_seconds=600.0, prewarm=True)
        world.ask(b=(1, 0, 0))
        world.ask(b=(0, 0, 0))
        world.pass_time(20)
        info = launch(world, "c", 50)
        assert info.reason == "Waits for room: a gives way."
        world.settle(6)
        assert [api.launch_info(uid).state for uid in "abc"] == ["stopped", "ready", "ready"]
        assert Event.objects.filter(uid="a", after="pushed out", why="made room for c").exists()
        assert api.launch_info("c").reason == ""

    def test_comes_back_when_it_is_called(self, world: World) -> None:
        self.fill(world, idle_seconds=600.0)  # with a lower bound of one
        launch(world, "c", 50, min_replicas=0, prewarm=True, idle_seconds=30.0)
        world.settle(60)
        # Pushed out below its bound, it does not push itself back in …
        states = {uid: api.launch_info(uid).state for uid in "abc"}
        assert sorted(states.values()) == ["ready", "stopped", "stopped"], states
        # … until it is called.
        gone = "a" if states["a"] == "stopped" else "b"
        api.wake(gone)
        world.settle(4)
        assert api.launch_info(gone).state == "ready"

    def test_who_does_not(self, world: World) -> None:
        """Busy, pinned, and what is to run at all times."""
        launch(world, "a", 50, min_replicas=0, prewarm=True, pinned=True)
        launch(world, "b", 50)
        launch(world, "small", 35, min_replicas=0, prewarm=True)
        world.settle(4)
        world.pass_time(10)
        world.ask(small=(1, 0, 0))
        with pytest.raises(DoesNotFit):
            launch(world, "c", 50)
        with pytest.raises(DoesNotFit):
            launch(world, "c", 38)
        world.ask(small=(0, 0, 0))
        world.pass_time(10)
        assert launch(world, "c", 38).reason == "Waits for room: small gives way."

    def test_not_when_it_would_not_help(self, world: World) -> None:
        self.fill(world, min_replicas=0, prewarm=True)
        with pytest.raises(DoesNotFit):
            launch(world, "c", 90)
        world.settle(5)
        assert [api.launch_info(uid).state for uid in "ab"] == ["ready", "ready"]

    def test_called_meanwhile_it_stays(self, world: World, monkeypatch: Any) -> None:
        from apps.models.control import keeper

        self.fill(world, min_replicas=0, prewarm=True)
        real = keeper.push_out

        def called_first(item: Any, for_uid: str) -> None:
            world.ask(**{item.uid: (1, 0, 0.0)})
            real(item, for_uid)

        monkeypatch.setattr(keeper, "push_out", called_first)
        launch(world, "c", 50)
        world.pass_time(2)
        assert [api.launch_info(uid).state for uid in "ab"] == ["ready", "ready"]
        assert "made room" not in " ".join(Event.objects.values_list("why", flat=True))


def test_a_pass_of_many_transactions_sees_what_others_take_in_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nodes are read once for all of them, and again when somebody else gave out a place."""
    reads: list[int] = []
    read = starting.rooms
    monkeypatch.setattr(starting, "rooms", lambda: reads.append(1) or read())
    monkeypatch.setattr(keeper, "_BATCH", 1)
    for uid in "abc":
        launch(world, uid, 50, placement=api.Placement())
    Replica.objects.all().delete()

    last = Launch.objects.order_by("pk").last()
    assert last is not None
    lock = transitions.lock_all
    reads.clear()

    def lock_all(pks: list[int]) -> list[Launch]:
        if reads == [1]:
            # Somebody else, between the first transaction of the pass and the second.
            keeper.keep(last.model.uid)
        return lock(pks)

    monkeypatch.setattr(transitions, "lock_all", lock_all)
    keeper.keep_unsettled()
    assert len(reads) == 3, "the pass's own, the other's, and once more after it"
    places = Replica.objects.values_list("node", "devices__0")
    assert len(set(places)) == len(places) == 3, "nobody was given what another has"
