"""Loading models into the llama.cpp engine: what it tells, what it refuses."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from tests.engines.driver import EngineProcess, engine_python
from tests.engines.llama_cases import ENGINE, greedy, loaded
from tests.support.tiny_gguf import CONTEXT
from xplatform.engines.protocol import Failed, Sampling

pytestmark = pytest.mark.engine


def test_ready_tells_what_the_model_can_do(plain: EngineProcess) -> None:
    ready = plain.ready
    assert ready is not None
    assert (ready.slots, ready.context_length) == (2, 512)
    assert {"chat", "completion", "continuation", "json_schema"} <= set(
        ready.capabilities.abilities
    )
    assert not {"tools", "reasoning", "vision", "embedding"} & set(ready.capabilities.abilities)
    assert "tools" not in ready.capabilities.parameters
    assert "suffix" not in ready.capabilities.parameters
    assert ready.details["architecture"] == "llama"
    assert plain.hello.engine == ENGINE and plain.hello.engine_version
    assert [step.fraction for step in plain.progress] == sorted(s.fraction for s in plain.progress)


def test_context_defaults_to_the_models(gguf: dict[str, Path]) -> None:
    with loaded(gguf["bare"], slots=3) as engine:
        assert engine.ready is not None and engine.ready.context_length == CONTEXT
        tokens = engine.ask("tokenize", {"text": "x" * (CONTEXT - 1)}).result["tokens"]
        answer = engine.ask("completion", {"prompt": tokens}, Sampling(max_tokens=1))
        assert answer.usage.prompt_tokens == CONTEXT - 1


def damaged(model: Path, folder: Path) -> dict[str, Path]:
    data = model.read_bytes()
    files = {
        "missing": None,
        "text": b"I am no model, whatever my name says. " * 10,
        "empty": b"",
        "half a header": data[:3000],
        "no tensors": data[: len(data) // 2],
        "last tensor cut": data[:-100],
        "absurd": b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60) + b"\0" * 100,
        "version": b"GGUF" + struct.pack("<IQQ", 99, 1, 1) + b"\0" * 100,
    }
    paths = {name: folder / f"{name.replace(' ', '-')}.gguf" for name in files}
    for name, content in files.items():
        if content is not None:
            paths[name].write_bytes(content)
    return paths


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("missing", "no model file"),
        ("text", "not a GGUF file"),
        ("empty", "not a GGUF file"),
        ("half a header", "truncated"),
        ("no tensors", "truncated"),
        ("last tensor cut", "not within the file bounds"),
        ("absurd", "damaged"),
        ("version", "version 99"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(
    gguf: dict[str, Path], tmp_path: Path, what: str, words: str
) -> None:
    path = damaged(gguf["plain"], tmp_path)[what]
    with EngineProcess(ENGINE, engine_python(ENGINE)) as engine:
        failed = engine.load(path)
        assert isinstance(failed, Failed)
        assert failed.fault.code == "invalid"
        assert words in failed.fault.message and path.name in failed.fault.message
        assert engine.process.wait(10) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_thread": 2}, "did you mean n_threads"),
        ({"n_batch": "many"}, "whole number"),
        ({"n_threads": 0}, "between"),
        ({"cache_type_k": "q9_9"}, "q8_0"),
        ({"n_ctx": 4096}, "context length"),
        ({"mcp_servers_json": "{}"}, "no option"),
    ],
)
def test_a_bad_option_is_refused_by_name(
    gguf: dict[str, Path], options: dict[str, Any], words: str
) -> None:
    with EngineProcess(ENGINE, engine_python(ENGINE)) as engine:
        failed = engine.load(gguf["plain"], options=options)
        assert isinstance(failed, Failed)
        assert (failed.fault.code, failed.fault.param) == ("invalid", next(iter(options)))
        assert words in failed.fault.message


def test_options_by_llama_cpps_names(gguf: dict[str, Path]) -> None:
    options = {"n-threads": 2, "cache_type_k": "bf16", "flash_attn": "on", "n_batch": 64}
    with loaded(gguf["plain"], options=options) as engine:
        assert engine.ready is not None and engine.ready.details["threads"] == 2
        assert engine.chat("hello", greedy(max_tokens=4)).usage.completion_tokens == 4
