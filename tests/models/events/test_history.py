"""``/api/events`` and the reading behind it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from apps.models.events import history
from apps.models.models import Event
from tests.models.world import World, an_order
from xplatform.core.config import secret

Rows = list[int]
R1 = uuid.UUID(int=1)


@pytest.fixture
def rows(clean_database: None) -> Rows:
    """Eight events: models a and b in turns, on nodes n1 and n2."""
    made = [
        Event.objects.create(
            who="control", uid="ab"[i % 2], subject=f"replica {i}", after="ready",
            node=f"n{1 + i // 4}", replica=R1 if i == 3 else None,
        )
        for i in range(8)
    ]  # fmt: skip
    return [event.pk for event in made]


@pytest.fixture
def get(client: Client, rows: Rows) -> Any:
    def get(query: str = "", status: int = 200) -> Any:
        headers = {"authorization": f"Bearer {secret('local')}"}
        answer = client.get(f"/api/events{query}", headers=headers)
        assert answer.status_code == status, answer.content
        return answer.json()

    return get


def ids(answer: Any) -> list[int]:
    return [event["id"] for event in answer["events"]]


def test_newest_last(get: Any, rows: Rows) -> None:
    assert ids(get()) == rows
    answer = get("?limit=3")
    assert ids(answer) == rows[-3:]
    assert (answer["last_id"], answer["more"]) == (rows[-1], False)


def test_shape(get: Any, rows: Rows) -> None:
    event = get("?limit=5")["events"][0]
    assert event.pop("at").endswith("Z")
    assert event == {
        "id": rows[3], "who": "control", "uid": "b", "subject": "replica 3", "node": "n1",
        "replica": str(R1), "before": "", "after": "ready", "why": "", "why_told": None,
        "project": "",
    }  # fmt: skip


def test_paging_forwards_meets_each_once(get: Any, rows: Rows) -> None:
    seen: list[int] = []
    after, more = 0, True
    while more:
        answer = get(f"?after={after}&limit=3")
        seen += ids(answer)
        after, more = answer["last_id"], answer["more"]
    assert seen == rows


def test_paging_backwards(get: Any, rows: Rows) -> None:
    answer = get(f"?before={rows[5]}&limit=2")
    assert ids(answer) == rows[3:5]
    assert answer["more"] is True
    assert ids(get(f"?before={rows[0]}")) == []


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?model=a", [0, 2, 4, 6]),
        ("?node=n2", [4, 5, 6, 7]),
        ("?model=b&node=n1", [1, 3]),
        (f"?replica={R1}", [3]),
        ("?model=none", []),
    ],
)
def test_filters(get: Any, rows: Rows, query: str, wanted: list[int]) -> None:
    assert ids(get(query)) == [rows[i] for i in wanted]
    answer = get(query + "&after=0")
    assert ids(answer) == [rows[i] for i in wanted]
    # What was passed over is not looked at again.
    assert answer["last_id"] == rows[-1]


def test_no_events_but_where_we_are(get: Any, rows: Rows) -> None:
    """With which a page begins: the state, then all events after this id."""
    assert get("?limit=0") == {"events": [], "last_id": rows[-1], "more": False}
    assert get("?limit=0&after=0")["last_id"] == 0


def test_nothing_new(get: Any, rows: Rows) -> None:
    assert get(f"?after={rows[-1]}") == {"events": [], "last_id": rows[-1], "more": False}


@pytest.mark.parametrize(
    ("query", "param", "says"),
    [
        ("?after=x", "after", "whole number"),
        ("?after=-1", "after", "whole number"),
        ("?after=99999999999999999999", "after", "whole number"),
        ("?limit=1001", "limit", "from 0 to 1000"),
        ("?before=0", "before", "from 1"),
        ("?replica=1", "replica", "no id of a replica"),
        ("?after=1&before=2", "before", "exclude"),
        ("?wait=5", "wait", "`after`"),
        ("?wait=500&after=1", "wait", "from 0 to 50"),
        ("?uid=m", "uid", "there are: after"),
    ],
)
def test_bad_queries(get: Any, query: str, param: str, says: str) -> None:
    error = get(query, 400)["error"]
    assert error["param"] == param
    assert says in error["message"]


def test_needs_a_key(client: Client, rows: Rows) -> None:
    assert client.get("/api/events").status_code == 401


def test_events_of_a_launch(world: World) -> None:
    from apps.models import api

    before = history.newest(history.Choice(), 0).last_id
    api.launch(an_order())
    world.settle(3)
    found = history.events(after_id=before, uid="m")
    assert (found[0].after, found[-1].after) == ("running", "ready")
    assert [event.id for event in found] == sorted(event.id for event in found)


def test_id_of_another_history(rows: Rows) -> None:
    assert not history.is_foreign(rows[-1])
    assert history.is_foreign(rows[-1] + 1)
