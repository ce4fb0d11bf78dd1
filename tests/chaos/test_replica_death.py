"""The replica worker is killed or frozen, in each state of a request."""

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
        made.launch("m", options={"step_ms": 20}, slots=2)
        yield made


def test_a_stream_is_continued_by_the_next_replica(server: Server) -> None:
    call = stream(server, "m", 100).at(20)
    os.kill(server.replica_pid("m"), signal.SIGKILL)
    call.counted(100)


def test_an_answer_in_one_piece_starts_again(server: Server) -> None:
    call = whole(server, "m", 80)
    wait_for(lambda: server.busy("m") == 1, "the request to run")
    os.kill(server.replica_pid("m"), signal.SIGKILL)
    call.counted(80)


def test_those_who_wait_for_a_slot_still_get_one(server: Server) -> None:
    calls = [stream(server, "m", 100).at(5), stream(server, "m", 100).at(5)]
    waiting = [stream(server, "m", 5), whole(server, "m", 6), stream(server, "m", 7)]
    time.sleep(0.3)
    os.kill(server.replica_pid("m"), signal.SIGKILL)
    for call in calls:
        call.counted(100)
    for number, call in enumerate(waiting):
        call.counted(5 + number)


def test_its_engine_ends_with_it(server: Server) -> None:
    engine, replica = server.engine_pid("m"), server.replica_pid("m")
    os.kill(replica, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(engine), "the engine to end", 10)
    stream(server, "m", 3).counted(3)


def test_a_replica_that_dies_while_loading_is_replaced(server: Server) -> None:
    server.launch("slow", options={"load_s": 3.0, "step_ms": 5}, slots=2, wait=False)
    wait_for(lambda: server.get("/v1/models/slow").status == 200, "the model to be known")
    waiting = [stream(server, "slow", 10), whole(server, "slow", 10)]
    os.kill(server.replica_pid("slow"), signal.SIGKILL)
    for call in waiting:
        call.counted(10)
    assert server.request("DELETE", "/api/launches/slow").status == 200


def test_a_replica_that_freezes_for_a_while_does_no_harm(server: Server) -> None:
    """Longer than its peers wait: what it did meanwhile is done again elsewhere, or later, and
    what it says when it wakes up counts no more."""
    server.launch("two", options={"step_ms": 20}, slots=2)
    calls: list[Call] = [stream(server, "two", 300).at(10), whole(server, "two", 100)]
    wait_for(lambda: server.busy("two") == 2, "both to run")
    pid = server.replica_pid("two")
    os.kill(pid, signal.SIGSTOP)
    time.sleep(6)
    if psutil.pid_exists(pid):
        os.kill(pid, signal.SIGCONT)
    calls[0].counted(300)
    calls[1].counted(100)
    stream(server, "two", 5).counted(5)
    assert server.request("DELETE", "/api/launches/two").status == 200


def test_a_replica_that_stays_frozen_is_replaced(server: Server) -> None:
    call = stream(server, "m", 100).at(10)
    pid = server.replica_pid("m")
    os.kill(pid, signal.SIGSTOP)
    try:
        call.counted(100, timeout=60)
    finally:
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGCONT)


def test_the_launch_tells_what_happened(server: Server) -> None:
    pid = server.replica_pid("m")
    os.kill(pid, signal.SIGKILL)
    wait_for(
        lambda: any("SIGKILL" in event["why"] for event in server.launch_state("m")["events"]),
        "the event",
    )
    stream(server, "m", 3).counted(3)
