"""The bytes that leave: snapshots, the published client's own models, and one law: a stream
says the same as the whole answer."""

from __future__ import annotations

import array
import base64
import json
import math
from typing import Any

import httpx2 as httpx
import msgspec
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion, CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from apps.inference.openai import answers
from apps.inference.openai.encode import (
    DONE,
    KEEP_ALIVE,
    ChatAnswer,
    ChatStream,
    CompletionAnswer,
    CompletionStream,
    detokenize_answer,
    embedding_answer,
    model_answer,
    models_answer,
    tokenize_answer,
)
from xplatform.core.errors import EngineDied, EngineFailed, PlatformError
from xplatform.engines.protocol import Delta, Fault, TokenLogprob, ToolCallDelta, Usage

USAGE = Usage(3, 2, 1)
LOGPROB = TokenLogprob("é", -0.5, "é".encode(), (("é", -0.5, "é".encode()), ("x", -math.inf, b"")))


def events(data: bytes) -> list[Any]:
    """What a client reads; every event must be whole."""
    assert not data or data.endswith(b"\n\n")
    out = []
    for block in data.split(b"\n\n"):
        if block.startswith(b"data: {"):
            out.append(json.loads(block[6:]))
        else:
            assert block in (b"", b"data: [DONE]", b": keep-alive")
    return out


# --- snapshots -------------------------------------------------------------------------------


def test_a_chat_stream_byte_by_byte():
    stream = ChatStream("r1", "m", created=7)
    head = (
        b'data: {"id":"chatcmpl-r1","object":"chat.completion.chunk","created":7,"model":"m",'
        b'"system_fingerprint":null,"choices":[{"index":0,"delta":'
    )
    assert stream.feed(Delta("r1", text="Hé")) == (
        head + b'{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}\n\n'
        + head + '{"content":"Hé"},"logprobs":null,"finish_reason":null}]}\n\n'.encode()
    )  # fmt: skip
    assert stream.feed(Delta("r1", text='"\n')) == (
        head + b'{"content":"\\"\\n"},"logprobs":null,"finish_reason":null}]}\n\n'
    )
    assert stream.feed(Delta("r1", count=1)) == b""
    assert stream.feed(Delta("r1", finish="stop", done=True, usage=USAGE)) == (
        head + b'{},"logprobs":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    assert stream.done
    assert stream.feed(Delta("r1", text="late")) == b""


def test_usage_in_a_stream_byte_by_byte():
    stream = ChatStream("r1", "m", created=7, include_usage=True)
    first = stream.feed(Delta("r1", text="a", finish="length"))
    assert first.count(b'"finish_reason":null}],"usage":null}\n\n') == 2
    assert first.count(b'"finish_reason":"length"}],"usage":null}\n\n') == 1
    assert stream.feed(Delta("r1", done=True, usage=USAGE)) == (
        b'data: {"id":"chatcmpl-r1","object":"chat.completion.chunk","created":7,"model":"m",'
        b'"system_fingerprint":null,"choices":[],"usage":{"prompt_tokens":3,'
        b'"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1}}}'
        b"\n\ndata: [DONE]\n\n"
    )


def test_a_completion_stream_byte_by_byte():
    stream = CompletionStream("r1", "m", created=7)
    head = (
        b'data: {"id":"cmpl-r1","object":"text_completion","created":7,"model":"m",'
        b'"system_fingerprint":null,"choices":[{"index":0,"text":'
    )
    assert stream.feed(Delta("r1", text="a")) == (
        head + b'"a","logprobs":null,"finish_reason":null}]}\n\n'
    )
    assert stream.feed(Delta("r1", text="b", finish="stop", done=True)) == (
        head + b'"b","logprobs":null,"finish_reason":null}]}\n\n'
        + head + b'"","logprobs":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )  # fmt: skip


def test_whole_answers_byte_by_byte():
    chat = ChatAnswer("r1", "m", created=7)
    assert not chat.feed(Delta("r1", text="a"))
    assert chat.feed(Delta("r1", text="b", finish="stop", done=True, usage=USAGE))
    usage = (
        b'"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,'
        b'"prompt_tokens_details":{"cached_tokens":1}},"system_fingerprint":null}'
    )
    assert chat.encode() == (
        b'{"id":"chatcmpl-r1","object":"chat.completion","created":7,"model":"m","choices":'
        b'[{"index":0,"message":{"role":"assistant","content":"ab","refusal":null},'
        b'"logprobs":null,"finish_reason":"stop"}],' + usage
    )
    plain = CompletionAnswer("r1", "m", created=7)
    plain.feed(Delta("r1", text="ab", finish="length", done=True, usage=USAGE))
    assert plain.encode() == (
        b'{"id":"cmpl-r1","object":"text_completion","created":7,"model":"m","choices":'
        b'[{"index":0,"text":"ab","logprobs":null,"finish_reason":"length"}],' + usage
    )


def test_tool_calls():
    deltas = [
        Delta("r", reasoning="hm"),
        Delta("r", tool_calls=(ToolCallDelta(0, "c0", "add", ""),)),
        Delta("r", tool_calls=(ToolCallDelta(0, arguments='{"a"'),)),
        Delta("r", tool_calls=(ToolCallDelta(0, arguments=":1}"), ToolCallDelta(1, "c1", "sub"))),
        Delta("r", finish="tool_calls", done=True, usage=USAGE),
    ]
    stream, answer = ChatStream("r", "m"), ChatAnswer("r", "m")
    pieces = [e["choices"][0]["delta"] for d in deltas for e in events(stream.feed(d))]
    assert pieces == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c0",
                    "type": "function",
                    "function": {"name": "add", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {
            "tool_calls": [
                {"index": 0, "function": {"arguments": ":1}"}},
                {
                    "index": 1,
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "sub", "arguments": ""},
                },
            ]
        },
        {},
    ]
    for delta in deltas:
        answer.feed(delta)
    message = json.loads(answer.encode())["choices"][0]["message"]
    assert message == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "reasoning_content": "hm",
        "tool_calls": [
            {"id": "c0", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}},
            {"id": "c1", "type": "function", "function": {"name": "sub", "arguments": ""}},
        ],
    }


def test_logprobs_in_both_forms():
    delta = Delta("r", text="é", logprobs=(LOGPROB,))
    chat = events(ChatStream("r", "m").feed(delta))[1]["choices"][0]
    assert chat["delta"] == {"content": "é"}
    assert chat["logprobs"]["content"] == [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [
                {"token": "é", "logprob": -0.5, "bytes": [195, 169]},
                {"token": "x", "logprob": -9999.0, "bytes": [120]},
            ],
        }
    ]
    stream = CompletionStream("r", "m")
    stream.feed(delta)
    (second,) = events(stream.feed(delta))
    legacy = {
        "tokens": ["é"],
        "token_logprobs": [-0.5],
        "top_logprobs": [{"é": -0.5, "x": -9999.0}],
        "text_offset": [1],
    }
    assert second["choices"][0]["logprobs"] == legacy
    answer = CompletionAnswer("r", "m")
    answer.feed(delta)
    answer.feed(Delta("r", logprobs=(TokenLogprob("e", math.nan),), finish="stop", done=True))
    probs = json.loads(answer.encode())["choices"][0]["logprobs"]
    assert (probs["text_offset"], probs["token_logprobs"]) == ([0, 1], [-0.5, None])


# --- the end ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ChatStream, CompletionStream])
@pytest.mark.parametrize(
    ("delta", "code"),
    [
        (Delta("r", fault=Fault("engine", "out of memory")), "engine_error"),
        (Delta("r", fault=Fault("too_long", "x", None, {"tokens": 9, "limit": 4})), "context_l"),
        (Delta("r", finish="abort", done=True), "request_aborted"),
    ],
)
def test_a_failed_stream_ends_with_an_error_and_without_done(kind, delta, code):
    stream = kind("r", "m", engine="e")
    stream.feed(Delta("r", text="a"))
    (event,) = events(out := stream.feed(delta))
    assert event["error"]["code"].startswith(code)
    assert event["detail"] == event["error"]["message"]
    assert DONE not in out
    assert stream.done and stream.error is not None
    assert stream.fail(EngineDied()) == b""


@pytest.mark.parametrize("kind", [ChatAnswer, CompletionAnswer])
def test_a_failed_answer_raises(kind):
    with pytest.raises(EngineFailed):
        kind("r", "m").feed(Delta("r", fault=Fault("engine", "oops")))
    with pytest.raises(PlatformError, match="aborted"):
        kind("r", "m").feed(Delta("r", finish="abort", done=True))
    small = kind("r", "m", limit=10)
    with pytest.raises(EngineFailed, match="larger"):
        for _ in range(11):
            small.feed(Delta("r", text="x"))


def test_an_engine_that_forgets_the_reason_still_ends_the_choice():
    stream = ChatStream("r", "m")
    last = events(stream.feed(Delta("r", text="a", done=True)))[-1]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert events(ChatStream("r", "m").feed(Delta("r", done=True)))[-1]["choices"]


def test_a_choice_finishes_once():
    stream = ChatStream("r", "m")
    out = stream.feed(Delta("r", text="a", finish="stop"))
    out += stream.feed(Delta("r", text="b", finish="stop"))
    out += stream.feed(Delta("r", finish="length", done=True))
    assert [e["choices"][0]["finish_reason"] for e in events(out)] == [None, None, "stop"]


def test_several_jobs_are_one_answer():
    bases = {"r-0": 0, "r-1": 2}
    deltas = [
        Delta("r-1", 1, "d"),
        Delta("r-0", 0, "a"),
        Delta("r-1", 0, "c", finish="stop"),
        Delta("r-0", 1, "b", finish="stop"),
        Delta("r-0", 0, finish="length", done=True, usage=USAGE),
        Delta("r-1", 1, finish="stop", done=True, usage=USAGE),
    ]
    stream = CompletionStream("r", "m", bases=bases, include_usage=True)
    answer = CompletionAnswer("r", "m", bases=bases)
    out = b""
    for delta in deltas:
        assert not stream.done
        out += stream.feed(delta)
        answer.feed(delta)
    assert stream.done and answer.done
    whole = json.loads(answer.encode())
    assert [(c["index"], c["text"]) for c in whole["choices"]] == list(enumerate("abcd"))
    assert whole["usage"]["total_tokens"] == events(out)[-1]["usage"]["total_tokens"] == 10


# --- the law ---------------------------------------------------------------------------------

deltas = st.builds(
    Delta,
    st.just("r"),
    index=st.integers(0, 2),
    text=st.text(max_size=5),
    reasoning=st.just("") | st.text(max_size=3),
    tool_calls=st.just(())
    | st.tuples(st.builds(ToolCallDelta, st.integers(0, 1), arguments=st.text(max_size=3))),
    logprobs=st.just(()) | st.just((LOGPROB,)),
    finish=st.sampled_from([None, None, None, None, "stop", "length"]),
)


@given(st.lists(deltas, max_size=20), st.booleans())
def test_a_stream_says_the_same_as_the_answer(sequence, include_usage):
    sequence = [*sequence, Delta("r", finish="stop", done=True, usage=USAGE)]
    for stream, answer in (
        (ChatStream("r", "m", include_usage=include_usage), ChatAnswer("r", "m")),
        (CompletionStream("r", "m", include_usage=include_usage), CompletionAnswer("r", "m")),
    ):
        out = b""
        for delta in sequence:
            out += stream.feed(delta)
            answer.feed(delta)
        assert out.endswith(DONE)
        said: dict[int, list[str]] = {}
        ends: dict[int, list[str]] = {}
        roles: list[int] = []
        is_chat = isinstance(stream, ChatStream)
        for event in events(out):
            # the documented shape, and the published client's
            if is_chat:
                msgspec.convert(event, answers.ChatCompletionChunk)
                ChatCompletionChunk.model_validate(event)
            else:
                msgspec.convert(event, answers.Completion)
            assert ("usage" in event) == include_usage
            for choice in event["choices"]:
                piece = choice.get("delta", choice)
                text = piece.get("content", piece.get("text")) or ""
                said.setdefault(choice["index"], []).append(text)
                if "role" in piece:
                    assert choice["index"] not in roles
                    roles.append(choice["index"])
                if choice["finish_reason"]:
                    ends.setdefault(choice["index"], []).append(choice["finish_reason"])
        body = json.loads(answer.encode())
        (ChatCompletion if is_chat else Completion).model_validate(body)
        for choice in body["choices"]:
            text = choice["message"]["content"] if is_chat else choice["text"]
            assert "".join(said.pop(choice["index"])) == (text or "")
            assert ends.pop(choice["index"]) == [choice["finish_reason"]]
        assert not said and not ends


# --- the published client --------------------------------------------------------------------


def client(status: int, body: bytes, kind: str) -> openai.OpenAI:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body, headers={"content-type": kind})

    transport = httpx.MockTransport(answer)
    return openai.OpenAI(
        api_key="k",
        base_url="http://x/v1",
        http_client=httpx.Client(transport=transport),
        max_retries=0,
    )


def test_the_published_client_reads_a_stream():
    stream = ChatStream("r", "m", include_usage=True)
    out = KEEP_ALIVE + stream.feed(Delta("r", text="Hel"))
    out += KEEP_ALIVE + stream.feed(Delta("r", text="lo", finish="stop", done=True, usage=USAGE))
    chunks = list(
        client(200, out, "text/event-stream").chat.completions.create(
            model="m", messages=[{"role": "user", "content": "a"}], stream=True
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello"
    assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens == 5


def test_the_published_client_raises_at_an_error_in_the_stream():
    stream = ChatStream("r", "m")
    out = stream.feed(Delta("r", text="Hel")) + stream.fail(EngineDied())
    chunks = client(200, out, "text/event-stream").chat.completions.create(
        model="m", messages=[{"role": "user", "content": "a"}], stream=True
    )
    with pytest.raises(openai.APIError, match="process ended"):
        list(chunks)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_the_published_client_reads_embeddings(encoding):
    rows = array.array("f", [0.5, -1.0, 2.0, 0.25])
    body = embedding_answer(
        {"vectors": rows.tobytes(), "dimensions": 2},
        "m",
        usage=USAGE,
        encoding_format=encoding,
        inputs=2,
    )
    raw = json.loads(body)
    assert raw["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    if encoding == "base64":
        assert base64.b64decode(raw["data"][1]["embedding"]) == rows[2:].tobytes()
    else:
        CreateEmbeddingResponse.model_validate(raw)
    got = client(200, body, "application/json").embeddings.create(model="m", input=["a", "b"])
    assert [list(item.embedding) for item in got.data] == [[0.5, -1.0], [2.0, 0.25]]


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"vectors": b"", "dimensions": 0},
        {"vectors": b"123", "dimensions": 1},
        {"vectors": b"\0" * 8, "dimensions": 1},
        {"vectors": array.array("f", [math.nan]).tobytes(), "dimensions": 1},
    ],
)
def test_vectors_that_cannot_be_right_are_the_engines_failure(result):
    with pytest.raises(EngineFailed):
        embedding_answer(result, "m", usage=None, inputs=1)


# --- the rest --------------------------------------------------------------------------------


def test_tokens_and_models():
    tokens = {"tokens": (1, 2), "texts": ("a", "b")}
    assert tokenize_answer(tokens, context_length=9) == (
        b'{"count":2,"max_model_len":9,"tokens":[1,2],"token_strs":null}'
    )
    assert json.loads(tokenize_answer(tokens, texts=True))["token_strs"] == ["a", "b"]
    with pytest.raises(EngineFailed):
        tokenize_answer({"tokens": [1]}, texts=True)
    assert detokenize_answer({"text": "ab"}) == b'{"prompt":"ab"}'
    card = {"id": "m", "created": 7, "max_model_len": 9}
    one = b'{"id":"m","object":"model","created":7,"owned_by":"xplatform","max_model_len":9}'
    assert model_answer(card) == one
    assert models_answer([card]) == b'{"object":"list","data":[' + one + b"]}"
