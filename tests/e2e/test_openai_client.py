"""The published ``openai`` client against a running server."""

from __future__ import annotations

import base64
import os
import signal
import struct
import time
from collections.abc import AsyncIterator, Iterator

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.chaos.clients import count, stream
from tests.support.server import API_KEY, Server, serving, wait_for

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(XPLATFORM_MAX_QUEUE="1") as made:
        made.launch("m", options={"step_ms": 5}, slots=4, wait=False)
        made.launch("one", options={"step_ms": 20}, slots=1, wait=False)
        made.launch("vectors", kind="embedding", wait=False)
        wait_for(lambda: {made.state(u) for u in ("m", "one", "vectors")} == {"ready"}, "all", 60)
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.base + "/v1", api_key=API_KEY, max_retries=0) as made:
        yield made


@pytest.fixture
async def aclient(server: Server) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.base + "/v1", api_key=API_KEY, max_retries=0) as made:
        yield made


# --- chat ------------------------------------------------------------------------------------


def test_chat_in_one_piece(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="m", messages=HELLO, max_tokens=5)
    assert answer.object == "chat.completion"
    assert answer.model == "m"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == count(5)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 5


def test_chat_as_a_stream(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(model="m", messages=HELLO, max_tokens=20, stream=True)
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == count(20)
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "length"
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.object == "chat.completion.chunk" for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_last_when_asked_for(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="m",
            messages=HELLO,
            max_tokens=7,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *rest, last = chunks
    assert all(chunk.usage is None for chunk in rest)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 7


def test_several_choices(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="m", messages=HELLO, max_tokens=5, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert {choice.message.content for choice in answer.choices} == {count(5)}
    texts = {0: "", 1: "", 2: ""}
    for chunk in client.chat.completions.create(
        model="m", messages=HELLO, max_tokens=5, n=3, stream=True
    ):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert set(texts.values()) == {count(5)}


def test_the_stream_helper_puts_the_answer_together(client: OpenAI) -> None:
    said: list[str] = []
    # The helper takes an answer that was cut at max_tokens for a failure, at its very end.
    with (
        pytest.raises(openai.LengthFinishReasonError) as caught,
        client.chat.completions.stream(model="m", messages=HELLO, max_tokens=9) as events,
    ):
        for event in events:
            if event.type == "content.delta":
                said.append(event.delta)
        events.get_final_completion()
    assert "".join(said) == count(9)
    assert caught.value.completion.choices[0].message.content == count(9)


async def test_chat_asynchronously(aclient: AsyncOpenAI) -> None:
    answer = await aclient.chat.completions.create(model="m", messages=HELLO, max_tokens=5)
    assert answer.choices[0].message.content == count(5)
    chunks = await aclient.chat.completions.create(
        model="m", messages=HELLO, max_tokens=30, stream=True
    )
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
    assert text == count(30)


async def test_a_stream_that_is_closed_early_frees_its_slot(
    server: Server, aclient: AsyncOpenAI
) -> None:
    chunks = await aclient.chat.completions.create(
        model="one", messages=HELLO, max_tokens=5000, stream=True
    )
    async for chunk in chunks:
        if chunk.choices[0].delta.content:
            break
    await chunks.close()
    began = time.monotonic()
    answer = await aclient.chat.completions.create(model="one", messages=HELLO, max_tokens=1)
    assert answer.choices[0].message.content == "0 "
    assert time.monotonic() - began < 3


def test_raw_response_has_the_request_id(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="m", messages=HELLO, max_tokens=2, extra_headers={"x-request-id": "mine-17"}
    )
    assert raw.status_code == 200
    assert raw.headers["x-request-id"] == "mine-17"
    assert raw.headers["content-type"] == "application/json"
    assert raw.parse().choices[0].message.content == count(2)
    without = client.chat.completions.create(model="m", messages=HELLO, max_tokens=1)
    assert (without._request_id or "").startswith("req-")


def test_streaming_raw_response(client: OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(
        model="m", messages=HELLO, max_tokens=3, stream=True
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"


# --- completions, tokens, models, embeddings -------------------------------------------------


def test_completions(client: OpenAI) -> None:
    answer = client.completions.create(model="m", prompt="go", max_tokens=4)
    assert answer.object == "text_completion"
    assert answer.choices[0].text == count(4)
    chunks = client.completions.create(model="m", prompt="go", max_tokens=4, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == count(4)


def test_completions_of_several_prompts(client: OpenAI) -> None:
    answer = client.completions.create(model="m", prompt=["a", "b b", "c"], max_tokens=4)
    assert [choice.text for choice in answer.choices] == [count(4)] * 3
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 4
    assert answer.usage.completion_tokens == 12
    texts = {0: "", 1: "", 2: ""}
    for chunk in client.completions.create(
        model="m", prompt=["a", "b b", "c"], max_tokens=4, stream=True
    ):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert set(texts.values()) == {count(4)}


def test_models(client: OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    assert {"m", "one", "vectors", "demo"} <= set(models)
    assert all(model.object == "model" for model in models.values())
    assert client.models.retrieve("m").id == "m"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("none")


def test_embeddings_as_numbers_and_as_bytes(client: OpenAI) -> None:
    numbers = client.embeddings.create(
        model="vectors", input=["one", "two words"], encoding_format="float"
    )
    assert [item.index for item in numbers.data] == [0, 1]
    assert len(numbers.data[0].embedding) == 8
    assert numbers.usage.prompt_tokens == 3
    raw = client.embeddings.with_raw_response.create(
        model="vectors", input=["one", "two words"], encoding_format="base64"
    )
    for item, told in zip(raw.http_response.json()["data"], numbers.data, strict=True):
        data = base64.b64decode(item["embedding"])
        assert struct.unpack("<8f", data) == pytest.approx(told.embedding)
    # What the client does by default: bytes on the wire, numbers for the user.
    default = client.embeddings.create(model="vectors", input="one")
    assert default.data[0].embedding == pytest.approx(numbers.data[0].embedding)
    assert len(client.embeddings.create(model="vectors", input="one", dimensions=3).data) == 1


async def test_embeddings_asynchronously(aclient: AsyncOpenAI) -> None:
    answer = await aclient.embeddings.create(model="vectors", input=["a"] * 100)
    assert len(answer.data) == 100


# --- errors ----------------------------------------------------------------------------------


def test_an_unknown_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="vector", messages=HELLO)
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"
    assert "'vectors'" in caught.value.message
    assert caught.value.request_id


def test_a_wrong_value_is_a_bad_request(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="m", messages=HELLO, temperature=9)
    assert caught.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="vectors", messages=HELLO)
    assert caught.value.code == "unsupported_parameter"


def test_a_wrong_key_is_no_authentication(server: Server) -> None:
    with (
        OpenAI(base_url=server.base + "/v1", api_key="xp-wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        stranger.models.list()
    assert caught.value.code == "invalid_api_key"


def test_a_prompt_that_is_too_long_tells_both_numbers(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="m", prompt="word " * 9000, max_tokens=1)
    assert caught.value.code == "context_length_exceeded"
    assert "9000" in caught.value.message
    assert "8192" in caught.value.message
    # The same as a stream: nothing was sent yet, so the status is the error's, too.
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model="m", prompt="word " * 9000, max_tokens=1, stream=True)


def test_a_full_queue_is_a_rate_limit(server: Server, client: OpenAI) -> None:
    busy = [stream(server, "one", 60).at(1), stream(server, "one", 60)]
    wait_for(lambda: server.get("/status").json()["in_flight"] == 2, "both to be there")
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="one", messages=HELLO)
    assert caught.value.code == "queue_full"
    assert int(caught.value.response.headers["retry-after"]) >= 1
    # The client's own retries obey the header and get through.
    patient = client.with_options(max_retries=10)
    answer = patient.chat.completions.create(model="one", messages=HELLO, max_tokens=2)
    assert answer.choices[0].message.content == count(2)
    for call in busy:
        call.counted(60)


def test_a_timeout_of_the_client_frees_the_slot(server: Server, client: OpenAI) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.5).chat.completions.create(
            model="one", messages=HELLO, max_tokens=5000
        )
    began = time.monotonic()
    client.chat.completions.create(model="one", messages=HELLO, max_tokens=1)
    assert time.monotonic() - began < 3


def test_an_error_in_a_stream_is_raised(server: Server, client: OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="m", messages=HELLO, max_tokens=500, n=2, stream=True
    )
    seen = 0
    with pytest.raises(openai.APIError) as caught:
        for _ in chunks:
            seen += 1
            if seen == 10:
                server.request("DELETE", "/api/launches/m")
                os.kill(server.engine_pid("m"), signal.SIGKILL)
    assert caught.value.code in ("engine_died", "model_unavailable")
