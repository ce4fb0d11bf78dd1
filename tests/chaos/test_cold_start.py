"""Requests that come before their model is there."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.chaos.clients import Call, chat_body, count, stream, whole
from tests.support.server import API_KEY, Server, serving, wait_for

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
#: a death is noticed after four seconds, in which the next start has begun
LOAD_SECONDS = 10.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(XPLATFORM_KEEPALIVE_SECONDS="0.3") as made:
        made.launch("slow", options={"load_s": LOAD_SECONDS, "step_ms": 5}, slots=8)
        wait_for(lambda: card(made)["start_seconds"], "the length of the start to be known", 30)
        yield made


@pytest.fixture
def cold(server: Server) -> Server:
    """The model has to start once more."""
    wait_for(lambda: server.state("slow") == "ready", "slow to be ready", 60)
    os.kill(server.replica_pid("slow"), signal.SIGKILL)
    wait_for(lambda: server.state("slow") != "ready", "slow to be gone", 30)
    return server


def card(server: Server) -> dict[str, float]:
    answer: dict[str, float] = server.get("/v1/models/slow").json()
    return answer


def test_those_who_can_wait_are_told_how_it_goes_and_then_get_everything(cold: Server) -> None:
    streams = [stream(cold, "slow", 20) for _ in range(4)]
    one_piece = whole(cold, "slow", 5)
    # The published client reads past the comments.
    with OpenAI(base_url=cold.base + "/v1", api_key=API_KEY, max_retries=0) as client:
        chunks = client.chat.completions.create(
            model="slow", messages=HELLO, max_tokens=5, stream=True
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == count(5)
    one_piece.counted(5)
    for call in streams:
        call.counted(20)
        said = [text for text in call.comments if text.startswith("waiting for slow: ")]
        assert len(said) >= 3, call.comments
    said = [text for call in streams for text in call.comments]
    assert any(re.search(r": loading \d+%, about \d+ s left, position \d+$", t) for t in said), said
    # Six wait, in the order in which they came; four of them can be told.
    places = {int(place) for text in said for place in re.findall(r"position (\d+)$", text)}
    assert len(places) >= 4, said
    assert places <= {1, 2, 3, 4, 5, 6}, said


def test_those_who_cannot_wait_are_told_at_once_when_to_come_again(cold: Server) -> None:
    headers = ({"X-Request-Timeout": "0.5"}, {"Prefer": "respond-async, wait=0"})
    calls = [
        Call(cold, chat_body("slow", stream=streamed, max_tokens=5), headers=limit)
        for streamed in (False, True)
        for limit in headers
    ]
    impatient = OpenAI(base_url=cold.base + "/v1", api_key=API_KEY, max_retries=0, timeout=0.9)
    with impatient as client, pytest.raises(openai.InternalServerError) as told:
        client.chat.completions.create(model="slow", messages=HELLO, max_tokens=5)
    assert (told.value.status_code, told.value.code) == (503, "model_unavailable")
    assert int(told.value.response.headers["retry-after"]) >= 1
    for call in calls:
        call.result()
        assert call.status == 503, call
        assert call.error is not None
        assert call.error["code"] == "model_unavailable"
        assert "'slow' is starting" in call.error["message"]
        assert int(call.headers["retry-after"]) >= 1
    # It is started all the same, and there when the client comes again.
    whole(cold, "slow", 5).counted(5)


def test_the_first_request_starts_a_model_of_which_nothing_runs(server: Server) -> None:
    options = {"load_s": 1.5, "step_ms": 5}
    server.launch("asleep", options=options, min_replicas=0, wait=False)
    wait_for(lambda: server.get("/v1/models/asleep").status == 200, "the model to be known")
    assert server.replica("asleep") == {}
    calls = [stream(server, "asleep", 20), whole(server, "asleep", 20)]
    for call in calls:
        call.counted(20)
    assert any(text.startswith("waiting for asleep: ") for text in calls[0].comments)
    assert server.request("DELETE", "/api/launches/asleep").status == 200


def test_a_start_that_fails_after_the_headers_ends_the_stream_with_an_error(
    server: Server,
) -> None:
    options = {"load_s": 2.0, "die_in_load": 3}
    server.launch("dies", options=options, wait=False)
    wait_for(lambda: server.get("/v1/models/dies").status == 200, "the model to be known")
    call = stream(server, "dies", 3).result(120)
    assert call.status == 200, call
    assert call.comments
    assert call.error is not None
    assert call.error["code"] == "engine_start_failed"
    assert not call.complete
    assert server.request("DELETE", "/api/launches/dies").status == 200
