"""Tools and JSON through the published client, with the demo model on llama.cpp."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolUnionParam

from tests.support.server import API_KEY, serving

pytestmark = pytest.mark.engine

ASK: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "What is the weather in Paris?"}
]
TOOLS: list[ChatCompletionToolUnionParam] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
]


@pytest.fixture(scope="module")
def client(engine_environment: Callable[[str], Path]) -> Iterator[OpenAI]:
    engine_environment("llama.cpp")
    with (
        serving() as server,
        OpenAI(base_url=server.base + "/v1", api_key=API_KEY, max_retries=0) as made,
    ):
        yield made


def test_the_demo_model_starts_on_the_first_request(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="demo", messages=[{"role": "user", "content": "What is xplatform?"}], max_tokens=60
    )
    assert "xplatform" in (answer.choices[0].message.content or "").lower()
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 3


def test_a_forced_tool_is_called(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="demo", messages=ASK, tools=TOOLS, tool_choice="required", temperature=0
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments)["city"] in ("Paris", "Rome")


def test_a_forced_tool_is_called_in_a_stream(client: OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="demo", messages=ASK, tools=TOOLS, tool_choice="required", temperature=0, stream=True
    )
    names: list[str] = []
    ids: list[str] = []
    arguments, finish = "", None
    for chunk in chunks:
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            for piece in choice.delta.tool_calls or ():
                assert piece.index == 0
                if piece.id:
                    ids.append(piece.id)
                if piece.function is not None:
                    names += [piece.function.name] if piece.function.name else []
                    arguments += piece.function.arguments or ""
    assert names == ["get_weather"]
    assert len(ids) == 1
    assert json.loads(arguments)["city"] in ("Paris", "Rome")
    assert finish == "tool_calls"


def test_the_result_of_a_tool_is_taken(client: OpenAI) -> None:
    call = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    messages: list[ChatCompletionMessageParam] = [
        *ASK,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": call}],  # type: ignore[typeddict-item]
        },
        {"role": "tool", "tool_call_id": "c1", "content": "21 degrees, sunny"},
    ]
    answer = client.chat.completions.create(
        model="demo", messages=messages, tools=TOOLS, max_tokens=30
    )
    assert answer.choices[0].finish_reason in ("stop", "length", "tool_calls")


def test_a_json_schema_is_kept(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": "Somebody?"}],
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
        max_tokens=200,
        temperature=0,
    )
    if answer.choices[0].finish_reason == "stop":
        assert set(json.loads(answer.choices[0].message.content or "")) == {"name", "age"}
    else:
        assert (answer.choices[0].message.content or "").lstrip().startswith("{")
