"""The worker that hosts control plane and node agent is killed: models that run keep serving."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.chaos.clients import stream, whole
from tests.support.server import Server, serving, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 10}, slots=2)
        yield made


def revived(server: Server, old: int) -> None:
    wait_for(lambda: [pid for pid in server.pids("control") if pid != old], "a new control", 30)


def test_a_stream_does_not_notice(server: Server) -> None:
    replica = server.replica_pid("m")
    call = stream(server, "m", 150).at(20)
    old = server.kill("control")
    call.counted(150)
    assert call.seconds < 10
    revived(server, old)
    assert server.replica_pid("m") == replica


def test_new_requests_are_served_meanwhile(server: Server) -> None:
    old = server.kill("control")
    began = time.monotonic()
    for _ in range(10):
        stream(server, "m", 5).counted(5)
        whole(server, "m", 5).counted(5)
    assert time.monotonic() - began < 10
    revived(server, old)


def test_a_frozen_control_does_not_matter_either(server: Server) -> None:
    pid = server.kill("control", signal.SIGSTOP)
    try:
        call = stream(server, "m", 300).at(5)
        time.sleep(2)
        whole(server, "m", 5).counted(5)
        call.counted(300)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_an_engine_that_dies_without_control_is_replaced_by_its_replica(server: Server) -> None:
    pid = server.kill("control", signal.SIGSTOP)
    try:
        call = stream(server, "m", 100).at(10)
        os.kill(server.engine_pid("m"), signal.SIGKILL)
        call.counted(100)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_load_that_was_under_way_goes_on(server: Server) -> None:
    server.launch("slow", options={"load_s": 4.0}, slots=1, wait=False)
    wait_for(lambda: server.get("/v1/models/slow").status == 200, "the model to be known")
    replica = server.replica_pid("slow")
    call = stream(server, "slow", 10)
    server.kill("control")
    call.counted(10)
    assert server.replica_pid("slow") == replica
    wait_for(lambda: server.launch_state("slow")["state"] == "ready", "control to know", 30)
    assert server.request("DELETE", "/api/launches/slow").status == 200


def test_a_launch_that_nobody_heard_of_is_made_up_for(server: Server) -> None:
    """The order to start lies in the queue, or is repeated, when the agent comes back."""
    old = server.kill("control")
    server.launch("late", options={"step_ms": 1}, slots=1, wait=False)
    call = stream(server, "late", 10)
    revived(server, old)
    call.counted(10)
    assert server.request("DELETE", "/api/launches/late").status == 200
    wait_for(lambda: server.state("late") == "", "the model to be gone", 30)


def test_a_model_that_dies_with_control_is_started_again(server: Server) -> None:
    call = stream(server, "m", 100).at(10)
    replica = server.replica_pid("m")
    server.kill("control")
    os.kill(replica, signal.SIGKILL)
    call.counted(100)
