"""A node's files: fetched before a replica starts, in use while it runs, asked about."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.models.node import model_files, preparation, questions
from apps.models.node.adapter_files import AdapterFiles
from apps.models.node.agent import Agent, child_name
from apps.models.node.questions import Here, answer
from tests.files.hub import Hub
from tests.models.fake_warden import FakeWarden
from tests.models.test_agent import KEY, agent, reports, spec, start, told, wait_for, warden
from tests.models.test_agent import settings as plain_settings
from tests.models.world import FakeSender
from xplatform import files
from xplatform.core.config import Settings
from xplatform.core.errors import Conflict, InvalidValue, NotFound
from xplatform.files import Patience

__all__ = ["agent", "plain_settings", "reports", "warden"]

questions.learn()

SOURCE = {"hub": "huggingface", "id": "acme/tiny", "entry": "tiny.gguf"}
BYTES = bytes(range(256)) * 4096


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub({"acme/tiny": {"tiny.gguf": BYTES, "README.md": b"#"}})
    yield made
    made.close()


@pytest.fixture
def settings(
    plain_settings: Settings, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    made = msgspec.structs.replace(plain_settings, hf_endpoint=hub.url)
    store = files.Files(made, Patience(first=0.01, most=0.05, tries=3))
    monkeypatch.setattr(files, "files_of", lambda settings: store)
    return made


@pytest.fixture
def here(agent: Agent, settings: Settings) -> Here:
    return Here("n1", settings, agent)


def cached(settings: Settings) -> Any:
    [info] = files.files_of(settings).cached()
    return info


def test_a_replica_gets_its_files(
    agent: Agent, warden: FakeWarden, settings: Settings, reports: FakeSender, hub: Hub
) -> None:
    start(agent, warden, model_path="", source=SOURCE)
    order = preparation.spec_path(settings, *KEY)
    path = Path(msgspec.json.decode(order.read_bytes())["model_path"])
    assert path.read_bytes() == BYTES
    assert cached(settings).used_by == [f"m (replica {KEY[0]}, epoch {KEY[1]})"]
    with pytest.raises(Conflict, match="in use by m \\(replica"):
        files.files_of(settings).remove(cached(settings).id)
    assert any("tiny.gguf" in line or "looking up" in line for _, line in told(reports))

    # Its end, as the agent learns and counts it.
    warden.processes[child_name(KEY)].kill()
    warden.processes[child_name(KEY)].wait()
    agent.tell_ends(agent.listing())
    agent.stop_replica(*KEY, 0.0)
    assert cached(settings).used_by == []
    files.files_of(settings).remove(cached(settings).id)


def test_adapters_are_fetched_too(
    agent: Agent, warden: FakeWarden, settings: Settings, hub: Hub
) -> None:
    hub.repos["acme/lora"] = {"adapter.gguf": b"GGUF"}
    lora = {"hub": "huggingface", "id": "acme/lora", "entry": "adapter.gguf"}
    given = [{"name": "a", "source": lora, "scale": 0.5}, {"name": "b", "path": "/b"}]
    start(agent, warden, adapters=given)
    order = msgspec.json.decode(preparation.spec_path(settings, *KEY).read_bytes())
    first, second = order["adapters"]
    assert Path(first.pop("path")).read_bytes() == b"GGUF"
    assert (first, second) == ({"name": "a", "scale": 0.5}, {"name": "b", "path": "/b"})
    assert len(cached(settings).used_by) == 1


def test_adapters_of_a_replica_that_runs(
    agent: Agent, warden: FakeWarden, settings: Settings, hub: Hub
) -> None:
    """What cannot be had keeps the others from nothing, and is not asked for again and again."""
    start(agent, warden)
    hub.repos["acme/lora"] = {"adapter.gguf": b"GGUF"}
    lora = {"hub": "huggingface", "id": "acme/lora", "entry": "adapter.gguf", "peers": []}
    gone = {"hub": "huggingface", "id": "acme/gone"}
    given = [
        {"name": "a", "source": lora, "scale": 0.5},
        {"name": "b", "path": "/b"},
        {"name": "c", "source": gone},
    ]
    said: list[Any] = []
    adapters = AdapterFiles(settings, lambda *told: said.append(told))
    adapters.set(*KEY, given)
    wait_for(lambda: said)
    [(id, epoch, kind, values)] = said
    first, second = values["adapters"]
    assert (id, epoch, kind) == (*KEY, "adapters")
    assert Path(first.pop("path")).read_bytes() == b"GGUF"
    assert (first, second) == ({"name": "a", "scale": 0.5}, {"name": "b", "path": "/b"})
    assert len(cached(settings).used_by) == 1

    asked = len(hub.requests)
    adapters.set(*KEY, given)
    wait_for(lambda: len(said) == 2)
    assert len(hub.requests) == asked

    # When the replica is gone nobody is told.
    preparation.spec_path(settings, *KEY).unlink()
    assert cached(settings).used_by == []
    adapters.set(*KEY, given)
    wait_for(lambda: not adapters._orders)
    assert len(said) == 2


def test_an_adapter_that_comes_slowly_ends_with_its_replica(
    agent: Agent, warden: FakeWarden, settings: Settings, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_files, "_TELL_EVERY", 0.0)
    start(agent, warden)
    hub.behaviour["tiny.gguf"].rate = 1 << 18
    said: list[Any] = []
    adapters = AdapterFiles(settings, lambda *told: said.append(told))
    adapters.set(*KEY, [{"name": "a", "source": SOURCE}])
    wait_for(lambda: hub.sent["tiny.gguf"])
    preparation.spec_path(settings, *KEY).unlink()
    wait_for(lambda: not adapters._orders)
    assert said == []
    assert hub.sent["tiny.gguf"] < len(BYTES)


def test_progress_is_told_in_bytes(
    agent: Agent, warden: FakeWarden, settings: Settings, reports: FakeSender, hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(model_files, "_TELL_EVERY", 0.0)
    hub.behaviour["tiny.gguf"].rate = 1 << 20
    start(agent, warden, model_path="", source=SOURCE)
    lines = [line for _, line in told(reports) if line.startswith("downloading tiny.gguf ")]
    assert lines
    assert all(" of 1.0 MB, " in line and line.endswith("B/s") for line in lines if "/s" in line)


def test_a_launch_that_is_cancelled_ends_its_download(
    agent: Agent, warden: FakeWarden, settings: Settings, reports: FakeSender, hub: Hub
) -> None:
    hub.behaviour["tiny.gguf"].silent = 1
    agent.start_replica(spec(model_path="", source=SOURCE))
    wait_for(lambda: hub.sent["tiny.gguf"])
    agent.stop_replica(*KEY, 0.0)
    wait_for(lambda: ("stopped", "cancelled") in told(reports))
    wait_for(lambda: files.files_of(settings).downloads()[0].state == "paused")
    assert warden.started == []
    assert cached(settings).used_by == []


@pytest.mark.parametrize(
    ("source", "says", "final"),
    [
        ({**SOURCE, "id": "acme/none"}, "no repository 'acme/none'", True),
        ({**SOURCE, "entry": "x.gguf"}, "has no file 'x.gguf'", True),
        ({"hub": "nowhere", "id": "x"}, "the order names no source", True),
        ({"hub": "uri", "id": "http://127.0.0.1:9/x.gguf"}, "cannot be reached", False),
    ],
)
def test_a_refusal_is_the_replicas_reason(
    agent: Agent, reports: FakeSender, source: dict[str, Any], says: str, final: bool
) -> None:
    agent.start_replica(spec(model_path="", source=source))
    wait_for(lambda: told(reports)[-1][0] == "failed")
    last = reports.sent[-1].args[0]
    assert says in last["message"]
    assert last.get("final", False) is final


def test_questions(here: Here, settings: Settings, hub: Hub) -> None:
    hub.behaviour["tiny.gguf"].rate = 1 << 20
    begun = answer(here, "files.fetch", {"source": {**SOURCE, "peers": []}})["download"]
    id = begun["id"]
    assert (begun["hub"], begun["name"]) == ("huggingface", "acme/tiny")

    def shown() -> dict[str, Any]:
        download: dict[str, Any] = answer(here, "files.show", {"id": id})["download"]
        return download

    wait_for(lambda: shown()["done"])
    answer(here, "files.pause", {"id": id})
    wait_for(lambda: shown()["state"] == "paused")
    answer(here, "files.resume", {"id": id})
    wait_for(lambda: shown()["state"] == "done")
    listed = answer(here, "files.list", {})
    msgspec.msgpack.encode(listed)  # as it travels
    assert [d["id"] for d in listed["downloads"]] == [id]
    [entry] = listed["cached"]
    assert entry["size"] == listed["disk"]["used"] == len(BYTES)
    removed = answer(here, "files.remove", {"id": entry["id"]})["removed"]
    assert removed["name"] == "acme/tiny"
    assert answer(here, "files.forget", {"id": id}) == {}
    assert answer(here, "files.list", {})["downloads"] == []
    assert answer(here, "files.peers", {}) == {"url": None}
    open_ = msgspec.structs.replace(here.settings, peer_port=9998, peer_token="t")
    url = answer(dataclasses.replace(here, settings=open_), "files.peers", {})["url"]
    assert re.fullmatch(r"http://[^/]+:9998", url)
    assert "127.0.0.1" not in url
    for name in ("show", "pause", "resume", "cancel", "forget", "remove"):
        with pytest.raises(NotFound):
            answer(here, f"files.{name}", {"id": id})
    with pytest.raises(InvalidValue, match="`source` does not fit"):
        answer(here, "files.fetch", {"source": {"hub": "x"}})


def test_cancel_by_question(here: Here, hub: Hub) -> None:
    hub.behaviour["tiny.gguf"].silent = 1
    id = answer(here, "files.fetch", {"source": SOURCE})["download"]["id"]
    wait_for(lambda: hub.sent["tiny.gguf"])
    answer(here, "files.cancel", {"id": id})
    wait_for(lambda: answer(here, "files.show", {"id": id})["download"]["state"] == "cancelled")
