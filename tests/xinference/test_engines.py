"""Which engines can run a model, as Xinference's client asks for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.server import Server
from tests.xinference.test_registrations import custom


def test_engines_of_a_registration(client: Any) -> None:
    client.register_model("LLM", json.dumps(custom("some-gguf")), persist=True)
    engines = client.query_engine_by_model_name("some-gguf")
    assert engines["llama.cpp"] == [
        {
            "model_name": "some-gguf",
            "model_format": "ggufv2",
            "model_size_in_billions": "0_5",
            "quantizations": ["none"],
        }
    ]
    # Why not, in words.
    assert isinstance(engines["vLLM"], str)
    assert "ggufv2" in engines["Transformers"] or "pytorch" in engines["Transformers"]
    assert client.query_engine_by_model_name("some-gguf", model_type=None) == engines
    assert (
        client.query_engine_by_model_name("some-gguf", enable_virtual_env=False)["llama.cpp"]
        == engines["llama.cpp"]
    )
    client.unregister_model("LLM", "some-gguf")
    with pytest.raises(RuntimeError, match="some-gguf"):
        client.query_engine_by_model_name("some-gguf")


def test_engines_of_the_catalogue(client: Any, server: Server) -> None:
    for kind in ("LLM", "embedding", "rerank", "image", "audio", "video"):
        name = client.list_model_registrations(kind)[0]["model_name"]
        engines = client.query_engine_by_model_name(name, model_type=kind)
        assert engines, kind
        for offers in engines.values():
            if isinstance(offers, str):
                assert offers
            else:
                assert all(offer["quantizations"] for offer in offers)
    supported = client.vllm_models()
    assert len(supported["chat"]) > 10
    assert set(supported) == {"chat", "generate"}
    assert server.get("/v1/engines/poem/x").status == 400
