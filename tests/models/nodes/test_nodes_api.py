"""``/api/nodes`` and ``/api/join-tokens`` over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from apps.models import api
from tests.models.nodes.conftest import Broker, Http
from tests.models.world import World, an_order
from tests.support.people import key_of


def test_a_machine_joins(http: Http, users: Broker) -> None:
    made = http("POST", "join-tokens", {"name": "rack 7"})
    assert made.status_code == 201
    token = made.json()["token"]
    assert "token" not in http("GET", f"join-tokens/{made.json()['id']}").json()
    body = {"name": "w1", "instance": "i1", "version": "1", "labels": {"zone": "a"}}
    got = http("POST", "nodes/join", body, token=token)
    assert got.status_code == 200, got.content
    assert got.json()["node"] == "w1"
    assert users.granted == [("w1", "testserver")]
    assert http("GET", "nodes/w1").json()["labels"] == {"zone": "a"}
    [listed] = http("GET", "join-tokens").json()
    assert listed["nodes"] == ["w1"]
    revoked = http("DELETE", f"join-tokens/{listed['id']}").json()
    assert revoked["state"] == "revoked"
    again = http("POST", "nodes/join", body, token=token)
    assert (again.status_code, again.json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("token", [None, "xp-join-wrong", "ä"])
def test_no_token_no_join(client: Any, world: World, users: Broker, token: str | None) -> None:
    answer = Http(client, token)("POST", "nodes/join", {"name": "w1"})
    assert answer.status_code == 401
    assert users.granted == []


def test_an_api_key_does_not_join(http: Http, users: Broker) -> None:
    assert http("POST", "nodes/join", {"name": "w1"}).status_code == 401


def test_a_join_token_opens_nothing_else(http: Http) -> None:
    token = http("POST", "join-tokens", {"name": "t"}).json()["token"]
    for path in ("nodes", "join-tokens", "launches"):
        assert http("GET", path, token=token).status_code == 401


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "name"), ({"name": "a b"}, "name"), ({"name": "w", "labels": {"x": "a b"}}, "labels")],
)
def test_bad_joins_name_their_field(http: Http, body: dict[str, Any], param: str) -> None:
    token = http("POST", "join-tokens", {"name": "t"}).json()["token"]
    answer = http("POST", "nodes/join", body, token=token)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_life_of_a_node(http: Http, world: World) -> None:
    assert {n["name"] for n in http("GET", "nodes").json()} == {"n1", "n2"}
    assert http("POST", "nodes/n1/cordon").json()["cordoned"]
    assert http("POST", "nodes/n1/drain").json()["draining"]
    back = http("POST", "nodes/n1/uncordon").json()
    assert (back["cordoned"], back["draining"]) == (False, False)
    labelled = http("PATCH", "nodes/n1", {"labels": {"rack": "7", "none": None}})
    assert labelled.json()["labels"] == {"rack": "7"}
    assert http("DELETE", "nodes/n1").status_code == 204
    assert http("GET", "nodes/n1").status_code == 404


def test_a_busy_node_is_not_removed(http: Http, world: World) -> None:
    for uid in ("a", "b"):
        api.launch(an_order(uid))
    answer = http("DELETE", "nodes/n1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


def test_only_administrators(client: Any, world: World, users: Broker) -> None:
    key = key_of("visitor")
    visitor = Http(client, key)
    assert visitor("GET", "nodes").status_code == 200
    for method, path in (
        ("POST", "nodes/n1/cordon"),
        ("POST", "nodes/n1/uncordon"),
        ("POST", "nodes/n1/drain"),
        ("PATCH", "nodes/n1"),
        ("DELETE", "nodes/n1"),
        ("GET", "join-tokens"),
        ("POST", "join-tokens"),
        ("DELETE", "join-tokens/1"),
    ):
        assert visitor(method, path, {}).status_code == 403, path


def test_unknown_ones(http: Http) -> None:
    for method, path in (
        ("GET", "nodes/n9"),
        ("DELETE", "nodes/n9"),
        ("POST", "nodes/n9/drain"),
        ("GET", "join-tokens/9"),
        ("DELETE", "join-tokens/x"),
    ):
        assert http(method, path).status_code == 404, path
