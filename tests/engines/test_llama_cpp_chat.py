"""Templates, tools, response formats and refusals of the llama.cpp adapter."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.engines.driver import EngineProcess
from tests.engines.llama_cases import ENGINE, WEATHER, greedy, loaded, refused
from xplatform.engines.protocol import Sampling

pytestmark = pytest.mark.engine

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"enum": ["yes", "no"]}, "score": {"enum": [1, 2]}},
    "required": ["answer", "score"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}},
        {"type": "json_schema", "schema": SCHEMA},
        {"type": "json_object", "schema": SCHEMA},
    ],
)
def test_json_schema_binds_the_answer(plain: EngineProcess, form: dict[str, Any]) -> None:
    answer = plain.chat("x", Sampling(seed=3, max_tokens=300), response_format=form)
    assert answer.finish() == "stop", answer.deltas[-1]
    value = json.loads(answer.text())
    assert set(value) == {"answer", "score"}
    assert value["answer"] in ("yes", "no") and value["score"] in (1, 2)


def test_a_bad_schema_or_grammar_is_the_callers_fault(plain: EngineProcess) -> None:
    for schema in ({"type": "nonsense"}, {"$ref": "#/nowhere"}):
        form = {"type": "json_schema", "json_schema": {"schema": schema}}
        answer = plain.chat("x", response_format=form)
        assert answer.fault is not None and answer.fault.code == "invalid", answer.deltas[-1]
        assert "schema" in answer.fault.message.lower()
    refused(plain.chat("x", response_format={"type": "yaml"}), "invalid", "response_format")
    for grammar in ("root ::= (", "%llguidance {}\nstart: %json 5", ""):
        refused(plain.chat("x", grammar=grammar), "invalid", "grammar")
    assert plain.chat("x", greedy(max_tokens=2)).fault is None


def test_without_a_template_chat_is_refused(gguf: dict[str, Path]) -> None:
    with loaded(gguf["bare"]) as engine:
        assert engine.ready is not None and "chat" not in engine.ready.capabilities.abilities
        message = refused(engine.chat("hello"), "unsupported", "messages")
        assert "chat template" in message and ENGINE in message
        assert engine.ask("completion", {"prompt": "hello"}, greedy(max_tokens=2)).fault is None
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    with loaded(gguf["bare"], options={"chat_template": template}) as engine:
        assert engine.chat("hello", greedy(max_tokens=2)).fault is None


def test_tools_are_refused_where_the_template_drops_them(plain: EngineProcess) -> None:
    refused(plain.chat("x", tools=[WEATHER]), "unsupported", "tools")


def test_tool_calls(demo: EngineProcess) -> None:
    answer = demo.chat("What is the weather in Paris?", greedy(max_tokens=200), tools=[WEATHER])
    (call,) = answer.tool_calls()
    assert call["name"] == "get_weather" and call["id"]
    assert "city" in json.loads(call["arguments"])
    assert answer.finish() == "tool_calls"
    assert answer.usage.completion_tokens == answer.counted


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_weather"}}]
)
def test_tool_choice_required(demo: EngineProcess, choice: Any) -> None:
    other = {"type": "function", "function": {"name": "other", "parameters": {"type": "object"}}}
    tools = [WEATHER] if choice == "required" else [other, WEATHER]
    answer = demo.chat(
        "What is the weather in Paris?",
        greedy(max_tokens=300),
        tools=tools,
        tool_choice=choice,
    )
    assert {call["name"] for call in answer.tool_calls()} == {"get_weather"}, answer.text()
    assert "city" in json.loads(answer.tool_calls()[0]["arguments"])


def test_tool_parameters_are_checked(demo: EngineProcess) -> None:
    refused(demo.chat("x", tools=["no"]), "invalid", "tools")
    refused(demo.chat("x", tool_choice="required"), "invalid", "tool_choice")
    choice = {"type": "function", "function": {"name": "unknown"}}
    refused(demo.chat("x", tools=[WEATHER], tool_choice=choice), "invalid", "tool_choice")
    refused(demo.chat("x", Sampling(logprobs=1), tools=[WEATHER]), "unsupported", "logprobs")


def test_reasoning_is_kept_apart(gguf: dict[str, Path]) -> None:
    with loaded(gguf["reasoning"]) as engine:
        assert engine.ready is not None and "reasoning" in engine.ready.capabilities.abilities
        grammar = 'root ::= "<think>\\nhello\\n</think>\\n\\nworld"'
        answer = engine.chat("x", greedy(max_tokens=100), grammar=grammar)
        assert answer.reasoning().strip() == "hello"
        assert answer.text().strip() == "world"
        assert answer.usage.completion_tokens == answer.counted


def test_template_arguments_reach_the_template(gguf: dict[str, Path]) -> None:
    with loaded(gguf["reasoning"]) as engine:
        plainly = engine.chat("x", greedy(max_tokens=1)).usage.prompt_tokens
        kwargs = {"enable_thinking": False}
        quiet = engine.chat("x", greedy(max_tokens=1), template_kwargs=kwargs).usage.prompt_tokens
        assert quiet > plainly
        bad = engine.chat("x", template_kwargs={"enable_thinking": "no"})
        assert bad.fault is not None and bad.fault.code == "invalid"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([], "invalid"),
        ("hello", "invalid"),
        ([{"content": "no role"}], "invalid"),
        ([{"role": "user"}], "invalid"),
        ([{"role": "user", "content": 5}], "invalid"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "unsupported"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "unsupported"),
    ],
)
def test_bad_messages(plain: EngineProcess, messages: Any, code: str) -> None:
    refused(plain.ask("chat", {"messages": messages}), code, "messages")


def test_content_in_parts_is_its_text(plain: EngineProcess) -> None:
    parts = [{"type": "text", "text": "hello "}, {"type": "text", "text": "world"}]
    answer = plain.ask(
        "chat", {"messages": [{"role": "user", "content": parts}]}, greedy(max_tokens=2)
    )
    assert answer.fault is None, answer.fault


@pytest.mark.parametrize(
    ("kind", "payload", "sampling", "code", "param"),
    [
        ("completion", {"prompt": ""}, {}, "invalid", "prompt"),
        ("completion", {"prompt": [10**6]}, {}, "invalid", "prompt"),
        ("completion", {"prompt": [[1]]}, {}, "invalid", "prompt"),
        ("completion", {"prompt": "x", "suffix": "y"}, {}, "unsupported", "suffix"),
        ("completion", {"prompt": "x", "echo": True}, {"logprobs": 1}, "unsupported", "echo"),
        ("completion", {"prompt": "x"}, {"n": 0}, "invalid", "n"),
        ("completion", {"prompt": "x"}, {"max_tokens": 0}, "invalid", "max_tokens"),
        ("completion", {"prompt": "x"}, {"temperature": -1.0}, "invalid", "temperature"),
        ("completion", {"prompt": "x"}, {"top_p": math.nan}, "invalid", "top_p"),
        ("embedding", {"inputs": ["x"]}, {}, "unsupported", "model"),
        ("poem", {}, {}, "unsupported", "kind"),
        ("tokenize", {"text": 5}, {}, "invalid", "text"),
        ("detokenize", {"tokens": [-1]}, {}, "invalid", "tokens"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(
    plain: EngineProcess,
    kind: str,
    payload: dict[str, Any],
    sampling: dict[str, Any],
    code: str,
    param: str,
) -> None:
    refused(plain.ask(kind, payload, Sampling(**sampling)), code, param)


@pytest.mark.parametrize("kind", ["chat", "completion"])
def test_too_long_tells_tokens_and_limit(plain: EngineProcess, kind: str) -> None:
    text = "hello " * 600
    payload: dict[str, Any] = {"prompt": text}
    if kind == "chat":
        payload = {"messages": [{"role": "user", "content": text}]}
    answer = plain.ask(kind, payload)
    refused(answer, "too_long", "messages" if kind == "chat" else "prompt")
    assert answer.fault is not None and answer.fault.data is not None
    assert answer.fault.data["limit"] == 512 and answer.fault.data["tokens"] >= 600
