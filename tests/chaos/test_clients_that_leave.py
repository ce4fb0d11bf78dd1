"""A client that goes away frees its slot within a second, wherever its request was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.chaos.clients import Call, stream, whole
from tests.support.server import Server, serving, wait_for

#: one is promised; this machine may have a lot to do
SECONDS = 3.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 20}, slots=2, wait=False)
        made.launch("one", options={"step_ms": 20}, slots=1, wait=False)
        wait_for(lambda: made.state("m") == made.state("one") == "ready", "both models", 60)
        yield made


def in_flight(server: Server) -> int:
    return int(server.get("/status").json()["in_flight"])


def slot_is_free(server: Server, model: str, since: float) -> None:
    """Another request gets the slot at once."""
    whole(server, model, 1).counted(1, timeout=20)
    assert time.monotonic() - since < SECONDS
    assert in_flight(server) == 0


def _has_come(server: Server, call: Call) -> bool:
    return in_flight(server) == 1 or call.ended > 0


def test_while_streaming(server: Server) -> None:
    call = stream(server, "one", 5000).at(5)
    call.leave()
    slot_is_free(server, "one", time.monotonic())


def test_while_an_answer_in_one_piece_is_made(server: Server) -> None:
    call = whole(server, "one", 5000)
    wait_for(lambda: server.busy("one") == 1, "the request to run")
    call.leave()
    slot_is_free(server, "one", time.monotonic())


def test_while_queued(server: Server) -> None:
    running = stream(server, "one", 150).at(5)
    waiting = [stream(server, "one", 5000), whole(server, "one", 5000)]
    wait_for(lambda: in_flight(server) == 3, "all to be there")
    for call in waiting:
        call.leave()
    wait_for(lambda: in_flight(server) == 1, "the waiting ones to be gone", SECONDS)
    running.counted(150)
    slot_is_free(server, "one", time.monotonic())


def test_while_the_model_loads(server: Server) -> None:
    server.launch("slow", options={"load_s": 3.0, "step_ms": 5}, slots=1, wait=False)
    wait_for(lambda: server.get("/v1/models/slow").status == 200, "the model to be known")
    calls = [stream(server, "slow", 5000), whole(server, "slow", 5000)]
    stays = stream(server, "slow", 10)
    wait_for(lambda: in_flight(server) == 3, "all to be there")
    for call in calls:
        call.leave()
    wait_for(lambda: in_flight(server) == 1, "those who left to be gone", SECONDS)
    stays.counted(10)
    assert server.request("DELETE", "/api/launches/slow").status == 200


def test_others_do_not_notice(server: Server) -> None:
    stays = stream(server, "m", 200).at(5)
    for _ in range(10):
        stream(server, "m", 5000).at(2).leave()
    stays.counted(200)
    wait_for(lambda: in_flight(server) == 0, "all to be gone", SECONDS)


def test_the_engine_stops_working_for_them(server: Server) -> None:
    """Not only the books are right: the replica itself says that it has nothing to do."""
    calls = [stream(server, "m", 5000).at(2) for _ in range(2)]
    for call in calls:
        call.leave()
    wait_for(lambda: server.busy("m") == 0, "an idle replica", SECONDS + 1)


def test_those_who_leave_do_not_fill_the_broker(server: Server) -> None:
    """Their messages lie in the queue until the model is loaded."""
    server.launch("never", options={"load_s": 600}, slots=1, wait=False)
    wait_for(lambda: server.get("/v1/models/never").status == 200, "the model to be known")
    refused = None
    for _ in range(30):
        call = stream(server, "never", 5, user="x" * 1000, stop=["y" * (24 << 20)])
        wait_for(partial(_has_come, server, call), "its arrival", 30)
        if call.ended:
            refused = call
            break
        call.leave()
        wait_for(lambda: in_flight(server) == 0, "it to be gone", 10)
    assert refused is not None
    assert refused.status == 429, refused
    assert server.memory_mb("broker") < 500
    assert server.request("DELETE", "/api/launches/never").status == 200
