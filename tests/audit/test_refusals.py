"""What was refused is recorded; a flood of it is counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from apps.audit import api, refusals
from apps.audit.models import Entry
from apps.audit.refusals import Attempt, Refusals
from xplatform.cli import django_commands
from xplatform.core.errors import NodeSilent


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Refusals]:
    """Counters of a test's own; its thread is not started, tests flush."""
    counters = Refusals()
    monkeypatch.setattr(counters, "_start", lambda: None)
    monkeypatch.setattr(refusals, "_refusals", counters)
    yield counters


def rows() -> list[tuple[Any, ...]]:
    found = Entry.objects.filter(outcome="refused").order_by("id")
    return list(found.values_list("who", "address", "action", "thing_id", "count"))


@pytest.mark.django_db
def test_a_request_without_a_key() -> None:
    client = Client()
    answer = client.post("/api/launches", {}, "application/json", headers={"X-Request-Id": "r1"})
    assert answer.status_code == 401
    entry = Entry.objects.get()
    assert (entry.who, entry.outcome, entry.action) == ("nobody", "refused", "launches.write")
    assert (entry.address, entry.request, entry.via) == ("127.0.0.1", "r1", "POST /api/launches")
    assert entry.why.startswith("invalid_api_key: ")
    # A flood, whatever it is after.
    for _ in range(50):
        client.delete("/api/launches/m", headers={"Authorization": "Bearer xp-wrong-key-000000"})
        client.get("/api/keys")
    assert Entry.objects.count() == 1
    api.flush_refusals()
    assert rows() == [
        ("nobody", "127.0.0.1", "launches.write", "", 1),
        ("nobody", "127.0.0.1", "launches.write", "", 100),
    ]
    assert "wrong-key" not in str(list(Entry.objects.values()))


@pytest.mark.django_db
def test_what_is_only_wrong_is_not_recorded(admin_client: Client) -> None:
    assert admin_client.get("/api/launches/nothing").status_code == 404
    assert admin_client.delete("/api/launches/nothing").status_code == 404
    assert not Entry.objects.exists()


def an_attempt(**values: Any) -> Attempt:
    who = values.pop("who", api.Acting(address="10.0.0.1"))
    return Attempt(**{"action": "models.use", "reason": "forbidden", "who": who, **values})


@pytest.mark.django_db
def test_from_an_event_loop(alone: Refusals) -> None:
    """Nothing is written where it is noted; the first of its kind is due at once."""
    for _ in range(3):
        api.refused(an_attempt(), wait=False)
    assert not Entry.objects.exists()
    alone.flush()
    assert rows() == [("nobody", "10.0.0.1", "models.use", "", 3)]
    # From here on it is once a minute.
    api.refused(an_attempt(), wait=False)
    alone.flush()
    assert len(rows()) == 1


@pytest.mark.django_db
def test_people_are_told_apart_and_nobody_is_not(alone: Refusals) -> None:
    for name in ("ada", "eve"):
        for thing in ("a", "b"):
            who = api.Acting(name=name, address="10.0.0.1")
            api.refused(an_attempt(thing="launch", thing_id=thing, who=who))
            api.refused(an_attempt(thing="launch", thing_id=thing))
    alone.flush(all_of_them=True)
    counts = [(who, thing, count) for who, _, _, thing, count in rows()]
    assert counts == [
        ("ada", "a", 1), ("nobody", "a", 1), ("ada", "b", 1), ("eve", "a", 1), ("eve", "b", 1),
        ("nobody", "a", 3),
    ]  # fmt: skip


@pytest.mark.django_db
def test_many_addresses(alone: Refusals, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known stays bounded, and nothing is lost."""
    monkeypatch.setattr(refusals, "_MOST_KINDS", 10)
    for number in range(1000):
        who = api.Acting(address=f"10.0.{number // 250}.{number % 250}")
        api.refused(an_attempt(who=who), wait=False)
    assert len(alone._kinds) == 11
    alone.flush(all_of_them=True)
    assert sum(count for *_, count in rows()) == 1000
    assert rows()[-1][1] == "many"
    # What was quiet for a minute is forgotten.
    alone.flush(all_of_them=True)
    assert not alone._kinds


@pytest.mark.django_db
def test_the_database_is_away(alone: Refusals, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(refusals, "record", fail)
    assert Client().get("/api/launches").status_code == 401


# -- changes that fail ---------------------------------------------------------------------------


def failures() -> list[tuple[Any, ...]]:
    found = Entry.objects.filter(outcome="failed").order_by("id")
    return list(found.values_list("who", "action", "thing", "thing_id", "via", "why", "count"))


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


@pytest.mark.django_db
def test_a_change_that_fails(
    alone: Refusals, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"username": "ann"}, "application/json"
    monkeypatch.setattr("apps.accounts.actions.users._save", raising(DatabaseError("xp-secret")))
    for _ in range(3):
        assert admin_client.post("/api/users", *body).status_code == 500
    silent = raising(NodeSilent("gpu-1"))
    monkeypatch.setattr("apps.accounts.actions.users._save", silent)
    assert admin_client.post("/api/users", *body).status_code == 503
    # To look at something is no change.
    monkeypatch.setattr("apps.accounts.actions.users.all_roles", silent)
    assert admin_client.get("/api/users/admin").status_code == 503
    alone.flush(all_of_them=True)
    told = ("admin", "users.manage", "", "", "POST /api/users")
    assert failures() == [
        (*told, "internal_error: DatabaseError", 1),
        (*told, "node_silent: Node 'gpu-1' does not answer.", 1),
        (*told, "internal_error: DatabaseError", 2),
    ]


@pytest.mark.django_db
def test_what_fails_before_it_was_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = raising(DatabaseError("gone"))
    monkeypatch.setattr("apps.accounts.authentication.check_credential", broken)
    answer = Client().post(
        "/api/users", {}, "application/json", headers={"Authorization": "Bearer xp-some-key"}
    )
    assert answer.status_code == 500
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_a_page_and_a_command_that_fail(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.accounts.admin.ProjectAdmin.save_model", raising(OSError("disk")))
    admin_client.raise_request_exception = False
    page, inline = "/admin/accounts/project/add/", "memberships-"
    form = {"slug": "lab", inline + "TOTAL_FORMS": "0", inline + "INITIAL_FORMS": "0"}
    assert admin_client.post(page, form).status_code == 500

    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "xplatform.settings")
    # A command ends by closing the connections, of which the test's transaction needs its own.
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)
    monkeypatch.setattr("apps.accounts.actions.projects._title", raising(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        django_commands.run("create_project", ["lab"])
    with pytest.raises(SystemExit):  # typed wrong
        django_commands.run("create_project", [])
    on_page, by_command = failures()
    assert on_page == (
        "admin",
        f"POST {page}",
        "",
        "",
        f"POST {page}",
        "internal_error: OSError",
        1,
    )
    assert by_command[:2] == ("operator", "create_project")
    assert by_command[5:] == ("internal_error: OSError", 1)


def test_the_thread(clean_database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of its kind does not wait for the minute."""
    counters = Refusals()
    written = threading.Event()
    monkeypatch.setattr(refusals, "_write", lambda attempt, count: written.set())
    counters.note(an_attempt(), wait=False)
    threading.Thread(target=counters._run, daemon=True).start()
    assert written.wait(30)
    # With nothing left to count it ends.
    counters._kinds.clear()
    counters._look.set()
