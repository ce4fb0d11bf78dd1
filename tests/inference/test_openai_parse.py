"""Any body becomes a request or a 4xx that names the field, the value and what is allowed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.inference.openai.openapi import paths_and_components
from apps.inference.openai.parse import (
    check_capabilities,
    choice_bases,
    needed_abilities,
    parse_chat,
    parse_completion,
    parse_detokenize,
    parse_embedding,
    parse_tokenize,
    to_submit,
    to_submits,
    used_parameters,
)
from xplatform.core.errors import PlatformError, Unsupported
from xplatform.engines.protocol import Capabilities, Sampling, Submit

PARSERS = [parse_chat, parse_completion, parse_embedding, parse_tokenize, parse_detokenize]
HI = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


def chat(**fields: Any) -> Any:
    return parse_chat(json.dumps({"model": "m", "messages": [HI], **fields}).encode())


def completion(**fields: Any) -> Any:
    return parse_completion(json.dumps({"model": "m", "prompt": "a", **fields}).encode())


def refused(parse: Any, body: Any) -> PlatformError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(PlatformError) as caught:
        parse(raw)
    assert 400 <= caught.value.status < 500
    return caught.value


# --- rubbish ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"[]", "not an array"),
        (b"null", "not null"),
        (b"3", "not a number"),
        (b'{"model":', "ends too early"),
        (b'{"model":"m",}', "at byte 13"),
        (b'\xef\xbb\xbf{"model":"m"}', "byte order mark"),
        (b'{"model":"\xff"}', "not UTF-8: invalid start byte (byte 10)"),
        (b'{"model":"\\ud800"}', "surrogate"),
        (b'{"model":"\\ud800\\u0041"}', "surrogate"),
        (b'{"model":"m","messages":[{"role":"user","content":"a"}],"n":1}{', "trailing"),
        (b'{"model":"m","messages":[{"role":"user","content":"a"}],"top_p":NaN}', "near"),
        (b'{"model":"m","messages":[{"role":"user","content":"a"}],"model":"b"}', '"model"'),
        (
            b'{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}',
            'key "content" appears twice',
        ),
        (b'{"model":"m","x":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_one_json_object(body, says):
    error = refused(parse_chat, body)
    assert error.code == "invalid_json"
    assert says in error.message


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
#: rubbish in the right places finds more than rubbish anywhere
fields = st.sampled_from(
    [
        "messages",
        "prompt",
        "input",
        "tokens",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "stop",
        "temperature",
        "top_p",
        "top_k",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "tools",
        "tool_choice",
        "response_format",
        "chat_template_kwargs",
        "audio",
        "modalities",
        "functions",
        "metadata",
        "echo",
        "suffix",
        "best_of",
        "dimensions",
        "encoding_format",
        "reasoning_effort",
        "continue_final_message",
        "zzz",
    ]
)
messages = st.lists(
    st.dictionaries(
        st.sampled_from(
            ["role", "content", "name", "tool_calls", "tool_call_id", "prefix", "refusal", "zzz"]
        ),
        st.sampled_from(["system", "user", "assistant", "tool"]) | anything,
        max_size=4,
    ),
    max_size=3,
)
bodies = st.dictionaries(fields, anything, max_size=5).flatmap(
    lambda rest: st.fixed_dictionaries(
        {"model": st.just("m") | anything}, optional={"messages": messages, "prompt": anything}
    ).map(lambda head: {**rest, **head})
)


@given(bodies | anything, st.sampled_from(PARSERS))
def test_any_json_is_a_request_or_a_4xx(body, parse):
    raw = json.dumps(body).encode("utf-8", "surrogatepass")
    try:
        request = parse(raw)
    except PlatformError as error:
        assert 400 <= error.status < 500
        assert error.message
    else:
        jobs = to_submits(request, "r")
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(jobs), type=list[Submit]) == jobs
        used_parameters(request)
        needed_abilities(request)


@given(st.binary(), st.sampled_from(PARSERS))
def test_any_bytes_are_a_4xx(raw, parse):
    with pytest.raises(PlatformError) as caught:
        parse(raw)
    assert 400 <= caught.value.status < 500


# --- one field -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "code", "param", "says"),
    [
        ({"temperature": 3}, "invalid_value", "temperature", "3. Allowed: a number between 0 and"),
        ({"temperature": "hot"}, "invalid_value", "temperature", '"hot"'),
        ({"top_p": 0}, "invalid_value", "top_p", "a number above 0 and at most 1"),
        ({"presence_penalty": -2.1}, "invalid_value", "presence_penalty", "between -2 and 2"),
        ({"n": 0}, "invalid_value", "n", "an integer between 1 and 128"),
        ({"n": True}, "invalid_value", "n", "true. Allowed: an integer"),
        ({"max_tokens": 0}, "invalid_value", "max_tokens", "an integer between 1"),
        ({"seed": 10**30}, "invalid_value", "seed", "between -92"),
        ({"stream": "yes"}, "invalid_value", "stream", "true or false"),
        ({"stop": ["a"] * 17}, "invalid_value", "stop", "a list of 0 to 16 items"),
        ({"stop": ["a", ""]}, "invalid_value", "stop[1]", "a non-empty string"),
        ({"logit_bias": {"1": 1, "2": 101}}, "invalid_value", "logit_bias.2", "-100 and 100"),
        ({"logit_bias": {"the": 1}}, "invalid_value", "logit_bias", '"the"'),
        ({"logprobs": True, "top_logprobs": 21}, "invalid_value", "top_logprobs", "0 and 20"),
        ({"top_logprobs": 2}, "invalid_request", "top_logprobs", "'logprobs' is true"),
        ({"stream_options": {}}, "invalid_request", "stream_options", "'stream' is true"),
        (
            {"stream": True, "stream_options": {"includ_usage": True}},
            "unknown_field",
            "stream_options.includ_usage",
            "Did you mean 'include_usage' or",
        ),
        ({"temprature": 1}, "unknown_field", "temprature", "Did you mean 'temperature'?"),
        ({"zzz": 1}, "unknown_field", "zzz", "Known: "),
        (
            {"max_tokens": 1, "max_completion_tokens": 2},
            "invalid_request",
            "max_tokens",
            "contradict",
        ),
        ({"messages": []}, "invalid_value", "messages", "a non-empty list"),
        ({"messages": None}, "missing_required_parameter", "messages", "a non-empty list"),
        (
            {"messages": [HI, {"role": "bot", "content": ""}]},
            "invalid_value",
            "messages[1].role",
            "\"bot\". Allowed: one of 'system', 'developer', 'user', 'assistant', 'tool'",
        ),
        ({"messages": [{"content": "a"}]}, "missing_required_parameter", "messages[0].role", ""),
        (
            {"messages": [{"role": "user", "content": 5}]},
            "invalid_value",
            "messages[0].content",
            "5. Allowed: a string or a non-empty list",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "film"}]}]},
            "invalid_value",
            "messages[0].content[0].type",
            "one of 'text', 'image_url', 'input_audio'",
        ),
        (
            {"messages": [{"role": "tool", "content": "5"}]},
            "missing_required_parameter",
            "messages[0].tool_call_id",
            "",
        ),
        ({"tools": []}, "invalid_value", "tools", "a list of 1 to"),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "invalid_value",
            "tools[0].function.name",
            "a string matching",
        ),
        ({"tools": [TOOL, TOOL]}, "invalid_value", "tools[1].function.name", "taken"),
        ({"tool_choice": "required"}, "invalid_request", "tool_choice", "'tools' are given"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "sub"}}},
            "invalid_value",
            "tool_choice.function.name",
            '"sub"',
        ),
        ({"tool_choice": "must"}, "invalid_value", "tool_choice", "'auto', 'none', 'required'"),
        ({"response_format": {"type": "xml"}}, "invalid_value", "response_format.type", '"xml"'),
        (
            {"response_format": {"type": "json_schema"}},
            "missing_required_parameter",
            "response_format.json_schema",
            "",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
            "missing_required_parameter",
            "response_format.json_schema.schema",
            "an object",
        ),
        ({"functions": [{}]}, "unsupported_parameter", "functions", "Use 'tools'"),
        ({"audio": {"voice": "x"}}, "unsupported_parameter", "audio", "text"),
        ({"modalities": ["audio"]}, "unsupported_parameter", "modalities", "text"),
        ({"web_search_options": {}}, "unsupported_parameter", "web_search_options", "tool"),
        ({"prediction": {}}, "unsupported_parameter", "prediction", ""),
        (
            {"messages": [HI, {"role": "assistant", "function_call": {"name": "f"}}]},
            "unsupported_parameter",
            "messages[1].function_call",
            "'tool_calls'",
        ),
        ({"continue_final_message": True}, "invalid_request", "messages[0]", "assistant"),
        ({"add_generation_prompt": False}, "unsupported_parameter", "add_generation_prompt", ""),
        (
            {"chat_template_kwargs": {"a": 2**64}},
            "invalid_value",
            "chat_template_kwargs",
            "65 bits",
        ),
        (
            {"chat_template_kwargs": json.loads('{"a":' * 99 + "1" + "}" * 99)},
            "invalid_value",
            "chat_template_kwargs",
            "deeper than 64",
        ),
        (
            {"reasoning_effort": "low", "chat_template_kwargs": {"reasoning_effort": "high"}},
            "invalid_request",
            "reasoning_effort",
            "contradict",
        ),
    ],
)
def test_a_refusal_names_the_field_the_value_and_what_is_allowed(extra, code, param, says):
    error = refused(parse_chat, {"model": "m", "messages": [HI], **extra})
    assert (error.code, error.param) == (code, param)
    assert says in error.message


def test_values_are_shortened():
    error = refused(parse_chat, {"model": "m", "messages": "x" * 10_000})
    assert len(error.message) < 200
    assert "xxx…" in error.message


def test_null_is_absent_and_harmless_forms_of_refused_fields_pass():
    nothing = dict.fromkeys(
        [
            "temperature",
            "top_p",
            "n",
            "stop",
            "seed",
            "tools",
            "tool_choice",
            "response_format",
            "logit_bias",
            "user",
            "stream",
            "stream_options",
            "max_tokens",
            "audio",
            "functions",
            "function_call",
            "prediction",
            "metadata",
        ]
    )
    history = [
        HI,
        {
            "role": "assistant",
            "content": "hello",
            "refusal": None,
            "annotations": [],
            "audio": None,
            "function_call": None,
            "tool_calls": None,
        },
        HI,
    ]
    request = chat(messages=history, modalities=["text"], verbosity="medium", **nothing)
    expected = [HI, {"role": "assistant", "content": "hello"}, HI]
    assert to_submit(request, "r").payload == {"messages": expected}
    assert used_parameters(request) == frozenset()


def test_fields_without_effect_change_nothing():
    plain = to_submit(chat(), "r")
    loud = chat(
        user="u",
        metadata={"a": "b"},
        store=True,
        service_tier="flex",
        safety_identifier="s",
        prompt_cache_key="k",
        prompt_cache_retention="24h",
    )
    assert to_submit(loud, "r") == plain
    assert used_parameters(loud) == frozenset()


def test_a_long_history_of_replayed_answers_is_read_in_linear_time():
    history = [HI, {"role": "assistant", "content": "x", "annotations": [], "audio": None}] * 3000
    assert len(chat(messages=[*history, HI]).messages) == 6001


# --- jobs ------------------------------------------------------------------------------------


def test_sampling_carries_everything():
    request = chat(
        max_completion_tokens=7,
        temperature=0,
        top_p=0.5,
        top_k=-1,
        min_p=0.1,
        frequency_penalty=1,
        presence_penalty=-1,
        repetition_penalty=1.1,
        seed=3,
        stop="END",
        logit_bias={"5": -100},
        logprobs=True,
        top_logprobs=2,
        n=2,
        ignore_eos=True,
    )
    assert to_submit(request, "r").sampling == Sampling(
        max_tokens=7,
        temperature=0.0,
        top_p=0.5,
        top_k=0,
        min_p=0.1,
        frequency_penalty=1.0,
        presence_penalty=-1.0,
        repetition_penalty=1.1,
        seed=3,
        stop=("END",),
        logit_bias={5: -100.0},
        logprobs=2,
        n=2,
        ignore_eos=True,
    )
    assert to_submit(chat(), "r").sampling == Sampling()
    assert to_submit(chat(logprobs=True), "r").sampling.logprobs == 0


def test_a_chat_with_tools_and_a_schema():
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    request = chat(
        messages=[
            {"role": "developer", "content": "Be short."},
            HI,
            {"role": "assistant", "tool_calls": [{**call, "index": 0}]},
            {"role": "tool", "tool_call_id": "c1", "content": "3"},
        ],
        tools=[TOOL],
        tool_choice="required",
        parallel_tool_calls=False,
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
        chat_template_kwargs={"enable_thinking": True},
        stream=True,
    )
    job = to_submit(request, "r")
    assert (job.kind, job.stream, job.prefix) == ("chat", True, "")
    assert job.payload == {
        "messages": [
            {"role": "system", "content": "Be short."},
            HI,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "3"},
        ],
        "tools": [TOOL],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
        "template_kwargs": {"enable_thinking": True},
    }
    assert used_parameters(request) == {
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "chat_template_kwargs",
    }
    assert needed_abilities(request) == {
        "chat": "model",
        "tools": "tools",
        "json_schema": "response_format",
    }


@pytest.mark.parametrize(
    ("said", "think"),
    [
        ({"reasoning_effort": "high"}, True),
        ({"reasoning_effort": "none"}, False),
        (
            {"reasoning_effort": "high", "chat_template_kwargs": {"enable_thinking": False}},
            False,
        ),
    ],
)
def test_an_effort_is_also_whether_to_think(said: dict[str, Any], think: bool) -> None:
    kwargs = to_submit(chat(messages=[HI], **said), "r").payload["template_kwargs"]
    assert kwargs == {"reasoning_effort": said["reasoning_effort"], "enable_thinking": think}


@pytest.mark.parametrize("way", ["flag", "prefix"])
def test_continuing_the_last_message(way):
    last = {"role": "assistant", "content": "Once upon"}
    extra = {"continue_final_message": True, "add_generation_prompt": False}
    if way == "prefix":
        last["prefix"], extra = True, {}
    job = to_submit(chat(messages=[HI, last], **extra), "r")
    assert job.payload == {"messages": [HI]}
    assert (job.prefix, job.prefix_count) == ("Once upon", 0)


def test_several_prompts_are_several_jobs():
    request = completion(prompt=["a", "b"], n=3, echo=True, suffix="!")
    jobs = to_submits(request, "r")
    assert [(job.rid, job.payload["prompt"]) for job in jobs] == [("r-0", "a"), ("r-1", "b")]
    assert jobs[0].payload == {"prompt": "a", "suffix": "!", "echo": True}
    assert choice_bases(jobs) == {"r-0": 0, "r-1": 3}
    assert to_submits(completion(prompt=[1, 2]), "r")[0].payload == {"prompt": [1, 2]}
    assert len(to_submits(completion(prompt=[[1], [2]]), "r")) == 2
    assert choice_bases(to_submits(completion(), "r")) == {"r": 0}


@pytest.mark.parametrize(
    ("parse", "body", "param"),
    [
        (parse_completion, {"prompt": []}, "prompt"),
        (parse_completion, {"prompt": ["a", 1]}, "prompt"),
        (parse_completion, {"prompt": [[]]}, "prompt[0]"),
        (parse_completion, {"prompt": [-1]}, "prompt[0]"),
        (parse_completion, {"prompt": "a", "n": 2, "best_of": 3}, "best_of"),
        (parse_completion, {"prompt": ["a"] * 100, "n": 100}, "n"),
        (parse_embedding, {"input": ""}, "input"),
        (parse_embedding, {"input": ["a", ""]}, "input[1]"),
        (parse_embedding, {"input": ["a"] * 2049}, "input"),
        (parse_embedding, {"input": "a", "dimensions": 0}, "dimensions"),
        (parse_embedding, {"input": "a", "encoding_format": "hex"}, "encoding_format"),
        (parse_tokenize, {}, "prompt"),
        (parse_tokenize, {"prompt": "a", "messages": [HI]}, "messages"),
        (parse_tokenize, {"prompt": "a", "tools": [TOOL]}, "tools"),
        (parse_detokenize, {}, "tokens"),
        (parse_detokenize, {"tokens": ["a"]}, "tokens[0]"),
    ],
)
def test_other_bodies(parse, body, param):
    assert refused(parse, {"model": "m", **body}).param == param


def test_other_jobs():
    def job(parse: Any, **body: Any) -> Any:
        return to_submit(parse(json.dumps({"model": "m", **body}).encode()), "r")

    assert job(parse_embedding, input=["a", "b"], dimensions=8).payload == {
        "inputs": ["a", "b"],
        "dimensions": 8,
    }
    assert job(parse_embedding, input=[1, 2]).payload == {"inputs": [[1, 2]]}
    assert job(parse_tokenize, prompt="a").payload == {"text": "a"}
    assert job(parse_tokenize, messages=[HI]).payload == {"messages": [HI]}
    assert job(parse_detokenize, tokens=[1]).payload == {"tokens": [1]}


# --- what the engine cannot do ---------------------------------------------------------------

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"top_k": 5}, "top_k"),
        ({"max_completion_tokens": 5}, "max_completion_tokens"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        ({"logprobs": True}, "logprobs"),
        ({"n": 2}, "n"),
        ({"tools": [TOOL]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"chat_template_kwargs": {"a": 1}}, "chat_template_kwargs"),
        (
            {"messages": [{"role": "user", "content": [IMAGE]}]},
            "messages[0].content[0].image_url",
        ),
    ],
)
def test_what_the_engine_cannot_do_is_refused_by_name(fields, param):
    can = Capabilities(abilities=("chat",), parameters=("temperature",))
    with pytest.raises(Unsupported) as caught:
        check_capabilities(chat(**fields), can, "transformers")
    assert caught.value.param == param
    assert f"'{param}' is not supported by engine 'transformers'" in caught.value.message


def test_values_that_ask_for_nothing_pass_any_engine():
    can = Capabilities(abilities=("chat",), parameters=("temperature",))
    neutral = chat(
        temperature=1, frequency_penalty=0, presence_penalty=0, n=1, top_p=1, logit_bias={}
    )
    check_capabilities(neutral, can, "e")
    with pytest.raises(Unsupported) as caught:
        check_capabilities(completion(), can, "e")
    assert caught.value.param == "model"


# --- the document ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_the_openapi_part_is_whole(version):
    paths, components = paths_and_components(version)
    assert {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/models",
        "/v1/models/{model}",
        "/v1/models/{model}/requests/{rid}/abort",
        "/v1/requests/{rid}/progress",
        "/v1/tokenize",
        "/v1/detokenize",
        "/healthz",
        "/readyz",
        "/status",
        "/metrics",
    } == set(paths)
    text = json.dumps([paths, components])
    for name in set(text.split("#/components/schemas/")[1:]):
        assert name.split('"')[0] in components["schemas"]
    assert ('"null"' in text) == (version == "3.1.0")
