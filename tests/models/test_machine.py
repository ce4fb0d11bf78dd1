"""Whatever happens to messages, processes and nodes: the rules hold at every moment, and once the
world behaves again, it becomes as it is wished for. Two models on two nodes with accelerators that
are too small for all of it at once."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from apps.models import api
from apps.models.control import keeper, rounds
from apps.models.models import Event, Launch, Lease, Model, Node, Replica
from apps.models.nodes import actions as nodes
from apps.models.states import ENDED, LIVE, TRANSITIONS, WANTED, Owner, ReplicaState
from tests.models.world import TASKS, Clock, FakeSender, World, an_order
from xplatform.core.errors import Conflict, DoesNotFit, NotFound
from xplatform.core.queues import TASK_RECONCILE

G = 1024**3
#: GiB of the models, and of the accelerators of each node
SIZES = {"a": 30, "b": 50}
DEVICES = {"n1": (60, 40), "n2": (60,)}
_OWNERS = {"control": Owner.CONTROL, "replica": Owner.REPLICA}

picks = st.integers(0, 1000)
uids = st.sampled_from(sorted(SIZES))


class Lost(Exception):
    """The control process is killed here."""


class Machine(RuleBasedStateMachine):
    clock: Clock
    sender: FakeSender

    def __init__(self) -> None:
        super().__init__()
        self.sender.sent.clear()
        self.world = World(self.clock, self.sender, "n1", "n2")
        for name, gibs in DEVICES.items():
            self.world.equip(name, *gibs, **SIZES)
        self.world.pass_time(3)
        self.ended: dict[str, str] = {}
        self.epochs: dict[int, list[int]] = {}

    @initialize(uid=st.none() | uids, count=st.integers(1, 2))
    def begin(self, uid: str | None, count: int) -> None:
        if uid is not None:
            self._launch(uid, min_replicas=count, max_replicas=count)
            self.world.settle(4)

    # --- what people do ----------------------------------------------------------------------

    @rule(uid=uids, least=st.integers(0, 2), more=st.integers(0, 2), idle=st.booleans())
    def launch(self, uid: str, least: int, more: int, idle: bool) -> None:
        self._launch(
            uid,
            min_replicas=least,
            max_replicas=max(1, least + more),
            idle_seconds=20.0 if idle else None,
        )

    def _launch(self, uid: str, **values: Any) -> None:
        placement = api.Placement(count=1)
        estimate = {"device": SIZES[uid] * G, "host": G}
        order = an_order(uid, placement=placement, estimate=estimate, **values)
        before = Launch.objects.filter(model__uid=uid).values_list("desired", flat=True).first()
        try:
            api.launch(order)
        except DoesNotFit:
            after = Launch.objects.filter(model__uid=uid).values_list("desired", flat=True).first()
            assert after == before, "refused, and yet changed"
        except Conflict:
            assert before == "running"

    @rule(uid=uids)
    def terminate(self, uid: str) -> None:
        self._try(api.terminate, uid)

    @rule(uid=uids)
    def wake(self, uid: str) -> None:
        api.wake(uid)

    @rule(uid=uids, least=st.integers(0, 2), more=st.integers(0, 1))
    def scale(self, uid: str, least: int, more: int) -> None:
        self._try(api.scale, uid, least, max(1, least + more))

    @rule(uid=uids, pick=picks, move=st.booleans())
    def move_or_remove(self, uid: str, pick: int, move: bool) -> None:
        replicas = list(Replica.objects.filter(launch__model__uid=uid, state__in=WANTED))
        if replicas:
            act = api.move_replica if move else api.remove_replica
            self._try(act, uid, str(replicas[pick % len(replicas)].pk))

    @rule(uid=uids, running=st.integers(0, 5), waiting=st.integers(0, 9))
    def ask(self, uid: str, running: int, waiting: int) -> None:
        self.world.ask(**{uid: (running, waiting, 3.0)})

    @rule(pick=picks, what=st.sampled_from(["cordon", "drain", "uncordon"]))
    def set_aside(self, pick: int, what: str) -> None:
        self._try(getattr(nodes, what), self._node(pick).name)

    def _try(self, act: Any, *args: Any) -> None:
        """It is done, or refused because of the state that things are in."""
        try:
            act(*args)
        except (Conflict, NotFound):
            pass

    # --- what messages do --------------------------------------------------------------------

    @rule(pick=picks)
    def deliver(self, pick: int) -> None:
        """Any of them: order means nothing."""
        if self.sender.sent:
            self.world.deliver(self.sender.sent.pop(pick % len(self.sender.sent)))

    @rule(pick=picks)
    def deliver_a_copy(self, pick: int) -> None:
        if self.sender.sent:
            self.world.deliver(self.sender.sent[pick % len(self.sender.sent)])

    @rule(pick=picks)
    def lose(self, pick: int) -> None:
        if self.sender.sent:
            self.sender.sent.pop(pick % len(self.sender.sent))

    @rule()
    def lose_all(self) -> None:
        self.sender.sent.clear()

    # --- what machines do --------------------------------------------------------------------

    @rule(pick=picks)
    def step(self, pick: int) -> None:
        running = self._running()
        if running:
            node, key = running[pick % len(running)]
            node.step(key)

    @rule(pick=picks, code=st.sampled_from([0, 1, -9]))
    def end(self, pick: int, code: int) -> None:
        running = self._running()
        if running:
            node, key = running[pick % len(running)]
            node.end(key, code)

    @rule(pick=picks)
    def beat(self, pick: int) -> None:
        self._node(pick).beat()

    @rule(pick=picks, patience=st.booleans())
    def cut_off(self, pick: int, patience: bool) -> None:
        """Its processes go on. With patience it is taken for dead."""
        busy = [node for node in self.world.nodes.values() if node.running]
        (busy[0] if busy else self._node(pick)).alive = False
        if patience:
            self.world.pass_time(16, step=2)

    @rule(pick=picks)
    def lose_power(self, pick: int) -> None:
        self._node(pick).lose_power()

    @rule(pick=picks)
    def come_back(self, pick: int) -> None:
        self._node(pick).alive = True

    @rule(seconds=st.sampled_from([1, 4, 20, 100]))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds
        TASKS[TASK_RECONCILE]()

    @rule(after=st.integers(0, 3))
    def control_is_killed(self, after: int) -> None:
        """In the midst of a round: what it had not committed is undone, the lease runs out."""
        left = after

        class Killed(keeper.Work):
            def do(self) -> Any:
                nonlocal left
                done = super().do()
                left -= 1
                if left < 0:
                    raise Lost
                return done

        before, keeper.Work = keeper.Work, Killed  # type: ignore[misc]
        try:
            rounds.do_round()
        except Lost:
            self.clock.now += 7
        finally:
            keeper.Work = before  # type: ignore[misc]

    # --- what always holds -------------------------------------------------------------------

    @invariant()
    def never_more_than_wanted(self) -> None:
        """Beside those that leave when others have taken their place."""
        leaving = set(Node.objects.filter(draining=True).values_list("name", flat=True))
        for launch in Launch.objects.all():
            wanted = launch.wanted if launch.desired == "running" else 0
            there = launch.replicas.filter(state__in=WANTED, leaving="").exclude(node__in=leaving)
            assert there.count() <= wanted
            assert launch.wanted <= launch.max_replicas

    @invariant()
    def memory_has_one_owner(self) -> None:
        taken: Counter[tuple[str, str]] = Counter()
        for replica in Replica.objects.filter(state__in=LIVE):
            assert len(replica.devices) == 1
            taken[replica.node, replica.devices[0]] += replica.memory
        for (node, device), size in taken.items():
            assert size <= self.world.nodes[node].devices[device], (node, device)

    @invariant()
    def the_end_is_the_end(self) -> None:
        for key, state in self.ended.items():
            assert Replica.objects.get(pk=key).state == state
        for replica in Replica.objects.filter(state__in=ENDED):
            self.ended[str(replica.pk)] = replica.state

    @invariant()
    def epochs_only_grow(self) -> None:
        for launch in Launch.objects.all():
            rows = launch.replicas.order_by("created", "epoch")
            epochs = list(rows.values_list("epoch", flat=True))
            assert epochs == sorted(set(epochs))
            known = self.epochs.get(launch.pk, [])
            assert epochs[: len(known)] == known
            self.epochs[launch.pk] = epochs

    @invariant()
    def the_last_event_of_each_replica_is_its_state(self) -> None:
        last = dict(
            Event.objects.exclude(replica=None)
            .exclude(after="leaving")
            .order_by("pk")
            .values_list("replica", "after")
        )
        assert last == dict(Replica.objects.values_list("pk", "state"))

    def teardown(self) -> None:
        try:
            self._arrows_were_allowed()
            self._converges()
        finally:
            for model in (Model, Node, Event, Lease):
                cast(Any, model).objects.all().delete()

    def _arrows_were_allowed(self) -> None:
        events = Event.objects.filter(subject__startswith="replica").exclude(before="")
        for event in events.exclude(after="leaving"):
            arrow = ReplicaState(event.before), ReplicaState(event.after)
            owner = _OWNERS.get(event.who, Owner.NODE)
            assert owner in TRANSITIONS.get(arrow, ()), event

    def _converges(self) -> None:
        """From here on nothing is lost and all nodes live."""
        for node in self.world.nodes.values():
            node.alive = True
            self._try(nodes.uncordon, node.name)
        # Longer than the longest pause between tries.
        self.world.settle(75)
        assert sorted(self.world.running()) == sorted(
            (str(r.pk), r.epoch) for r in Replica.objects.filter(state="ready")
        )
        assert not Replica.objects.filter(state__in=LIVE).exclude(state="ready").exists()
        for node in self.world.nodes.values():
            for device, total in node.devices.items():
                assert node.used(device) <= total
        for launch in Launch.objects.select_related("model"):
            ready = launch.replicas.filter(state="ready").count()
            if launch.desired == "stopped" or launch.failed_at:
                assert ready == 0
            elif ready != launch.wanted:
                # As many as fit, and people see why there are not more.
                assert ready < launch.wanted
                assert launch.reason.startswith(("It fits nowhere", "Waits for room"))
                assert not self._would_fit(launch.model.uid)

    def _would_fit(self, uid: str) -> bool:
        free = [
            total - node.used(device)
            for node in self.world.nodes.values()
            for device, total in node.devices.items()
        ]
        return max(free) >= SIZES[uid] * G

    def _running(self) -> list[tuple[Any, tuple[str, int]]]:
        return [(n, k) for n in self.world.nodes.values() for k in sorted(n.running)]

    def _node(self, pick: int) -> Any:
        return list(self.world.nodes.values())[pick % 2]


@pytest.mark.timeout(600)
def test_machine(clean_database: None, clock: Clock, sender: FakeSender, hints: list[Any]) -> None:
    Machine.clock, Machine.sender = clock, sender
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
