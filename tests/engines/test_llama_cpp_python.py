"""The llama-cpp-python adapter in a real engine process, driven over its socket.

Its environment is built from source, so these tests are skipped where nobody made one.
"""

from __future__ import annotations

import array
import json
import math
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.engines.driver import EngineProcess, engine_python
from tests.engines.llama_cases import ASCII, DEMO, greedy, loaded, refused
from tests.support.tiny_gguf import WIDTH
from xplatform.engines.protocol import Failed, Sampling
from xplatform.engines.shown_text import ShownText

ENGINE = "llama-cpp-python"
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}

engine_test = pytest.mark.engine
loaded_here = partial(loaded, name=ENGINE)


@pytest.fixture(scope="module")
def plain(gguf: dict[str, Path]) -> Iterator[EngineProcess]:
    with loaded_here(gguf["plain"], slots=8, context_length=512) as engine:
        yield engine


@engine_test
def test_one_slot_whatever_was_asked_for(plain: EngineProcess) -> None:
    assert plain.ready is not None and plain.ready.slots == 1
    assert "tools" not in plain.ready.capabilities.parameters


@engine_test
def test_streams_and_counts(plain: EngineProcess) -> None:
    answer = plain.chat("hello", greedy(max_tokens=20))
    assert (answer.finish(), answer.counted) == ("length", 20)
    assert answer.usage.completion_tokens == 20
    again = plain.chat("hello", greedy(max_tokens=20))
    assert again.tokens == answer.tokens
    assert again.usage.cached_tokens > 0


@engine_test
def test_seeds(plain: EngineProcess) -> None:
    def tokens(seed: int | None) -> list[int]:
        return plain.chat("hello", Sampling(seed=seed, max_tokens=20)).tokens

    assert tokens(7) == tokens(7) != tokens(8)
    assert tokens(None) != tokens(None)


@engine_test
def test_choices(plain: EngineProcess) -> None:
    one = plain.chat("hello", Sampling(seed=5, max_tokens=10, logit_bias=ASCII))
    two = plain.chat("hello", Sampling(seed=5, max_tokens=10, n=2, logit_bias=ASCII))
    assert two.text(0) == one.text() != two.text(1)
    assert [two.finish(0), two.finish(1)] == ["length", "length"]
    assert two.usage.completion_tokens == 20
    assert two.usage.prompt_tokens == one.usage.prompt_tokens


@engine_test
def test_stop_bias_and_logprobs(plain: EngineProcess) -> None:
    grammar = 'root ::= "hello the world in token"'
    payload = {"prompt": "x", "grammar": grammar}
    answer = plain.ask("completion", payload, greedy(stop=("wor",)))
    assert (answer.text(), answer.finish()) == ("hello the ", "stop")
    answer = plain.ask("completion", payload, greedy())
    assert (answer.text(), answer.finish()) == ("hello the world in token", "stop")
    (hello,) = plain.ask("tokenize", {"text": "hello"}).result["tokens"]
    answer = plain.chat("x", greedy(max_tokens=3, logit_bias={hello: 100.0}))
    assert answer.text() == "hello" * 3
    answer = plain.chat("x", greedy(max_tokens=4, logprobs=2))
    assert len(answer.logprobs) == 4
    assert all(entry.logprob == entry.top[0][1] <= 0 for entry in answer.logprobs)


@engine_test
def test_characters_come_whole(plain: EngineProcess) -> None:
    payload = {"prompt": "x", "grammar": 'root ::= "h€llo 😀"', "echo": True}
    answer = plain.ask("completion", payload, greedy())
    assert answer.text() == "xh€llo 😀"
    assert all("\ufffd" not in delta.text for delta in answer.deltas)


@engine_test
def test_json_schema(plain: EngineProcess) -> None:
    form = {"type": "json_schema", "json_schema": {"schema": SCHEMA}}
    answer = plain.chat("x", Sampling(max_tokens=200), response_format=form)
    assert json.loads(answer.text())["answer"] in ("yes", "no")


@engine_test
@pytest.mark.parametrize(
    ("kind", "payload", "sampling", "code", "param"),
    [
        ("completion", {"prompt": ""}, {}, "invalid", "prompt"),
        ("completion", {"prompt": [10**6]}, {}, "invalid", "prompt"),
        ("completion", {"prompt": "x", "suffix": "y"}, {}, "unsupported", "suffix"),
        ("completion", {"prompt": "x", "grammar": "root ::= ("}, {}, "invalid", "grammar"),
        ("completion", {"prompt": "x" * 600}, {}, "too_long", "prompt"),
        ("completion", {"prompt": "x"}, {"logit_bias": {10**6: 1.0}}, "invalid", "logit_bias"),
        ("chat", {"messages": []}, {}, "invalid", "messages"),
        ("embedding", {"inputs": ["x"]}, {}, "unsupported", "model"),
        ("detokenize", {"tokens": [10**6]}, {}, "invalid", "tokens"),
    ],
)
def test_refusals(
    plain: EngineProcess,
    kind: str,
    payload: dict[str, Any],
    sampling: dict[str, Any],
    code: str,
    param: str,
) -> None:
    refused(plain.ask(kind, payload, Sampling(**sampling)), code, param)


@engine_test
def test_tools_and_missing_templates_are_refused(
    plain: EngineProcess, gguf: dict[str, Path]
) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    refused(plain.chat("x", tools=tools), "unsupported", "tools")
    with loaded_here(gguf["bare"]) as engine:
        refused(engine.chat("x"), "unsupported", "messages")


@engine_test
def test_requests_wait_in_line_and_are_aborted(plain: EngineProcess) -> None:
    sampling = greedy(ignore_eos=True, max_tokens=400)
    for number in range(4):
        plain.submit(f"line-{number}", "completion", {"prompt": "hello"}, sampling)
    plain.abort("line-1", "line-3", "unknown")
    plain.finish("line-1", "line-3")
    assert plain.answers["line-1"].finish() == "abort"
    plain.finish("line-0", "line-2")
    assert plain.answers["line-0"].usage.completion_tokens == 400
    running = plain.submit("running", "completion", {"prompt": "hello"}, sampling)
    while not running.deltas:
        plain.pump()
    began = time.monotonic()
    plain.abort("running")
    plain.finish("running")
    assert running.finish() == "abort"
    assert plain.chat("next", greedy(max_tokens=1)).fault is None
    assert time.monotonic() - began < 1.0


@engine_test
@pytest.mark.parametrize("at", [1, 9])
def test_a_continued_answer_is_the_undisturbed_one(plain: EngineProcess, at: int) -> None:
    sampling = greedy(max_tokens=24, logit_bias=ASCII)
    payload = {"prompt": "hello world"}
    whole = plain.ask("completion", payload, sampling)
    rest = plain.ask(
        "completion",
        payload,
        sampling,
        prefix="".join(delta.text for delta in whole.deltas[:at]),
        prefix_tokens=tuple(whole.tokens[:at]),
        prefix_count=at,
    )
    assert whole.tokens[:at] + rest.tokens == whole.tokens
    assert rest.usage.completion_tokens == 24
    assert rest.usage.prompt_tokens == whole.usage.prompt_tokens


@engine_test
@pytest.mark.parametrize("text", ["hello world", "h€llo 😀\n\tx", "<|im_end|>"])
def test_tokens_and_back(plain: EngineProcess, text: str) -> None:
    tokens = plain.ask("tokenize", {"text": text}).result["tokens"]
    assert plain.ask("detokenize", {"tokens": tokens}).result["text"] == text


@engine_test
def test_embeddings(gguf: dict[str, Path]) -> None:
    with loaded_here(gguf["embedding"], kind="embedding", context_length=64) as engine:
        answer = engine.ask("embedding", {"inputs": ["hello", "the weather", "hello"]})
        values = array.array("f", answer.result["vectors"]).tolist()
        assert answer.result["dimensions"] == WIDTH and len(values) == 3 * WIDTH
        assert values[:WIDTH] == pytest.approx(values[2 * WIDTH :], abs=2e-3)
        assert math.hypot(*values[:WIDTH]) == pytest.approx(1, abs=1e-4)
        cut = engine.ask("embedding", {"inputs": ["hello"], "dimensions": 8}).result
        assert cut["dimensions"] == 8
        assert math.hypot(*array.array("f", cut["vectors"])) == pytest.approx(1, abs=1e-4)
        refused(engine.ask("embedding", {"inputs": ["hello " * 100]}), "too_long", "input")


@engine_test
def test_bad_files_and_options(gguf: dict[str, Path], tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.gguf"
    rubbish.write_bytes(b"I am no model" * 10)
    for path, options, words in (
        (rubbish, {}, "not a GGUF file"),
        (gguf["plain"], {"n_thread": 1}, "did you mean n_threads"),
        (gguf["plain"], {"n_batch": "x"}, "whole number"),
    ):
        with EngineProcess(ENGINE, engine_python(ENGINE, optional=True)) as engine:
            failed = engine.load(path, options=options)
            assert isinstance(failed, Failed) and words in failed.fault.message


@engine_test
def test_the_demo_model_answers_as_through_llama_cpp() -> None:
    with loaded_here(DEMO) as engine:
        answer = engine.chat("Who are you?", greedy(max_tokens=60))
        assert answer.finish() == "stop" and "demo model" in answer.text()
        assert engine.shutdown() == 0


# --- text ------------------------------------------------------------------------------------


def test_shown_text_holds_back_what_may_become_a_stop() -> None:
    shown = ShownText(("STOP", "ST!"))
    assert [shown.feed(piece) for piece in (b"a S", b"T", b"A", b"ST", b"OP b")] == [
        "a ",
        "",
        "STA",
        "",
        "",
    ]
    assert shown.stopped and shown.end() == "" and shown.feed(b"more") == ""


def test_shown_text_gives_back_what_did_not_become_one() -> None:
    shown = ShownText(("STOP",))
    assert (shown.feed(b"x STO"), shown.end()) == ("x ", "STO")


def test_shown_text_holds_parts_of_characters() -> None:
    shown = ShownText(())
    raw = "€".encode()
    assert [shown.feed(raw[:1]), shown.feed(raw[1:2]), shown.feed(raw[2:])] == ["", "", "€"]
    assert (shown.feed(raw[:2]), shown.end()) == ("", "\ufffd")
