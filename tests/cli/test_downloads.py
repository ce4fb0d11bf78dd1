"""``xplatform download``, ``cached`` and ``remove-cache`` with a hub on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.test_server_commands import Run, Terminal, data, x
from tests.files.conftest import content
from tests.files.hub import Hub
from tests.support.server import Server, serving, wait_for

__all__ = ["x"]

pytestmark = [pytest.mark.server, pytest.mark.slow]

SIZE = 8 << 20


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub({"acme/model": {"model.gguf": content(SIZE), "config.json": b"{}"}})
    yield made
    made.close()


@pytest.fixture
def server(hub: Hub) -> Iterator[Server]:
    home_of_others = "/nonexistent"  # no cache, no token of whoever runs the tests
    with serving(XPLATFORM_HF_ENDPOINT=hub.url, HF_HOME=home_of_others, NO_PROXY="*") as server:
        yield server


def only(x: Run) -> Any:
    [download] = data(x("download", "--json"))
    return download


def test_fetched_paused_resumed_and_removed(x: Run, server: Server, hub: Hub) -> None:
    hub.behaviour["model.gguf"].rate = 256 << 10
    said = x("download", "-n", "acme/model", "--no-wait").stdout
    id = only(x)["id"]
    assert said.startswith("acme/model is being fetched by ")
    assert id in said
    wait_for(lambda: hub.sent["model.gguf"] > 128 << 10, "the first bytes", 60)

    assert x("download", "--pause", id).stdout.startswith(f"{id}: ")
    wait_for(lambda: only(x)["state"] == "paused", "the pause", 60)
    assert "paused" in x("download").stdout
    [entry] = data(x("cached", "--json"))
    assert 0 < entry["partial"] < SIZE

    # Who asks for it by name goes on with it, and sees how far it is.
    hub.behaviour["model.gguf"].rate = 2 << 20
    x("download", "--resume", id)
    terminal = Terminal(server, "download", "-n", "acme/model")
    terminal.read_until("█")
    terminal.read_until(" of 8")
    terminal.read_until("acme/model is on ")
    assert terminal.close() == 0
    assert hub.sent["model.gguf"] < SIZE + (2 << 20)  # what had come was not fetched again
    assert only(x)["state"] == "done"

    assert "acme/model" in x("cached").stdout
    [entry] = data(x("cached", "-n", "MODEL", "--json"))
    assert (entry["size"], entry["partial"]) == (SIZE + 2, 0)
    assert data(x("cached", "-n", "other", "--json")) == []
    assert "--yes" in x("remove-cache", "-n", "acme/model", code=2).stderr
    assert "are removed" in x("remove-cache", "-n", "acme/model", "--yes").stdout
    assert "No node keeps" in x("cached").stdout
    assert not list((server.home / "models").rglob("model.gguf"))


def test_what_is_in_use_stays(x: Run, server: Server, hub: Hub) -> None:
    x("download", "-n", "acme/model")
    [entry] = data(x("cached", "--json"))
    source = {"hub": "huggingface", "id": "acme/model", "entry": "model.gguf"}
    body = {"uid": "m", "engine": "fake", "source": source}
    assert server.post("/api/launches", body).status in (200, 201, 202)
    wait_for(lambda: server.state("m") == "ready", "m to be ready", 60)
    assert "m (replica " in x("cached").stdout
    assert "in use by m" in x("remove-cache", "--id", entry["id"], "-y", code=5).stderr
    x("terminate", "-u", "m")
    wait_for(lambda: not data(x("cached", "--json"))[0]["used_by"], "the files to be free", 60)
    x("remove-cache", "--id", entry["id"], "-y")
    assert data(x("cached", "--json")) == []


def test_cancelled_and_refused(x: Run, hub: Hub) -> None:
    hub.behaviour["model.gguf"].rate = 256 << 10
    x("download", "-n", "acme/model", "--no-wait")
    id = only(x)["id"]
    x("download", "--cancel", id)
    wait_for(lambda: only(x)["state"] == "cancelled", "the end", 60)
    x("download", "--pause", id, code=5)
    hub.gated.add("acme/model")
    hub.behaviour["model.gguf"].rate = 0
    refused = x("download", "-n", "acme/model", code=1)
    assert "gated or private" in refused.stderr
    assert os.linesep not in refused.stderr.strip()
