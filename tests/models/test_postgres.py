"""The control plane on PostgreSQL: the same tests, and two control workers at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import connection

from apps.models import api
from apps.models.control import rounds
from apps.models.models import Event, Launch, Replica
from apps.models.tasks import hear_demand, observe_replica
from tests.models.test_setup import set_up
from tests.models.world import World, an_order
from tests.support.at_once import at_once
from xplatform.core.config import ConfigError
from xplatform.core.errors import Conflict, DoesNotFit
from xplatform.database import database

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_on_postgres(postgres_url: str) -> None:
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
        "--ds=tests.support.postgres_settings", "-m", "not slow and not server",
        "tests/accounts", "--ignore", "tests/accounts/matrix", "tests/models/test_lifecycle.py",
        "tests/models/test_machine.py", "tests/models/test_rounds.py",
        "tests/models/test_launches_api.py", "tests/models/test_replicas.py",
        "tests/models/test_room.py",
        "tests/models/test_registrations.py", "tests/models/test_postgres.py",
        "tests/metering/test_api.py", "tests/models/test_overview.py", "tests/webhooks",
    ]  # fmt: skip
    environ = {**os.environ, "TEST_DATABASE": postgres_url}
    environ.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.slow
def test_setup_on_postgres(postgres_url: str, tmp_path: Path) -> None:
    assert set_up(tmp_path, XPLATFORM_DATABASE=postgres_url)["created"] is True
    assert set_up(tmp_path, XPLATFORM_DATABASE=postgres_url)["created"] is False


def test_urls(tmp_path: Path) -> None:
    def parts(url: str) -> tuple[Any, ...]:
        entry = database(url, tmp_path)
        return tuple(entry[k] for k in ("USER", "PASSWORD", "HOST", "PORT", "NAME"))

    assert parts("postgres://me:p%40ss@Host:5433/db") == ("me", "p@ss", "Host", "5433", "db")
    assert parts("postgresql:///db?host=/run/pg") == ("", "", "/run/pg", "", "db")
    assert parts("postgres://me@%2FRun%2Fpg/db") == ("me", "", "/Run/pg", "", "db")
    assert parts("postgres://[::1]:5432/db")[2:4] == ("::1", "5432")
    entry = database("postgres://h/db?sslmode=require", tmp_path)
    assert entry["OPTIONS"]["sslmode"] == "require"
    assert database("", tmp_path)["NAME"] == tmp_path / "xplatform.sqlite3"
    for wrong in ("mysql://h/db", "postgres://h", "postgres://h:port/db"):
        with pytest.raises(ConfigError, match="database"):
            database(wrong, tmp_path)


@pytest.fixture
def postgres(world: World) -> World:
    # SQLite's test database lives in memory and has one connection.
    if connection.vendor != "postgresql":
        pytest.skip("needs several connections")
    return world


def test_one_name_is_launched_once(postgres: World) -> None:
    errors = at_once(8, lambda _: api.launch(an_order()))
    assert [type(error) for error in errors] == [Conflict] * 7
    assert Replica.objects.count() == 1


def test_places_are_given_out_one_after_the_other(postgres: World) -> None:
    """Nine launches, one accelerator with room for three; rounds and demand go on meanwhile."""
    postgres.equip("n1", 64)
    postgres.equip("n2")
    postgres.pass_time(4)
    order = an_order(estimate={"device": 20 << 30}, placement=api.Placement(count=1))

    def work(number: int) -> None:
        uid = f"m{number}"
        api.launch(msgspec.structs.replace(order, uid=uid, min_replicas=number % 2))
        for _ in range(3):
            rounds.do_round()
            hear_demand({"web": uid, "models": {uid: {"waiting": 1}}})

    errors = at_once(9, work)
    assert {type(error) for error in errors} == {DoesNotFit}
    assert Replica.objects.count() == 3
    assert {tuple(replica.devices) for replica in Replica.objects.all()} == {("cuda:0",)}


def test_those_who_make_room_for_each_other_do_not_wait_for_each_other(postgres: World) -> None:
    postgres.equip("n1", 40, 40)
    postgres.equip("n2")
    postgres.pass_time(4)
    order = an_order(
        estimate={"device": 30 << 30},
        placement=api.Placement(count=1),
        min_replicas=0,
        idle_seconds=60.0,
    )
    for number in range(6):
        api.launch(msgspec.structs.replace(order, uid=f"m{number}", prewarm=number < 2))
    postgres.settle(20)
    assert Replica.objects.filter(state="ready").count() == 2

    def work(number: int) -> None:
        for turn in range(5):
            api.wake(f"m{(number + turn) % 6}")
            rounds.do_round()

    assert at_once(8, work) == []
    postgres.settle(30)
    assert Replica.objects.filter(state="ready").count() == 2


def test_wakes_rounds_and_reports_at_once(postgres: World) -> None:
    api.set_built_in(True)

    def work(number: int) -> None:
        for _ in range(5):
            api.wake("demo")
            rounds.do_round()

    assert at_once(8, work) == []
    assert Replica.objects.count() == 1
    replica = Replica.objects.get()
    report = {
        "source": "replica", "replica_id": str(replica.pk), "epoch": 1, "state": "failed",
        "message": "its last words",
    }  # fmt: skip
    assert at_once(8, lambda _: observe_replica(report)) == []
    assert Event.objects.filter(after="failed").count() == 1
    assert Launch.objects.get().failures == 1
