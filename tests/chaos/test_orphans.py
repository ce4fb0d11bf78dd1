"""After ``kill -9`` of anything, nothing is left behind; and a second start works at once."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.chaos.clients import stream, whole
from tests.support.server import Server, free_port, serving, wait_for

#: promised for each kill
SECONDS = 10.0


@pytest.fixture
def home() -> Path:
    return Path(tempfile.mkdtemp(prefix="xp-"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 20, "memory_mb": 50}, slots=2)
        yield made


@pytest.mark.parametrize("role", ["web", "control", "broker", "replica", "engine"])
def test_no_second_engine_is_left_after_the_kill_of(server: Server, role: str) -> None:
    call = stream(server, "m", 2000).at(5)
    before = set(server.pids("engine"))
    server.kill(role)
    killed = time.monotonic()
    # Nothing is read from what was killed with its engine.
    call.leave()
    wait_for(lambda: server.get("/readyz").status == 200, "the server to be ready", 30)
    whole(server, "m", 3).counted(3)
    wait_for(lambda: len(server.pids("engine")) == 1, "exactly one engine", SECONDS)
    if role in ("replica", "engine"):
        assert not before & set(server.pids("engine"))
    everyone = {process.pid for process in server.processes()}
    strays = set(server.orphans()) - everyone
    assert not strays, [server.orphans().get(pid) for pid in strays]
    assert time.monotonic() - killed < 60


def test_nothing_is_left_after_the_kill_of_the_warden(home: Path) -> None:
    with serving(home=home) as server:
        server.launch("m", options={"step_ms": 20}, slots=2)
        call = stream(server, "m", 2000).at(5)
        old = [process.pid for process in server.processes()]
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        wait_for(lambda: not any(map(_lives, old)), "all processes to end", SECONDS)
        assert server.orphans() == {}
        call.result(10)
        assert call.finish is None

        # The second start heals what the first one left: files, locks, the port.
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began < 30
        # The launch is still wished for.
        whole(server, "m", 5).counted(5)
        assert server.stop() == 0
        assert server.orphans() == {}


def test_kill_of_everything_at_once(home: Path) -> None:
    with serving(home=home) as server:
        server.launch("m", options={"step_ms": 20}, slots=2)
        server.kill_all()
        assert server.process is not None
        server.process.wait()
        wait_for(lambda: server.orphans() == {}, "nothing to be left", SECONDS)
        server.port = free_port()
        server.base = f"http://127.0.0.1:{server.port}"
        server.environ["XPLATFORM_PORT"] = str(server.port)
        server.start()
        whole(server, "m", 5).counted(5)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
