"""Families in Xinference's form: listed, registered, launched by their name, taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import apps.models
from tests.support.server import Server

DEMO = Path(apps.models.__file__).parent / "demo" / "demo.gguf"


def custom(name: str, **values: Any) -> dict[str, Any]:
    spec = {
        "model_format": "ggufv2",
        "model_size_in_billions": "0_5",
        "quantization": "none",
        "model_uri": str(DEMO),
    }
    return {
        "version": 2,
        "model_name": name,
        "model_lang": ["en"],
        "model_ability": ["chat"],
        "model_family": "other",
        "model_specs": [spec],
        **values,
    }


def test_the_catalogue_is_listed(client: Any) -> None:
    short = client.list_model_registrations("LLM")
    assert len(short) > 20
    assert {"model_name", "is_builtin"} == set(short[0])
    names = [entry["model_name"].lower() for entry in short]
    assert names == sorted(names)
    detailed = client.list_model_registrations("embedding", detailed=True)
    assert detailed[0]["model_specs"]
    one = client.get_model_registration("LLM", short[0]["model_name"])
    assert one["model_name"] == short[0]["model_name"]
    with pytest.raises(RuntimeError, match="no model type"):
        client.list_model_registrations("poem")
    with pytest.raises(RuntimeError, match="Did you mean"):
        client.get_model_registration("LLM", short[0]["model_name"] + "x")


def test_life_of_a_registration(client: Any) -> None:
    client.register_model("LLM", json.dumps(custom("my-own")), persist=True)
    found = client.get_model_registration("LLM", "my-own")
    assert found["is_builtin"] is False
    assert found["model_specs"][0]["model_uri"].endswith(str(DEMO))
    listed = {entry["model_name"]: entry for entry in client.list_model_registrations("LLM")}
    assert listed["my-own"]["is_builtin"] is False
    with pytest.raises(RuntimeError, match="registered already"):
        client.register_model("LLM", json.dumps(custom("my-own")), persist=False)
    client.unregister_model("LLM", "my-own")
    with pytest.raises(RuntimeError, match="my-own"):
        client.get_model_registration("LLM", "my-own")
    with pytest.raises(RuntimeError, match="my-own"):
        client.unregister_model("LLM", "my-own")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        (json.dumps({"model_name": "x"}), "model_specs"),
        (json.dumps(custom("a b")), "model_name"),
        (json.dumps(custom("x", model_ability=["sing"])), "model_ability"),
        (json.dumps(custom("x", model_specs=[])), "model_specs"),
        (json.dumps(custom("x", model_specs=[{"model_format": "zip"}])), "model_format"),
    ],
)
def test_wrong_registrations(client: Any, model: str, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        client.register_model("LLM", model, persist=True)


def test_versions_and_names_by_ability(server: Server, client: Any) -> None:
    families = server.get("/v1/models/families").json()
    assert set(families) >= {"chat", "generate", "tools", "vision"}
    assert families["chat"]
    assert isinstance(server.get("/v1/models/prompts").json(), dict)
    client.register_model("LLM", json.dumps(custom("versioned")), persist=True)
    (version,) = server.get("/v1/models/LLM/versioned/versions").json()
    assert version["model_version"] == "versioned--0_5B--ggufv2--none"
    assert version["cache_status"] is False
    client.unregister_model("LLM", "versioned")
    assert server.get("/v1/models/LLM/versioned/versions").status == 404
