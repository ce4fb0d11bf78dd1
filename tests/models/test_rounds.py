"""Who does the periodic work, and when silence means something."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.models import api
from apps.models.control import history, rounds
from apps.models.models import Demand, Event, Lease, Model, Node, Replica
from apps.models.tasks import with_database
from tests.models.world import FakeSender, World, an_order
from xplatform.core.queues import TASK_RECONCILE


def test_one_leads_and_another_takes_over(world: World) -> None:
    first, second = rounds.Ticker(), rounds.Ticker()
    assert first.take_lease()
    assert not second.take_lease()
    world.clock.now += 4
    assert first.take_lease()  # renewed
    world.clock.now += 4
    assert not second.take_lease()
    world.clock.now += 4
    assert second.take_lease()
    assert not first.take_lease()


def test_holding_the_lease_writes_seldom(world: World, django_assert_num_queries: Any) -> None:
    ticker = rounds.Ticker()
    assert ticker.take_lease()
    with django_assert_num_queries(1):
        assert ticker.take_lease()


def test_only_the_leader_asks_for_rounds(world: World, sender: FakeSender) -> None:
    first, second = rounds.Ticker(), rounds.Ticker()
    sender.sent.clear()
    first.tick()
    second.tick()
    assert len(sender.take(TASK_RECONCILE)) == 1


def test_a_gap_between_rounds_gives_nodes_time(world: World) -> None:
    world.pass_time(5)
    since = Lease.objects.get().rounds_since
    world.pass_time(5)
    assert Lease.objects.get().rounds_since == since
    world.clock.now += 60
    rounds.do_round()
    assert Lease.objects.get().rounds_since == timezone.now()
    assert set(Node.objects.values_list("state", flat=True)) == {"up"}


def test_a_quiet_round_is_cheap(world: World, django_assert_max_num_queries: Any) -> None:
    for number in range(5):
        api.launch(an_order(f"m{number}"))
    world.settle(4)
    with django_assert_max_num_queries(10):
        rounds.do_round()


def test_old_things_go(world: World) -> None:
    api.set_built_in(True)
    api.launch(an_order())
    api.launch(an_order("stays"))
    world.settle(3)
    world.ask(m=(1, 0, 0), stays=(1, 0, 0))
    api.terminate("m")
    world.settle(3)
    world.clock.now += timedelta(days=2).total_seconds()
    history.prune()
    assert set(Model.objects.values_list("uid", flat=True)) == {"demo", "stays"}
    assert Replica.objects.count() == 1
    assert not Demand.objects.exists()
    assert Event.objects.exists()
    world.clock.now += timedelta(days=40).total_seconds()
    history.prune()
    assert not Event.objects.exists()


def test_a_broken_database_is_a_line_in_the_log(
    clean_database: None, caplog: pytest.LogCaptureFixture
) -> None:
    from django.db import OperationalError

    @with_database
    def work() -> None:
        raise OperationalError("it is gone")

    work()
    assert "it is gone" in caplog.text
