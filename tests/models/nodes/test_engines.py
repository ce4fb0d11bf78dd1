"""``/api/engines`` where one of several nodes does not do as it should."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from apps.models.models import Node
from apps.models.nodes import ask
from tests.models.nodes.conftest import Http
from xplatform.core import errors

ENGINE = "llama.cpp"
ENTRY = {
    "name": ENGINE, "state": "ready", "installation": None, "needs": 1,
    "environments": [
        {"version": "1", "current": True, "state": "ready", "size": 5, "in_use": False}
    ],
}  # fmt: skip
WHOLE = msgspec.msgpack.encode({"answer": {"engines": [ENTRY], "free": 1 << 40}})
REFUSAL = msgspec.msgpack.encode({"error": {"code": "internal", "message": "No.", "data": None}})

#: what may come from a node instead of an answer → what is said of it
BROKEN: dict[str, tuple[bytes | None, str]] = {
    "silent": (None, "does not answer"),
    "cut": (WHOLE[:-9], "damaged"),
    "no reason": (msgspec.msgpack.encode({"error": {}}), "says no more"),
    "rubbish": (b"\xc1", "damaged"),
    "no mapping": (msgspec.msgpack.encode([1]), "damaged"),
    "refused": (REFUSAL, "No."),
    "of another version": (msgspec.msgpack.encode({"answer": {"engines": [{}]}}), "understood"),
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch, world: Any) -> dict[str, bytes | None]:
    """Node → what comes from it; two are up."""
    Node.objects.exclude(name="n1").delete()
    Node.objects.create(name="n2")
    found: dict[str, bytes | None] = {"n1": WHOLE, "n2": WHOLE}
    monkeypatch.setattr(ask, "answer_key", lambda node, secret: node)
    monkeypatch.setattr(ask, "_wait", lambda key, timeout: found[key])
    return found


def engine(http: Http) -> dict[str, Any]:
    """Node → what is told of the engine there."""
    answer = http("GET", "engines")
    assert answer.status_code == 200, answer.content
    one = next(one for one in answer.json() if one["name"] == ENGINE)
    return {node["node"]: node for node in one["nodes"]}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_one_does_not_tell_takes_nothing_from_the_others(
    http: Http, answers: dict[str, bytes | None], kind: str
) -> None:
    answers["n1"], said = BROKEN[kind]
    found = engine(http)
    assert (found["n2"]["answered"], found["n2"]["state"]) == (True, "ready")
    assert found["n2"]["environments"][0]["version"] == "1"
    assert (found["n1"]["answered"], found["n1"]["state"]) == (False, "unknown")
    assert said in found["n1"]["why"] and found["n1"]["environments"] == []
    Node.objects.filter(name="n1").update(engines={ENGINE: "1"})
    assert engine(http)["n1"]["state"] == "ready"


def test_one_that_cannot_begin_stops_no_other(http: Http, answers: dict[str, bytes | None]) -> None:
    answers["n1"] = None
    begun = http("POST", f"engines/{ENGINE}/install", {})
    assert begun.status_code == 202, begun.content
    assert begun.json()["nodes"] == ["n2"]
    (failed,) = begun.json()["failed"]
    assert failed["node"] == "n1" and "does not answer" in failed["why"]
    answers["n2"] = REFUSAL
    none = http("POST", f"engines/{ENGINE}/install", {})
    assert (none.status_code, none.json()["error"]["code"]) == (503, errors.NodeSilent.code)
