"""Where replicas go, and what makes room for them, as pure functions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.models.control.making_room import Idle, make_room
from apps.models.control.placement import Need, Place, Refusal, Room, Slot, place, size
from apps.models.orders import Placement

G = 1024**3


def gpu(index: int, free: int, total: int = 80, owners: int = 0, kind: str = "cuda") -> Slot:
    return Slot(f"{kind}:{index}", kind, total * G, free * G, owners)


def cpu(free: int = 64) -> Slot:
    return Slot("cpu", "cpu", 64 * G, free * G)


def room(name: str, *slots: Slot, **values: Any) -> Room:
    return Room(name, slots=[cpu(), *slots], **values)


def need(device: int | None = 0, **values: Any) -> Need:
    wish = Placement(**{k: values.pop(k) for k in list(values) if k in Placement.__struct_fields__})
    memory = None if device is None else device * G
    return Need(wish=wish, device=memory, engine="vllm", **values)


def where(need: Need, *rooms: Room, own: dict[str, int] | None = None) -> Place:
    found = place(need, rooms, own or {})
    assert isinstance(found, Place), found
    return found


def why(need: Need, *rooms: Room) -> str:
    found = place(need, rooms, {})
    assert isinstance(found, Refusal), found
    return str(found.reason)


class TestChoice:
    def test_an_accelerator_goes_before_the_processor(self) -> None:
        found = where(need(10), room("a"), room("b", gpu(0, 80)))
        assert found == Place("b", ("cuda:0",), 10 * G, 0)

    def test_else_the_processor(self) -> None:
        found = where(need(10, host_alone=12 * G), room("a", gpu(0, 5)))
        assert found == Place("a", (), 12 * G)

    def test_best_fit_leaves_large_holes(self) -> None:
        found = where(need(10), room("a", gpu(0, 80), gpu(1, 12)), room("b", gpu(0, 20)))
        assert (found.node, found.devices) == ("a", ("cuda:1",))

    def test_replicas_of_one_launch_are_spread(self) -> None:
        rooms = [room("a", gpu(0, 12)), room("b", gpu(0, 80))]
        assert where(need(10), *rooms).node == "a"
        assert where(need(10), *rooms, own={"a": 1}).node == "b"

    def test_files_then_engine_then_fit(self) -> None:
        mine = need(10, source=("huggingface", "o/m"))
        plain = room("a", gpu(0, 11))
        ready = room("b", gpu(0, 80), engines=frozenset({"vllm"}))
        has = room("c", gpu(0, 80), cached=frozenset({("huggingface", "o/m")}))
        assert where(mine, plain, ready, has).node == "c"
        assert where(mine, plain, ready).node == "b"
        assert where(mine, plain).node == "a"

    def test_processors_share_evenly(self) -> None:
        assert where(need(count=None), room("a", load=2), room("b", load=1)).node == "b"

    def test_several_devices_of_one_kind(self) -> None:
        mixed = room("a", gpu(0, 80), gpu(0, 80, kind="rocm"))
        two = room("b", gpu(0, 80), gpu(1, 50), gpu(2, 30))
        found = where(need(60, count=2), mixed, two)
        assert found == Place("b", ("cuda:1", "cuda:2"), 60 * G, 0)
        assert "1 accelerators" in why(need(60, count=2), mixed)

    def test_devices_that_are_named(self) -> None:
        both = room("a", gpu(0, 80), gpu(1, 80), gpu(2, 80))
        found = where(need(20, devices=("cuda:1", "cuda:2")), both)
        assert found.devices == ("cuda:1", "cuda:2")
        one = where(need(20, devices=("cuda:1", "cuda:2"), count=1), both)
        assert one.devices == ("cuda:1",)
        assert where(need(0, devices=("cpu",)), both).devices == ()

    def test_of_unknown_size_gets_a_device_for_itself(self) -> None:
        found = where(need(None), room("a", gpu(0, 79, owners=1), gpu(1, 40)))
        assert (found.devices, found.memory) == (("cuda:1",), 0)
        taken = room("a", gpu(0, 80))
        taken.take(where(need(None), taken))
        assert "for itself" in why(need(1, count=1), taken)
        assert "for itself" in why(need(None, count=1), room("a", gpu(0, 79, owners=1)))


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"up": False}, "No node is up"),
            ({"cordoned": True}, "node a is cordoned"),
            ({"draining": True}, "node a is being drained"),
        ],
    )
    def test_state_of_the_node(self, changes: dict[str, Any], text: str) -> None:
        assert text in why(need(1), room("a", gpu(0, 80), **changes))

    @pytest.mark.parametrize(
        ("wish", "text"),
        [
            (need(1, nodes=("b",)), "is not one of the nodes asked for"),
            (need(1, labels={"zone": "x"}), "has no label zone=x"),
            (need(1, devices=("cuda:7",)), "has no device cuda:7 (it has cpu, cuda:0)"),
            (need(1, kinds=frozenset({"rocm"})), "has only cpu, cuda, which vllm cannot use"),
            (need(1, count=2), "has 1 accelerators that it can use, not 2"),
            (need(1, avoid=frozenset({"a"})), "moved away from"),
            (need(90, count=1), "has free: cuda:0 80.0 GiB, and it needs 90.0 GiB on one device"),
            (need(1, count=None, host_alone=65 * G), "has 64.0 GiB of memory free"),
            (need(1, count=1, host=65 * G), "needs 65.0 GiB beside"),
            (need(1, count=None, kinds=frozenset({"cuda"})), "has no accelerator that vllm"),
        ],
    )
    def test_reason(self, wish: Need, text: str) -> None:
        assert text in why(wish, room("a", gpu(0, 80)))

    def test_only_memory_is_short(self) -> None:
        found = place(need(90, count=1), [room("a", gpu(0, 80)), room("b", cordoned=True)], {})
        assert isinstance(found, Refusal)
        assert found.short == ("a",)
        assert not found.nobody

    def test_anyway(self) -> None:
        found = where(need(90, anyway=True), room("a", gpu(0, 3), gpu(1, 5)))
        assert found.devices == ("cuda:1",)

    def test_many_nodes_are_not_all_told(self) -> None:
        text = why(need(1), *(room(f"n{i}", cordoned=True) for i in range(50)))
        assert "and 42 more nodes" in text


def idle(uid: str, node: str, gib: int, quiet: float = 100, start: float | None = 10) -> Idle:
    return Idle(uid, uid, Place(node, ("cuda:0",), gib * G), start, quiet)


class TestMakingRoom:
    def full(self, name: str = "a", **values: Any) -> Room:
        return room(name, gpu(0, 10, owners=2), **values)

    def chosen(self, wish: Need, rooms: list[Room], *there: Idle) -> list[str] | None:
        found = make_room(wish, rooms, there, {})
        return None if found is None else sorted(item.uid for item in found)

    def test_the_cheapest_goes(self) -> None:
        rooms = [self.full()]
        quick, slow = idle("quick", "a", 30, start=2), idle("slow", "a", 30, start=90)
        often = idle("often", "a", 30, start=2, quiet=6)
        assert self.chosen(need(35, count=1), rooms, slow, quick, often) == ["quick"]

    def test_as_few_as_possible(self) -> None:
        """One that is cheap does not go when another one has to go anyhow and is enough."""
        rooms = [self.full()]
        small, large = idle("small", "a", 5, start=1), idle("large", "a", 60, start=50)
        assert self.chosen(need(60, count=1), rooms, small, large) == ["large"]

    def test_the_cheapest_node(self) -> None:
        rooms = [self.full("a"), self.full("b")]
        dear, cheap = idle("dear", "a", 60, start=90), idle("cheap", "b", 60, start=1)
        assert self.chosen(need(50, count=1), rooms, dear, cheap) == ["cheap"]

    def test_not_for_nothing(self) -> None:
        assert self.chosen(need(79, count=1), [self.full()], idle("x", "a", 30)) is None
        assert self.chosen(need(79, count=1), [self.full()]) is None

    def test_those_that_are_ending_may_be_enough(self) -> None:
        ending = self.full(ending=[Place("a", ("cuda:0",), 50 * G)])
        assert self.chosen(need(55, count=1), [ending], idle("x", "a", 20)) == []

    def test_the_picture_is_left_alone(self) -> None:
        full = self.full()
        make_room(need(35, count=1), [full], [idle("x", "a", 30)], {})
        assert full.slots[1].free == 10 * G


def test_size() -> None:
    assert (size(5 * 1024**2), size(3 * G // 2), size(-1)) == ("5 MiB", "1.5 GiB", "0 MiB")


needs = st.builds(
    need,
    st.none() | st.integers(0, 40),
    host_alone=st.integers(0, 40).map(lambda gib: gib * G),
    host=st.integers(0, 3).map(lambda gib: gib * G),
    count=st.none() | st.just("auto") | st.integers(1, 3),
)
machines = st.lists(st.lists(st.integers(1, 80), max_size=4), min_size=1, max_size=4)


@given(machines, st.lists(needs, max_size=12))
def test_memory_is_given_out_once(devices: list[list[int]], wishes: list[Need]) -> None:
    """Whatever is placed: no device has more on it than it has, nor a stranger beside one that is
    to be alone."""
    rooms = {
        f"n{number}": room(f"n{number}", *(gpu(i, gib, gib) for i, gib in enumerate(sizes)))
        for number, sizes in enumerate(devices)
    }
    for wish in wishes:
        found = place(wish, rooms.values(), {})
        if isinstance(found, Refusal):
            continue
        chosen = rooms[found.node]
        before = {slot.id: slot.owners for slot in chosen.slots}
        alone = {slot.id for slot in chosen.slots if slot.alone}
        chosen.take(found)
        assert not alone & set(found.devices)
        assert all(slot.free >= 0 for slot in chosen.slots)
        assert found.devices == () or "cpu" not in found.devices
        if isinstance(wish.wish.count, int):
            assert len(found.devices) == wish.wish.count
        if not wish.device:
            assert all(before[name] == 0 for name in found.devices)
