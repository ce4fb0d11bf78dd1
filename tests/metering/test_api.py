"""``/api/limits``, ``/api/prices``, ``/api/usage`` and the commands, as four kinds of people."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts import api as accounts
from apps.accounts.models import Membership, Project, User
from apps.audit.models import Entry
from apps.metering import ledger
from apps.metering.collector import Place, Sums
from apps.metering.models import Limit, Usage
from apps.metering.rules import NANO

pytestmark = pytest.mark.usefixtures("clean_database")

HOUR = int(datetime(2026, 3, 31, 22, tzinfo=UTC).timestamp())


class Person:
    def __init__(self, role: str, project: str = "") -> None:
        self.client = Client()
        superuser = role == "superuser"
        self.user = User.objects.create_user(f"{role}-{project}", is_superuser=superuser)
        if not superuser:
            where, _ = Project.objects.get_or_create(slug=project, defaults={"title": project})
            Membership.objects.create(project=where, user=self.user, role=role)
        token, self.record = accounts.create_key(
            "test", owner_id=self.user.pk, project=project or None
        )
        self._headers = {"authorization": f"Bearer {token}"}

    def get(self, path: str, **query: str) -> Any:
        return self.client.get(path, query, headers=self._headers)

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(path, body, "application/json", headers=self._headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(path, body, "application/json", headers=self._headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(path, headers=self._headers)


@pytest.fixture(autouse=True)
def hints(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    kinds: list[str] = []
    monkeypatch.setattr("apps.metering.actions.broadcast", kinds.append)
    monkeypatch.setattr("apps.accounts.hints.broadcast", lambda kind, **_: None)
    yield kinds


@pytest.fixture
def root() -> Person:
    return Person("superuser")


@pytest.fixture
def admin() -> Person:
    return Person("admin", "red")


def test_the_life_of_a_limit(root: Person, hints: list[str]) -> None:
    body = {"kind": "requests_per_minute", "amount": 60, "scope": "key", "subject": "*"}
    made = root.post("/api/limits", body)
    assert made.status_code == 201, made.content
    limit = made.json()
    assert limit["amount"] == "60" and limit["model"] == "*" and limit["project"] == ""
    assert root.post("/api/limits", body).json()["error"]["code"] == "conflict"

    path = f"/api/limits/{limit['id']}"
    assert root.patch(path, {"amount": 90, "note": "more"}).json()["amount"] == "90"
    assert root.get(path).json()["note"] == "more"
    assert [one["id"] for one in root.get("/api/limits").json()] == [limit["id"]]
    assert root.delete(path).status_code == 204
    assert root.get(path).status_code == 404
    assert hints == ["limits"] * 3
    entries = Entry.objects.filter(thing="limit").order_by("pk")
    assert [entry.action for entry in entries] == [
        "limits.create",
        "limits.change",
        "limits.delete",
    ]


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"kind": "requests_per_year"}, "kind"),
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": 10**17}, "amount"),
        ({"kind": "money_per_day", "amount": 10**8}, "amount"),
        ({"scope": "planet"}, "scope"),
        ({"scope": "user", "subject": "nobody-of-this-name"}, "subject"),
        ({"subject": ""}, "subject"),
    ],
)
def test_bad_limits(root: Person, values: dict[str, Any], param: str) -> None:
    body = {"kind": "requests_per_minute", "amount": 60, "scope": "key", "subject": "*"}
    answer = root.post("/api/limits", {**body, **values})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_admins_of_a_project_limit_what_is_theirs(root: Person, admin: Person) -> None:
    body = {"kind": "tokens_per_day", "amount": 1000, "scope": "user", "subject": "admin-red"}
    mine = admin.post("/api/limits", body).json()
    assert (mine["project"], mine["subject"]) == ("red", str(admin.user.pk))
    for other in (
        {"scope": "project", "subject": "red"},
        {"scope": "everyone"},
        {"project": "blue", "scope": "key", "subject": "*"},
    ):
        answer = admin.post("/api/limits", {**body, "kind": "tokens_per_month", **other})
        assert answer.status_code == 403, other
        assert "limits.write" in answer.json()["error"]["message"]

    own = root.post("/api/limits", {**body, "scope": "project", "subject": "red"}).json()
    all_of_us = root.post("/api/limits", {**body, "scope": "everyone"}).json()
    assert [one["id"] for one in admin.get("/api/limits").json()] == [mine["id"], own["id"]]
    assert admin.patch(f"/api/limits/{own['id']}", {"amount": 1}).status_code == 403
    assert admin.delete(f"/api/limits/{own['id']}").status_code == 403
    # What it does not see is not there.
    blue = Person("admin", "blue")
    for path in (f"/api/limits/{all_of_us['id']}", "/api/limits/123456789"):
        for answer in (admin.get(path), admin.patch(path, {"amount": 1}), admin.delete(path)):
            assert answer.status_code == 404
    for answer in (blue.get(f"/api/limits/{mine['id']}"), blue.delete(f"/api/limits/{mine['id']}")):
        assert answer.status_code == 404
    assert Limit.objects.count() == 3
    assert root.get("/api/limits/99999999999999999999999").status_code == 404


def test_who_may_not_set_limits(admin: Person) -> None:
    body = {"kind": "tokens_per_day", "amount": 1000, "scope": "key", "subject": "*"}
    for role in ("viewer", "developer"):
        answer = Person(role, "red").post("/api/limits", body)
        assert answer.status_code == 403
        assert "limits.write" in answer.json()["error"]["message"]


def test_prices(root: Person, admin: Person, hints: list[str]) -> None:
    made = root.post("/api/prices", {"model": "llama*", "input": "0.15", "output": 0.6})
    assert made.status_code == 201, made.content
    price = made.json()
    assert (price["input"], price["cached"], price["output"]) == ("0.15", "0", "0.6")
    path = f"/api/prices/{price['id']}"
    assert root.post("/api/prices", {"model": "llama*"}).status_code == 409
    assert root.patch(path, {"request": "0.000000001"}).json()["request"] == "0.000000001"
    assert admin.get("/api/prices").json()[0]["model"] == "llama*"
    for answer in (
        admin.post("/api/prices", {"model": "x"}),
        admin.patch(path, {"input": 0}),
        admin.delete(path),
    ):
        assert answer.status_code == 403
        assert "prices.write" in answer.json()["error"]["message"]
    assert root.delete(path).status_code == 204
    assert root.delete(path).status_code == 404
    assert hints == ["limits"] * 3


def _used(key: str, user: str, project: str, model: str = "m", hours: int = 0) -> None:
    place = Place(HOUR + 3600 * hours, key, user, project, model)
    ledger.write((uuid.uuid4(), [(place, Sums(2, 1, 30, 10, 5, 1_500_000))]))


def _rows(answer: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(_text(answer))["rows"]
    return rows


def _text(answer: Any) -> str:
    assert answer.status_code == 200, answer.content

    async def read() -> bytes:
        return b"".join([part async for part in answer])

    return async_to_sync(read)().decode()


SPAN = {"from": "2026-03-01", "to": "2026-05-01"}


def test_usage_in_groups(root: Person, admin: Person) -> None:
    user = str(admin.user.pk)
    for hours in (0, 1, 2, 3):
        _used("k1", user, "red", hours=hours)
    _used("k2", user, "red", "other")
    days = _rows(root.get("/api/usage", **SPAN, group="day"))
    assert [(row["day"][:10], row["requests"], row["cost"]) for row in days] == [
        ("2026-03-31", 6, "0.004500000"),
        ("2026-04-01", 4, "0.003000000"),
    ]
    months = _rows(root.get("/api/usage", **SPAN, group="month,user,key"))
    assert [(row["month"][:7], row["user_name"], row["key"]) for row in months] == [
        ("2026-03", "admin-red", "k1"),
        ("2026-03", "admin-red", "k2"),
        ("2026-04", "admin-red", "k1"),
    ]
    hours = _rows(root.get("/api/usage", **SPAN, group="hour", model="m"))
    assert len(hours) == 4
    (total,) = _rows(root.get("/api/usage", **SPAN, group="model", model="other"))
    assert total == {
        "model": "other", "requests": 2, "errors": 1, "prompt_tokens": 30, "cached_tokens": 10,
        "completion_tokens": 5, "cost": "0.001500000",
    }  # fmt: skip
    # The end is no part of it.
    until = _rows(root.get("/api/usage", **{**SPAN, "to": "2026-04-01"}, group="day"))
    assert len(until) == 1


def test_everybody_sees_what_is_theirs(root: Person, admin: Person) -> None:
    developer, other = Person("developer", "red"), Person("admin", "blue")
    for person, project in ((admin, "red"), (developer, "red"), (other, "blue")):
        _used(person.record.id, str(person.user.pk), project)

    def users(person: Person, **query: str) -> set[str]:
        return {
            row["user_name"]
            for row in _rows(person.get("/api/usage", **SPAN, group="user", **query))
        }

    assert users(root) == {"admin-red", "developer-red", "admin-blue"}
    assert users(root, project="blue") == {"admin-blue"}
    assert users(admin) == {"admin-red", "developer-red"}
    assert users(admin, user="developer-red") == {"developer-red"}
    assert users(developer) == {"developer-red"}
    assert users(developer, key=admin.record.id) == set()
    assert users(admin, user="admin-blue") == set()
    assert developer.get("/api/usage", user="admin-red").status_code == 403
    assert admin.get("/api/usage", project="blue").status_code == 404
    assert Person("viewer", "red").get("/api/usage").status_code == 403


def test_usage_as_csv(root: Person) -> None:
    _used("k1", "", "", '=cmd|"x"')
    answer = root.get("/api/usage", **SPAN, group="key,model", **{"as": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    head, row = csv.reader(io.StringIO(_text(answer)))
    assert dict(zip(head, row, strict=True)) == {
        "key": "k1", "model": '\'=cmd|"x"', "requests": "2", "errors": "1", "prompt_tokens": "30",
        "cached_tokens": "10", "completion_tokens": "5", "cost": "0.001500000", "currency": "USD",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "param"),
    [({"from": "yesterday"}, "from"), ({"to": "2026-13-01"}, "to"), ({"group": "moon"}, "group"),
     ({"as": "xls"}, "as")],
)  # fmt: skip
def test_bad_questions(root: Person, query: dict[str, str], param: str) -> None:
    answer = root.get("/api/usage", **query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_a_batch_counts_once() -> None:
    batch = (uuid.uuid4(), [(Place(HOUR, "k", "1", "p", "m"), Sums(1, 0, 2, 0, 3, 4))])
    for _ in range(3):
        ledger.write(batch)
    ledger.write((uuid.uuid4(), batch[1]))
    row = Usage.objects.get()
    assert (row.requests, row.prompt_tokens, row.completion_tokens, row.cost) == (2, 4, 6, 8)


def test_old_hours_become_days_and_old_days_go() -> None:
    now = datetime.now(UTC)

    def used(days: int, hour: int) -> None:
        at = (now - timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)
        place = Place(int(at.timestamp()), "k", "1", "p", "m")
        ledger.write((uuid.uuid4(), [(place, Sums(1, 0, 10, 0, 1))]))

    for days, hour in ((40, 3), (40, 5), (39, 1), (5, 2), (400, 1)):
        used(days, hour)
    for _ in range(2):
        ledger.tidy(hourly_days=30, daily_days=365)
    rows = Usage.objects.order_by("begin")
    assert [(row.daily, row.requests, row.begin.hour) for row in rows] == [
        (True, 2, 0), (True, 1, 0), (False, 1, 2),
    ]  # fmt: skip
    # One that comes late joins its day.
    used(40, 7)
    ledger.tidy(hourly_days=30, daily_days=365)
    assert Usage.objects.order_by("begin")[0].requests == 3


def test_set_quota(root: Person, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--user", "superuser-", "--requests-per-minute", "60", "--money-per-month", "12.5"]
    call_command("set_quota", *words)
    call_command("set_quota", "--user", "superuser-", "--money-per-month", "20")
    assert capsys.readouterr().out.splitlines() == [
        "requests_per_minute: 60", "money_per_month: 12.5", "money_per_month: 20",
    ]  # fmt: skip
    amounts = dict(Limit.objects.values_list("kind", "amount"))
    assert amounts == {"requests_per_minute": 60, "money_per_month": 20 * NANO}
    call_command("set_quota", "--user", "superuser-", "--money-per-month", "none")
    assert Limit.objects.get().kind == "requests_per_minute"
    for bad in (["--user", "nobody"], ["--user", "superuser-", "--tokens-per-day", "many"]):
        with pytest.raises(CommandError):
            call_command("set_quota", *bad, *([] if len(bad) > 2 else ["--tokens-per-day", "1"]))


def test_usage_command(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("usage")
    assert capsys.readouterr().out == "Nothing was used.\n"
    _used("k1", "", "red")
    call_command("usage", "--from", "2026-03-01", "--to", "2026-04-02", "--group", "key")
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["KEY", "REQUESTS"]
    assert row.split() == ["k1", "2", "1", "30", "10", "5", "0.001500000"]
    call_command("usage", "--from", "2026-03-01", "--to", "2026-04-02", "--csv")
    assert capsys.readouterr().out.startswith("day,model,requests")
