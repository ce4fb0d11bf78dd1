"""``/api/engines`` of a real server, whose environments are shared with other tests: none of them
is touched but one that is made here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.server import Server, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.slow]


def engine(server: Server, name: str, **kwargs: Any) -> Any:
    answer = server.get("/api/engines", **kwargs)
    assert answer.status == 200, answer.body
    return next(one for one in answer.json() if one["name"] == name)


def test_what_there_is(server: Server, tokens: dict[str, str]) -> None:
    found = wait_for(
        lambda: [one for one in engine(server, "llama.cpp")["nodes"] if one["state"] != "unknown"],
        "the node's answer",
    )
    (node,) = found
    assert node["node"] == "local" and node["why"] == "" and node["installation"] is None
    llama = engine(server, "llama.cpp", key=tokens["developer-of-ours"])
    assert "ggufv2" in llama["formats"] and "embedding" in llama["kinds"] and llama["available"]
    vllm = engine(server, "vllm")
    assert not vllm["available"] and vllm["nodes"] == [] and vllm["version"] == ""
    names = [one["name"] for one in server.get("/api/engines").json()]
    assert "fake" not in names and names.index("transformers") < names.index("vllm")


def test_who_may(server: Server, tokens: dict[str, str]) -> None:
    assert server.get("/api/engines", key=tokens["viewer-of-ours"]).status == 403
    for method, path in (
        ("POST", "/api/engines/llama.cpp/install"),
        ("DELETE", "/api/engines/llama.cpp/environments/local/1"),
    ):
        assert server.request(method, path, {}, key=tokens["owner-of-ours"]).status == 403
    for path, param in (
        ("vllm/install", "engine"),
        ("fake/install", "engine"),
    ):
        answer = server.post(f"/api/engines/{path}", {})
        assert (answer.status, answer.json()["error"]["param"]) == (404, param)
    answer = server.post("/api/engines/llama.cpp/install", {"node": "nobody"})
    assert (answer.status, answer.json()["error"]["param"]) == (404, "node")
    gone = server.request("DELETE", "/api/engines/llama.cpp/environments/local/0.0")
    assert (gone.status, gone.json()["error"]["param"]) == (404, "version")


def test_a_failed_installation_says_why_and_what_is_left_of_it_goes() -> None:
    """From an index without a file, in a home whose environments are its own."""
    with serving("--no-demo", XPLATFORM_ENGINE_INDEX="/no/such/folder") as server:
        (server.home / "engines").unlink(missing_ok=True)
        wait_for(lambda: engine(server, "transformers")["nodes"], "the node")
        began = server.post("/api/engines/transformers/install", {"node": "local"})
        assert (began.status, began.json()) == (202, {"nodes": ["local"], "failed": []})

        def done() -> Any:
            (node,) = engine(server, "transformers")["nodes"]
            return node if (node["installation"] or {}).get("done") else None

        node = wait_for(done, "the end of the installation", 90)
        assert node["state"] == "partial" and "pip said" in node["why"]
        version = engine(server, "transformers")["version"]
        assert [one["version"] for one in node["environments"]] == [version]
        path = f"/api/engines/transformers/environments/local/{version}"
        assert server.request("DELETE", path).status == 204
        (node,) = engine(server, "transformers")["nodes"]
        assert (node["state"], node["environments"]) == ("missing", [])
        audit = server.get("/api/audit?thing=engine").json()["entries"]
        assert {entry["action"] for entry in audit} == {"engines.install", "engines.drop"}
