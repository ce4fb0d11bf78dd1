"""The engine is killed or frozen, in each state of a request: nobody notices but by waiting."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.chaos.clients import Call, stream, whole
from tests.support.server import Server, serving, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 20}, slots=4, wait=False)
        made.launch("one", options={"step_ms": 20}, slots=1, wait=False)
        wait_for(lambda: made.state("m") == made.state("one") == "ready", "both models", 60)
        yield made


def test_a_stream_goes_on_where_it_was(server: Server) -> None:
    call = stream(server, "m", 100).at(30)
    os.kill(server.engine_pid("m"), signal.SIGKILL)
    call.counted(100)
    assert call.usage is None


def test_usage_after_a_continuation_counts_the_whole_answer(server: Server) -> None:
    call = stream(server, "m", 80, stream_options={"include_usage": True}).at(20)
    os.kill(server.engine_pid("m"), signal.SIGKILL)
    call.counted(80)
    assert call.usage is not None
    assert call.usage["completion_tokens"] == 80


def test_an_answer_in_one_piece_starts_again(server: Server) -> None:
    call = whole(server, "m", 60)
    wait_for(lambda: server.busy("m") >= 1, "the request to run")
    os.kill(server.engine_pid("m"), signal.SIGKILL)
    call.counted(60)
    assert call.usage is not None
    assert call.usage["completion_tokens"] == 60


def test_those_who_wait_for_a_slot_still_get_one(server: Server) -> None:
    running = stream(server, "one", 60).at(10)
    waiting = [stream(server, "one", 5 + number) for number in range(5)]
    time.sleep(0.3)
    assert not any(call.tokens for call in waiting)
    os.kill(server.engine_pid("one"), signal.SIGKILL)
    running.counted(60)
    for number, call in enumerate(waiting):
        call.counted(5 + number)


def test_the_first_answer_comes_soon_after_the_kill(server: Server) -> None:
    load = [stream(server, "m", 200) for _ in range(3)]
    for call in load:
        call.at(5)
    os.kill(server.engine_pid("m"), signal.SIGKILL)
    killed = time.monotonic()
    first = whole(server, "m", 1).counted(1)
    # Three seconds are promised on an idle machine.
    assert first.ended - killed < 9
    for call in load:
        call.counted(200)


def test_a_request_waits_while_the_dead_engine_loads_anew(server: Server) -> None:
    os.kill(server.engine_pid("m"), signal.SIGKILL)
    calls: list[Call] = [whole(server, "m", 3, temperature=0.5) for _ in range(3)]
    calls += [stream(server, "m", 3) for _ in range(3)]
    for call in calls:
        call.counted(3)


def test_an_engine_that_dies_while_loading_is_started_again(server: Server) -> None:
    server.launch("slow", options={"load_s": 3.0, "step_ms": 5}, slots=2, wait=False)
    wait_for(lambda: server.get("/v1/models/slow").status == 200, "the model to be known")
    waiting = [stream(server, "slow", 10), whole(server, "slow", 10)]
    os.kill(server.engine_pid("slow"), signal.SIGKILL)
    for call in waiting:
        call.counted(10)
    assert server.request("DELETE", "/api/launches/slow").status == 200


def test_a_frozen_engine_is_replaced(server: Server) -> None:
    calls = [stream(server, "m", 200).at(20), whole(server, "m", 50)]
    frozen = server.engine_pid("m")
    os.kill(frozen, signal.SIGSTOP)
    stopped = time.monotonic()
    wait_for(lambda: not psutil.pid_exists(frozen), "the frozen engine to be ended", 30)
    wait_for(lambda: server.state("m") == "ready", "a new one", 30)
    # Ten seconds are promised on an idle machine.
    assert time.monotonic() - stopped < 20
    calls[0].counted(200)
    calls[1].counted(50)


def test_several_choices_cannot_be_continued_and_say_so(server: Server) -> None:
    call = stream(server, "m", 100, n=2).at(10)
    os.kill(server.engine_pid("m"), signal.SIGKILL)
    call.result()
    assert call.error is not None
    assert call.error["code"] == "engine_died"
    assert "cannot be continued" in call.error["message"]
    assert not call.complete
    assert whole(server, "m", 3, n=2).result().status == 200
