"""``/api/audit``, its export, and Xinference's way to ask: who sees what, and how it is found."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client

from apps.accounts.api import local_operator
from apps.accounts.models import Project
from tests.audit.test_record import an_entry
from tests.support.people import key_of
from xplatform.core.config import secret


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def operator(db: None) -> dict[str, str]:
    assert local_operator().superuser
    return bearer(secret("local"))


@pytest.fixture
def entries(operator: dict[str, str]) -> None:
    """Of two projects, and of none."""
    Project.objects.get_or_create(slug="blue")
    for number in range(5):
        an_entry(project="blue", thing_id=f"b{number}", after={"n": number})
    an_entry(project="red", thing_id="r", outcome="refused", why="=cmd()")
    an_entry(actor="control", action="audit.prune", thing="audit", thing_id="")


def ask(headers: dict[str, str], path: str = "/api/audit", **query: Any) -> Any:
    return Client().get(path, query, headers=headers)


def found(headers: dict[str, str], **query: Any) -> list[str]:
    answer = ask(headers, thing="launch", **query)
    assert answer.status_code == 200, answer.json()
    return [entry["thing_id"] for entry in answer.json()["entries"]]


def test_search(entries: None, operator: dict[str, str]) -> None:
    assert found(operator) == ["r", "b4", "b3", "b2", "b1", "b0"]
    assert found(operator, who="ada", outcome="refused") == ["r"]
    assert found(operator, project="blue", id="b3") == ["b3"]
    assert found(operator, action="launch.*", text="CMD") == ["r"]
    assert found(operator, action="launch.stop") == []
    assert found(operator, since="now-1h", until="now") == ["r", "b4", "b3", "b2", "b1", "b0"]
    assert found(operator, until="2026-01-01") == []
    assert found(operator, address="10.1.2.3", key="k1", limit=1) == ["r"]
    entry = ask(operator, id="b3").json()["entries"][0]
    assert (entry["who"], entry["after"], entry["before"]) == ("ada", {"n": 3}, None)


def test_pages(entries: None, operator: dict[str, str]) -> None:
    seen, before = [], None
    while True:
        more = {"before": before} if before else {}
        answer = ask(operator, thing="launch", limit=4, **more).json()
        seen += [entry["thing_id"] for entry in answer["entries"]]
        before = answer["before"]
        if before is None:
            break
    assert seen == ["r", "b4", "b3", "b2", "b1", "b0"]


@pytest.mark.parametrize(
    "query, field",
    [
        ({"since": "yesterday"}, "since"), ({"until": "now-9999999d"}, "until"),
        ({"outcome": "x"}, "outcome"), ({"limit": "0"}, "limit"), ({"limit": "-1"}, "limit"),
        ({"before": "x"}, "before"), ({"before": str(2**63)}, "before"), ({"foo": "1"}, "foo"),
        ({"who": "x" * 201}, "who"), ({"since": "now-999999w"}, "since"),
    ],
)  # fmt: skip
def test_bad_questions(operator: dict[str, str], query: dict[str, str], field: str) -> None:
    answer = ask(operator, **query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field


def test_a_project_sees_its_own(entries: None) -> None:
    for role, status in (("viewer", 403), ("developer", 403), ("admin", 200), ("owner", 200)):
        headers = bearer(key_of(role, role, "blue"))
        for path in ("/api/audit", "/api/audit/export", "/v1/audit/search"):
            assert ask(headers, path).status_code == status, (role, path)
    admin = bearer(key_of("boss", "admin", "blue"))
    assert found(admin) == ["b4", "b3", "b2", "b1", "b0"]
    assert found(admin, id="r") == []
    assert ask(admin, project="red").status_code == 404
    exported = b"".join(ask(admin, "/api/audit/export").streaming_content).decode()
    lines = [json.loads(line) for line in exported.splitlines()]
    assert {line["project"] for line in lines} == {"blue"}
    hits = ask(admin, "/v1/audit/search").json()["hits"]
    assert {hit["thing_id"] for hit in hits if hit["thing"] == "launch"} == {
        "b0", "b1", "b2", "b3", "b4",
    }  # fmt: skip
    assert ask({}).status_code == 401


def test_export(entries: None, operator: dict[str, str]) -> None:
    answer = ask(operator, "/api/audit/export", as_="x")
    assert answer.status_code == 400
    answer = ask(operator, "/api/audit/export", **{"as": "csv", "thing": "launch"})
    assert answer["Content-Type"].startswith("text/csv")
    assert "audit.csv" in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["thing_id"] for row in rows] == ["b0", "b1", "b2", "b3", "b4", "r"]
    assert json.loads(rows[2]["after"]) == {"n": 2}
    # No formula for whoever opens it in a spreadsheet.
    assert rows[5]["why"] == "'=cmd()"


@pytest.mark.django_db(transaction=True)
def test_export_as_servers_do_it(entries: None, operator: dict[str, str]) -> None:
    async def read() -> bytes:
        answer = await AsyncClient().get("/api/audit/export", headers=operator)
        assert answer.status_code == 200
        text = b"".join([piece async for piece in answer.streaming_content])
        # Of the thread that read: PostgreSQL drops no database that somebody is connected to.
        await sync_to_async(connections.close_all)()
        return text

    text = asyncio.run(read()).decode()
    assert [json.loads(line)["thing_id"] for line in text.splitlines()][:2] == ["b0", "b1"]


def test_no_text_has_a_nul(entries: None, operator: dict[str, str]) -> None:
    answer = ask(operator, "/api/audit", who="a\0b")
    assert answer.status_code == 400
    assert "NUL" in answer.json()["error"]["message"]


def test_as_xinference_asks(entries: None, operator: dict[str, str]) -> None:
    answer = ask(operator, "/v1/audit/search", user="ada", size=2, page_from=1).json()
    assert answer["total"] == 6
    assert [hit["model_id"] for hit in answer["hits"]] == ["b4", "b3"]
    hit = answer["hits"][0]
    assert (hit["status"], hit["client_ip"], hit["category"]) == ("success", "10.1.2.3", "admin")
    denied = ask(operator, "/v1/audit/search", status="denied").json()["hits"]
    assert [hit["thing_id"] for hit in denied] == ["r"]
    options = ask(operator, "/v1/audit/filter-options").json()
    assert options["user"] == ["ada", "control"]
    assert options["client_ip"] == ["10.1.2.3"]
