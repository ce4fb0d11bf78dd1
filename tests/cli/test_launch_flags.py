"""What ``xplatform launch`` makes of its flags, Xinference's and ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ApiServer, Run

NODES = [
    {
        "name": "gpu1",
        "address": "10.0.0.7",
        "devices": {
            "devices": [
                {"id": "cpu", "kind": "cpu"},
                {"id": "cuda:0", "kind": "cuda", "index": 0},
                {"id": "cuda:1", "kind": "cuda", "index": 1},
            ]
        },
    },
    {"name": "cpu1", "address": "10.0.0.8", "devices": {"devices": [{"id": "cpu", "kind": "cpu"}]}},
]


@pytest.fixture
def body(xplatform: Run, api: ApiServer) -> Any:
    """The order that some flags become."""
    api.answers["GET", "/api/nodes"] = [(200, NODES)]
    api.answers["POST", "/api/launches"] = [(201, {"uid": "m", "state": "starting"})]

    def order(*words: str, **environment: str) -> Any:
        done = xplatform("launch", "--endpoint", api.endpoint, "--no-wait", *words, **environment)
        assert done.returncode == 0, done.stderr
        return api.requests[-1][3]

    return order


def test_as_xinference_is_called(body: Any) -> None:
    """Every flag of its command line that has a meaning here."""
    made = body(
        "-n", "qwen3", "-t", "LLM", "-en", "vLLM", "-u", "m", "-s", "0_6", "-f", "pytorch",
        "-q", "none", "-r", "2", "--n-gpu", "1", "--gpu-idx", "0,1",
        "--worker-ip", "10.0.0.7:30001",
        "--context-length", "4096", "--lora-modules", "a", "/loras/a", "--lora-modules", "b", "/b",
        "--trust-remote-code", "true", "--enable-thinking", "false", "--env", "A", "1",
        "--virtual-env-package", "numpy==2", "--quantization-config", "load_in_8bit", "True",
        "--max_model_len", "4096", "--gpu-memory-utilization", "0.9", "--enforce-eager",
    )  # fmt: skip
    assert made == {
        "uid": "m", "family": "qwen3", "kind": "llm", "engine": "vllm", "size": "0.6",
        "format": "pytorch", "quantization": "none", "context_length": 4096,
        "trust_remote_code": True, "min_replicas": 2, "max_replicas": 2,
        "options": {
            "max_model_len": 4096, "gpu_memory_utilization": 0.9, "enforce_eager": True,
            "quantization_config": {"load_in_8bit": True}, "enable_thinking": False,
        },
        "environment": {"A": "1"}, "packages": ["numpy==2"],
        "adapters": [{"name": "a", "path": "/loras/a"}, {"name": "b", "path": "/b"}],
        "placement": {"nodes": ["gpu1"], "count": 1, "devices": ["cuda:0", "cuda:1"]},
    }  # fmt: skip


def test_our_own(body: Any, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").touch()
    made = body(
        "--uid", "m", "--model-path", str(tmp_path / "m.gguf"), "--engine", "llama.cpp",
        "--min-replicas", "0", "--max-replicas", "4", "--idle-seconds", "60", "--pin",
        "--prewarm", "--anyway", "--label", "zone=a", "--node", "cpu1", "--n-gpu", "none",
        "--option", 'a={"b": 1}', "--c=x",
    )  # fmt: skip
    assert made == {
        "uid": "m", "model_path": str(tmp_path / "m.gguf"), "engine": "llama.cpp",
        "min_replicas": 0, "max_replicas": 4, "idle_seconds": 60.0, "pinned": True,
        "prewarm": True, "launch_anyway": True, "options": {"c": "x", "a": {"b": 1}},
        "placement": {"nodes": ["cpu1"], "labels": {"zone": "a"}, "count": None},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "environment", "wanted"),
    [
        (("-n", "qwen3"), {}, {"uid": "qwen3", "family": "qwen3"}),
        (("-n", "Qwen/Qwen3-0.6B"), {}, {"uid": "Qwen3-0.6B", "family": "Qwen/Qwen3-0.6B"}),
        (
            ("-n", "Qwen/Qwen3-0.6B", "--hub", "modelscope", "--revision", "v1"),
            {},
            {
                "uid": "Qwen3-0.6B",
                "source": {"hub": "modelscope", "id": "Qwen/Qwen3-0.6B", "revision": "v1"},
            },
        ),
        (
            ("-n", "Qwen/Qwen3-0.6B"),
            {"XINFERENCE_MODEL_SRC": "modelscope"},
            {"uid": "Qwen3-0.6B", "family": "Qwen/Qwen3-0.6B", "hub": "modelscope"},
        ),
        (("-u", "demo"), {}, {"uid": "demo"}),
        (("-u", "m", "-r", "3"), {}, {"uid": "m", "min_replicas": 3, "max_replicas": 3}),
        (("-u", "m", "--n-gpu", "auto"), {}, {"uid": "m", "placement": {"count": "auto"}}),
        (("-u", "m", "--trust-remote-code"), {}, {"uid": "m", "trust_remote_code": True}),
    ],
)
def test_names_and_defaults(
    body: Any, words: tuple[str, ...], environment: dict[str, str], wanted: Any
) -> None:
    assert body(*words, **environment) == wanted


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-0.5", -0.5), ("true", True), ("False", False), ("None", None),
        ("[1, 2]", [1, 2]), ("1e-3", 0.001), ("text", "text"), ("01", "01"), ("", ""),
    ],
)  # fmt: skip
def test_values_of_engine_options_are_typed(body: Any, text: str, value: object) -> None:
    made = body("-u", "m", f"--an-option={text}")
    assert json.dumps(made["options"]) == json.dumps({"an_option": value})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-u", "m", "word"), "'word' belongs to no flag"),
        (("-u", "m", "--n-worker", "2"), "--n-worker"),
        (("-u", "m", "--n-gpu", "many"), "not auto, none or a number"),
        (("-u", "m", "--gpu-idx", "x"), "not a list of numbers"),
        (("-u", "m", "--gpu-idx", "9"), "no node has such an accelerator"),
        (("-u", "m", "--trust-remote-code", "perhaps"), "invalid true or false value"),
        ((), "Say what to launch"),
    ],
)
def test_mistakes(xplatform: Run, api: ApiServer, words: tuple[str, ...], said: str) -> None:
    api.answers["GET", "/api/nodes"] = [(200, NODES)]
    done = xplatform("launch", "--endpoint", api.endpoint, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not [request for request in api.requests if request[0] == "POST"]
