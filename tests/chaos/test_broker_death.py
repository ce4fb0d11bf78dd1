"""The broker is killed, restarted, frozen, or drops a connection: text stays whole."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.chaos.clients import stream, whole
from tests.chaos.intruder import broker
from tests.support.server import Server, serving, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 20}, slots=2, wait=False)
        made.launch("one", options={"step_ms": 20}, slots=1, wait=False)
        wait_for(lambda: made.state("m") == made.state("one") == "ready", "both models", 60)
        yield made


def kill(server: Server) -> None:
    old = server.kill("broker")
    wait_for(lambda: [pid for pid in server.pids("broker") if pid != old], "a new broker", 30)


def test_streams_are_whole_after_a_restart(server: Server) -> None:
    calls = [stream(server, "m", 200).at(20), stream(server, "m", 150).at(20)]
    kill(server)
    calls[0].counted(200)
    calls[1].counted(150)


def test_an_answer_in_one_piece_is_whole(server: Server) -> None:
    call = whole(server, "m", 100)
    wait_for(lambda: server.busy("m") == 1, "the request to run")
    kill(server)
    call.counted(100)


def test_what_waited_in_the_queue_is_not_lost(server: Server) -> None:
    running = stream(server, "one", 100).at(5)
    waiting = [whole(server, "one", 5 + number) for number in range(6)]
    time.sleep(0.5)
    kill(server)
    running.counted(100)
    for number, call in enumerate(waiting):
        call.counted(5 + number)


def test_a_request_that_comes_while_it_is_away_waits(server: Server) -> None:
    old = server.kill("broker")
    calls = [stream(server, "m", 5), whole(server, "m", 5)]
    for call in calls:
        call.counted(5)
    assert server.pid("broker") != old


def test_a_load_that_was_under_way_goes_on(server: Server) -> None:
    server.launch("slow", options={"load_s": 3.0}, slots=1, wait=False)
    wait_for(lambda: server.get("/v1/models/slow").status == 200, "the model to be known")
    server.replica_pid("slow")
    call = stream(server, "slow", 10)
    kill(server)
    call.counted(10)
    wait_for(lambda: server.launch_state("slow")["state"] == "ready", "control to know", 30)
    assert server.request("DELETE", "/api/launches/slow").status == 200


def test_a_broker_that_freezes_for_a_moment_only_delays(server: Server) -> None:
    call = stream(server, "m", 200).at(10)
    pid = server.kill("broker", signal.SIGSTOP)
    time.sleep(2)
    os.kill(pid, signal.SIGCONT)
    call.counted(200)
    whole(server, "m", 5).counted(5)


def test_frames_that_a_broken_connection_swallowed_are_sent_again(server: Server) -> None:
    calls = [stream(server, "m", 200).at(10), stream(server, "m", 200).at(10)]
    with broker(server) as client:
        for _ in range(3):
            client.client_kill_filter(_type="pubsub")
            time.sleep(0.7)
    for call in calls:
        call.counted(200)


def test_all_connections_may_break_at_once(server: Server) -> None:
    calls = [stream(server, "m", 150).at(10), whole(server, "m", 150)]
    waiting = [whole(server, "m", 5 + number) for number in range(3)]
    with broker(server) as client:
        client.client_kill_filter(_type="pubsub")
        client.client_kill_filter(_type="normal", skipme=True)
    for call in calls:
        call.counted(150)
    for number, call in enumerate(waiting):
        call.counted(5 + number)


def test_afterwards_all_is_as_before(server: Server) -> None:
    wait_for(lambda: server.get("/readyz").status == 200, "the server to be ready")
    server.launch("new", options={"step_ms": 1}, slots=1)
    whole(server, "new", 3).counted(3)
    assert server.request("DELETE", "/api/launches/new").status == 200
