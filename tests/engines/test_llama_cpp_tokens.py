"""Tokens and embeddings by the llama.cpp adapter."""

from __future__ import annotations

import array
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.driver import EngineProcess
from tests.engines.llama_cases import greedy, loaded, refused
from tests.support.tiny_gguf import WIDTH

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def embedder(gguf: dict[str, Path]) -> Iterator[EngineProcess]:
    with loaded(gguf["embedding"], kind="embedding", slots=2, context_length=128) as engine:
        yield engine


@pytest.mark.parametrize("text", ["hello world", "h€llo 😀\n\tx", "the  weather ", "<|im_end|>"])
def test_tokens_and_back(plain: EngineProcess, text: str) -> None:
    result = plain.ask("tokenize", {"text": text}).result
    assert len(result["tokens"]) == len(result["texts"])
    assert plain.ask("detokenize", {"tokens": result["tokens"]}).result["text"] == text
    if text.isascii():
        assert "".join(result["texts"]) == text


def test_messages_as_tokens_are_what_chat_counts(plain: EngineProcess) -> None:
    messages = [{"role": "user", "content": "hello world"}]
    tokens = plain.ask("tokenize", {"messages": messages}).result["tokens"]
    answer = plain.ask("chat", {"messages": messages}, greedy(max_tokens=1))
    assert answer.usage.prompt_tokens == len(tokens)


def rows(result: dict[str, Any]) -> list[list[float]]:
    values = array.array("f", result["vectors"]).tolist()
    width = result["dimensions"]
    return [values[first : first + width] for first in range(0, len(values), width)]


def test_embeddings(embedder: EngineProcess) -> None:
    assert embedder.ready is not None and embedder.ready.kind == "embedding"
    inputs = ["hello", "the weather in the world", "hello"]
    answer = embedder.ask("embedding", {"inputs": inputs})
    vectors = rows(answer.result)
    assert answer.result["dimensions"] == WIDTH and len(vectors) == 3
    assert vectors[0] == pytest.approx(vectors[2], abs=2e-3)
    assert vectors[0] != pytest.approx(vectors[1], abs=5e-2)
    for vector in vectors:
        assert math.hypot(*vector) == pytest.approx(1.0, abs=1e-4)
    counted = sum(len(embedder.ask("tokenize", {"text": text}).result["tokens"]) for text in inputs)
    assert answer.usage.prompt_tokens == counted


def test_embeddings_of_many_inputs_keep_their_order(embedder: EngineProcess) -> None:
    inputs = [f"hello {number}" for number in range(150)]
    many = rows(embedder.ask("embedding", {"inputs": inputs}).result)
    one = rows(embedder.ask("embedding", {"inputs": [inputs[131]]}).result)[0]
    assert len(many) == 150
    assert many[131] == pytest.approx(one, abs=2e-3)


def test_embedding_dimensions_are_cut_and_normalised(embedder: EngineProcess) -> None:
    full = rows(embedder.ask("embedding", {"inputs": ["hello"]}).result)[0]
    answer = embedder.ask("embedding", {"inputs": ["hello"], "dimensions": 16})
    (cut,) = rows(answer.result)
    assert answer.result["dimensions"] == len(cut) == 16
    norm = math.hypot(*full[:16])
    assert cut == pytest.approx([value / norm for value in full[:16]], abs=2e-3)
    too_many = embedder.ask("embedding", {"inputs": ["hello"], "dimensions": WIDTH + 1})
    refused(too_many, "invalid", "dimensions")


def test_embedding_faults(embedder: EngineProcess) -> None:
    answer = embedder.ask("embedding", {"inputs": ["short", "hello " * 300]})
    refused(answer, "too_long", "input")
    assert answer.fault is not None and answer.fault.data is not None
    assert answer.fault.data["limit"] == 128 and answer.fault.data["tokens"] >= 300
    refused(embedder.ask("embedding", {"inputs": []}), "invalid", "input")
    refused(embedder.ask("embedding", {"inputs": [""]}), "invalid", "input")
    refused(embedder.ask("completion", {"prompt": "x"}), "unsupported", "model")
    ids = embedder.ask("embedding", {"inputs": [[5, 6, 7]]})
    assert ids.usage.prompt_tokens == 3
