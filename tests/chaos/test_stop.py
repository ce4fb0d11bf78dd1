"""SIGTERM: what runs may finish, what does not is told, and all is over within ten seconds."""

from __future__ import annotations

import signal
import time

import pytest

from tests.chaos.clients import stream, whole
from tests.support.server import Server, serving, wait_for

#: ten are promised
SECONDS = 15.0


def stop(server: Server) -> float:
    """Ask it to stop; seconds until it has."""
    assert server.process is not None
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0, server.said()
    return time.monotonic() - began


def test_running_requests_finish() -> None:
    with serving() as server:
        server.launch("m", options={"step_ms": 20}, slots=3)
        calls = [stream(server, "m", 150).at(5), whole(server, "m", 100), stream(server, "m", 5)]
        wait_for(lambda: calls[2].tokens, "the last one to run")
        seconds = stop(server)
        for call, tokens in zip(calls, (150, 100, 5), strict=True):
            call.counted(tokens)
        assert seconds < SECONDS
        assert server.orphans() == {}


def test_what_cannot_finish_in_time_is_told_so() -> None:
    with serving(XPLATFORM_DRAIN_TIMEOUT="2") as server:
        server.launch("m", options={"step_ms": 20}, slots=2)
        streaming = stream(server, "m", 5000).at(5)
        waiting = whole(server, "m", 5000)
        wait_for(lambda: server.busy("m") == 2, "both to run")
        queued = [whole(server, "m", 5), stream(server, "m", 5)]
        time.sleep(0.3)
        seconds = stop(server)
        assert seconds < SECONDS
        for call in (streaming, waiting, *queued):
            call.result(10)
            assert call.broke is None, call
            assert call.error is not None, call
            assert call.error["code"] == "server_stopping", call
        assert waiting.status == 503
        assert streaming.status == 200
        assert not streaming.complete
        assert server.orphans() == {}


@pytest.mark.parametrize("load_s", [5.0])
def test_it_stops_while_a_model_loads(load_s: float) -> None:
    with serving(XPLATFORM_DRAIN_TIMEOUT="2") as server:
        server.launch("slow", options={"load_s": load_s}, wait=False)
        wait_for(lambda: server.get("/v1/models/slow").status == 200, "the model to be known")
        call = whole(server, "slow", 5)
        server.replica_pid("slow")
        assert stop(server) < SECONDS
        call.result(10)
        assert call.broke is None, call
        assert call.status == 503, call
        assert server.orphans() == {}


def test_an_idle_server_stops_at_once() -> None:
    with serving() as server:
        assert stop(server) < 8
        assert server.orphans() == {}
