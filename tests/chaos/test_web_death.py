"""A web process is killed or frozen: its clients are told, its slots are freed, others go on."""

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


def kill(server: Server) -> None:
    old = server.kill("web")
    wait_for(lambda: [pid for pid in server.pids("web") if pid != old], "a new web", 30)
    server.wait_ready()


def wait_until_it_has(server: Server, requests: int) -> None:
    """What it has not accepted does not die with it: the next one finds the connection in the
    line of the socket that they share, and serves it."""
    in_flight = "that many requests in the web process"
    wait_for(lambda: server.get("/status").json()["in_flight"] == requests, in_flight)


def test_its_clients_see_a_broken_connection_and_no_false_end(server: Server) -> None:
    streaming, waiting = stream(server, "m", 500).at(10), whole(server, "m", 500)
    wait_until_it_has(server, 2)
    kill(server)
    for call in (streaming, waiting):
        call.result(10)
        assert call.broke is not None or not call.complete, call
        assert call.finish is None
    assert streaming.text.startswith("0 1 2 3 ")


def test_its_slots_are_free_again(server: Server) -> None:
    calls = [stream(server, "m", 5000).at(3) for _ in range(2)]
    replica = server.replica_pid("m")
    kill(server)
    # Four seconds until the replica takes the silent web process for dead.
    whole(server, "m", 3).counted(3, timeout=30)
    wait_for(lambda: server.state("m") == "ready" and server.busy("m") == 0, "free slots", 20)
    assert server.replica_pid("m") == replica
    assert all(call.result(10).finish is None for call in calls)


def test_what_waited_with_it_takes_no_slot_later(server: Server) -> None:
    calls = [stream(server, "m", 5000).at(3) for _ in range(2)]
    # So many that ours would never come if each had to be found dead on its own.
    lost = [whole(server, "m", 5000) for _ in range(40)]
    wait_until_it_has(server, 42)
    kill(server)
    # The dead one's tasks are still in the queue, before ours.
    whole(server, "m", 3).counted(3, timeout=60)
    wait_for(lambda: server.state("m") == "ready" and server.busy("m") == 0, "free slots", 40)
    assert all(call.result(10).broke or not call.complete for call in [*calls, *lost])


def test_a_web_process_that_freezes_loses_nothing(server: Server) -> None:
    """Longer than the replicas wait for it: its requests were given up, and are continued; what
    waited was taken from the queue meanwhile, and held back."""
    calls = [stream(server, "m", 250).at(10), whole(server, "m", 50)]
    waiting = [whole(server, "m", 20) for _ in range(3)]
    wait_until_it_has(server, 5)
    pid = server.kill("web", signal.SIGSTOP)
    time.sleep(6)
    os.kill(pid, signal.SIGCONT)
    calls[0].counted(250)
    calls[1].counted(50)
    for call in waiting:
        call.counted(20)


def _clients(server: Server, pid: int) -> int:
    connections = psutil.Process(pid).net_connections("tcp")
    return sum(c.status == "ESTABLISHED" and c.laddr.port == server.port for c in connections)


def test_one_of_two_web_processes_dies_alone() -> None:
    with serving(XPLATFORM_WEB_PROCESSES="2") as server:
        server.launch("m", options={"step_ms": 20}, slots=64)
        first, second = server.pids("web")
        calls: list[Call] = []
        # Whichever process is quicker takes a connection, so it may need a few.
        while not (_clients(server, first) and _clients(server, second)):
            assert len(calls) < 60, "all connections are with one process"
            calls.append(stream(server, "m", 200))
            calls[-1].at(1)
        os.kill(first, signal.SIGKILL)
        for call in calls:
            call.result()
        broken = [call for call in calls if not call.complete]
        assert 0 < len(broken) < len(calls)
        for call in calls:
            if call not in broken:
                call.counted(200)
        wait_for(lambda: len(server.pids("web")) == 2, "the second web process", 30)
        whole(server, "m", 3).counted(3)
