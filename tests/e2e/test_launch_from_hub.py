"""A launch whose files come from a hub, on a real server: told, used, kept over a kill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.files.conftest import content
from tests.files.hub import Hub
from tests.support.server import Server, serving, wait_for

pytestmark = pytest.mark.server

SIZE = 24 << 20
SOURCE = {"hub": "huggingface", "id": "acme/model", "entry": "model.gguf"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub({"acme/model": {"model.gguf": content(SIZE)}})
    yield made
    made.close()


@pytest.fixture
def server(hub: Hub) -> Iterator[Server]:
    home_of_others = "/nonexistent"  # no cache, no token of whoever runs the tests
    with serving(XPLATFORM_HF_ENDPOINT=hub.url, HF_HOME=home_of_others, NO_PROXY="*") as server:
        yield server


def launch(server: Server, uid: str, **source: Any) -> None:
    body = {"uid": uid, "engine": "fake", "source": {**SOURCE, **source}}
    answer = server.post("/api/launches", body)
    assert answer.status in (200, 201, 202), answer.body


def messages(server: Server, uid: str) -> str:
    return str(server.launch_state(uid))


def files(server: Server) -> dict[str, Any]:
    [node] = server.get("/api/files").json()["nodes"]
    found: dict[str, Any] = node
    return found


def test_a_launch_fetches_uses_and_lets_go(server: Server, hub: Hub) -> None:
    hub.behaviour["model.gguf"].rate = 12 << 20
    launch(server, "m")
    wait_for(lambda: "downloading model.gguf" in messages(server, "m"), "the download to be told")
    wait_for(lambda: server.state("m") == "ready", "m to be ready", 60)
    assert server.chat("m").status == 200
    [cached] = files(server)["cached"]
    assert (cached["name"], cached["size"]) == ("acme/model", SIZE)
    [user] = cached["used_by"]
    assert user.startswith("m (replica ")
    assert server.request("DELETE", "/api/launches/m").status == 200
    wait_for(lambda: not files(server)["cached"][0]["used_by"], "the files to be free", 40)


def test_an_adapter_from_the_hub_is_attached_to_what_runs(server: Server, hub: Hub) -> None:
    hub.repos["acme/lora"] = {"adapter.gguf": b"GGUF"}
    server.launch("m")
    source = {"hub": "huggingface", "id": "acme/lora", "entry": "adapter.gguf"}
    body = {"adapters": [{"name": "law", "source": source}]}
    assert server.request("PUT", "/api/launches/m/adapters", body).status == 200
    wait_for(lambda: server.replica("m").get("adapters") == ["law"], "the adapter", 60)
    assert server.chat("m:law", max_tokens=2).status == 200
    [cached] = files(server)["cached"]
    assert cached["name"] == "acme/lora"
    assert cached["used_by"]


def test_killed_while_it_fetches(server: Server, hub: Hub) -> None:
    hub.behaviour["model.gguf"].rate = 4 << 20
    launch(server, "m")
    wait_for(lambda: hub.sent["model.gguf"] > 4 << 20, "the download to begin", 60)
    server.kill("control")  # and the node agent in it
    wait_for(lambda: server.state("m") == "ready", "m to be ready after all", 90)
    # What had arrived was not fetched again.
    assert hub.sent["model.gguf"] < SIZE + (2 << 20)


def test_a_launch_that_cannot_be_fetched_says_why(server: Server, hub: Hub) -> None:
    hub.gated.add("acme/model")
    launch(server, "m")
    wait_for(lambda: server.launch_state("m").get("state") == "failed", "m to fail", 40)
    assert "is gated or private" in messages(server, "m")
    assert "XPLATFORM_HF_TOKEN" in messages(server, "m")
    attempts = [r for r in hub.requests if "/resolve/" in r.path]
    assert len(attempts) == 1  # final: nobody tried again
