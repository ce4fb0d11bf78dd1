"""PostgreSQL gives ids when rows are written and shows them when they are committed: nobody may
go past an id that is still to come."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from apps.models.events import history, settled
from apps.models.models import Event, Lease
from tests.support.server import wait_for

ROOT = Path(__file__).resolve().parents[3]


on_postgres = pytest.mark.skipif(
    "TEST_DATABASE" not in os.environ, reason="run by test_order_on_postgres"
)


@pytest.mark.slow
def test_order_on_postgres(postgres_url: str) -> None:
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow",
        "--ds=tests.support.postgres_settings", "tests/models/events/test_order.py",
        "tests/models/events/test_history.py",
    ]  # fmt: skip
    environ = {**os.environ, "TEST_DATABASE": postgres_url}
    environ.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
    assert "skipped" not in done.stdout


@contextmanager
def open_transaction(finish: str) -> Iterator[tuple[int, Callable[[], None]]]:
    """Another process that has written an event and not ended yet: (the id, how it ends)."""
    written, may_end, ended = threading.Event(), threading.Event(), threading.Event()
    made: list[int] = []

    def work() -> None:
        try:
            with transaction.atomic():
                Lease.objects.create(name=str(uuid.uuid4()))
                made.append(event("late"))
                written.set()
                assert may_end.wait(30)
                if finish == "rollback":
                    transaction.set_rollback(True)
        finally:
            connections.close_all()
            written.set()
            ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert written.wait(30)

    def end() -> None:
        may_end.set()
        assert ended.wait(30)

    try:
        yield made[0], end
    finally:
        end()
        thread.join()


def event(subject: str) -> int:
    return int(Event.objects.create(who="control", subject=subject, after="x").pk)


def seen(after: int) -> list[str]:
    return [found.subject for found in history.following(after, history.Choice()).events]


@on_postgres
def test_an_event_that_is_committed_late_is_not_passed(clean_database: None) -> None:
    before = event("first")
    assert seen(0) == ["first"]
    with open_transaction("commit") as (late, end):
        assert event("second") == late + 1
        for _ in range(5):
            assert seen(before) == []
        # What is asked for by the newest shows no more either, so its last id is safe.
        assert history.newest(history.Choice()).last_id == before
        end()
    assert seen(before) == ["late", "second"]


@on_postgres
def test_what_was_rolled_back_is_not_waited_for(clean_database: None) -> None:
    before = event("first")
    with open_transaction("rollback") as (_, end):
        event("second")
        assert seen(before) == []
        end()
    assert wait_for(lambda: seen(before), "the gap to be closed") == ["second"]


@on_postgres
def test_two_gaps_of_which_one_is_filled(clean_database: None) -> None:
    before = event("first")
    with open_transaction("rollback") as (_, end_first):
        event("second")
        assert seen(before) == []
        # Of transactions that began later no id can belong into the first gap.
        with open_transaction("commit") as (_, end_second):
            event("third")
            assert seen(before) == []
            end_first()
            assert wait_for(lambda: seen(before), "the first gap to be closed") == ["second"]
            end_second()
    assert seen(before) == ["second", "late", "third"]


@on_postgres
def test_a_transaction_that_never_ends_does_not_stop_the_news(
    clean_database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "_MOST_SECONDS", 0.2)
    before = event("first")
    with open_transaction("commit") as (_, end):
        event("second")
        assert seen(before) == []
        assert wait_for(lambda: seen(before), "the wait to be over") == ["second"]
        end()


@on_postgres
def test_many_writers_and_a_reader(clean_database: None) -> None:
    """Whatever the order of commits, the reader has each event once, by rising id."""
    assert connection.vendor == "postgresql"
    start = event("first")

    def write(who: int) -> None:
        try:
            for i in range(20):
                with transaction.atomic():
                    Lease.objects.update_or_create(name=f"w{who}")
                    event(f"{who}.{i}")
                    event(f"{who}.{i}b")
                    if (who + i) % 5 == 0:
                        transaction.set_rollback(True)
        finally:
            connections.close_all()

    writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for writer in writers:
        writer.start()
    cursor, got = start, []
    while any(writer.is_alive() for writer in writers):
        page = history.following(cursor, history.Choice(), 7)
        cursor = page.last_id
        got += [found.id for found in page.events]
    for writer in writers:
        writer.join()
    wanted = list(Event.objects.filter(id__gt=start).order_by("id").values_list("id", flat=True))

    def rest() -> bool:
        nonlocal cursor
        page = history.following(cursor, history.Choice())
        cursor = page.last_id
        got.extend(found.id for found in page.events)
        return len(got) >= len(wanted)

    wait_for(rest, "the last events")
    assert got == wanted
    assert len(wanted) == 4 * 16 * 2


def test_sqlite_shows_all_at_once(clean_database: None) -> None:
    if connection.vendor == "postgresql":
        return
    first, second = event("first"), event("second")
    Event.objects.filter(pk=first).delete()
    assert seen(0) == ["second"]
    assert history.newest(history.Choice()).last_id == second
