"""LoRA adapters: called by name, attached and detached while the model runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tests.chaos.clients import Call, stream, whole
from tests.support.server import API_KEY, Answer, Server, serving, wait_for
from tests.support.tiny_gguf import write_llama, write_lora


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def adapter(name: str, path: object = "/dev/null") -> dict[str, Any]:
    return {"name": name, "path": str(path)}


def attach(server: Server, uid: str, *adapters: dict[str, Any]) -> Answer:
    answer = server.request("PUT", f"/api/launches/{uid}/adapters", {"adapters": list(adapters)})
    assert answer.status == 200, answer.body
    return answer


def marked(call: Call, name: str, tokens: int) -> None:
    """The fake engine puts the adapter's name before each number."""
    call.result()
    assert call.error is None, call
    assert call.text == "".join(f"{name}:{number} " for number in range(tokens)), call


def end(server: Server, uid: str) -> None:
    assert server.request("DELETE", f"/api/launches/{uid}").status == 200


def test_they_are_listed_and_called_by_name(server: Server) -> None:
    server.launch("m", options={"step_ms": 5}, adapters=[adapter("law"), adapter("art")])
    marked(stream(server, "m:law", 5), "law", 5)
    marked(whole(server, "m:art", 5), "art", 5)
    whole(server, "m", 5).counted(5)
    with OpenAI(base_url=server.base + "/v1", api_key=API_KEY) as client:
        cards = {card.id: card.to_dict() for card in client.models.list()}
        assert {"m", "m:law", "m:art"} <= cards.keys()
        assert (cards["m:law"]["parent"], cards["m"]["parent"]) == ("m", None)
        assert client.models.retrieve("m:art").to_dict()["root"] == "art"
    assert server.chat("m:law", max_tokens=1).json()["model"] == "m:law"
    refused = server.chat("m:tax")
    assert refused.status == 404
    assert "'m:law', 'm:art'" in refused.json()["error"]["message"]
    end(server, "m")


@pytest.mark.parametrize("at_start", [False, True])
def test_attach_and_detach_while_it_runs(server: Server, at_start: bool) -> None:
    """Also with an engine that must start anew for it: no request is lost."""
    options = {"step_ms": 5, "adapters_at_start": at_start}
    server.launch("live", options=options, slots=2)
    engine = server.engine_pid("live")
    running = stream(server, "live", 400).at(5)
    attach(server, "live", adapter("new"))
    calls = [stream(server, "live:new", 20), whole(server, "live", 20)]
    marked(calls[0], "new", 20)
    calls[1].counted(20)
    running.counted(400)
    assert (server.engine_pid("live") != engine) is at_start
    wait_for(lambda: server.replica("live").get("adapters") == ["new"], "the replica to tell", 30)
    attach(server, "live")
    wait_for(lambda: server.chat("live:new").status == 404, "the adapter to be gone", 30)
    wait_for(lambda: server.replica("live").get("adapters") == [], "the replica to let go", 30)
    whole(server, "live", 5).counted(5)
    end(server, "live")


def test_with_llama_cpp(server: Server, tmp_path: Path) -> None:
    """What an adapter does is tested with the engine; here the whole way."""
    model = write_llama(tmp_path / "base.gguf")
    one, two = write_lora(tmp_path / "one.gguf", 1), write_lora(tmp_path / "two.gguf", 2)
    merged = write_llama(tmp_path / "merged.gguf", merged=2)
    wanted = {"model_path": str(model), "engine": "llama.cpp", "context_length": 512}
    server.launch("tiny", **wanted, adapters=[adapter("one", one)])
    server.launch("merged", **wanted | {"model_path": str(merged)})

    def said(name: str) -> str:
        answer = server.chat(name, max_tokens=24, temperature=0)
        assert answer.status == 200, answer.body
        return str(answer.json()["choices"][0]["message"]["content"])

    base, first = said("tiny"), said("tiny:one")
    assert base != first
    attach(server, "tiny", adapter("one", one), adapter("two", two))
    assert said("tiny:two") == said("merged")
    assert (said("tiny"), said("tiny:one")) == (base, first)
    end(server, "tiny")
    end(server, "merged")


def test_an_engine_that_takes_none_says_so(server: Server) -> None:
    server.launch("vectors", kind="embedding", adapters=[adapter("x")], wait=False)
    state = wait_for(
        lambda: (s := server.launch_state("vectors"))["state"] == "failed" and s, "the refusal", 60
    )
    assert "takes no LoRA adapters" in state["reason"]
    end(server, "vectors")
