"""Two replicas under load: one is killed, one is frozen, and nobody notices."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.chaos.clients import Load
from tests.support.server import Server, serving, wait_for

#: at any time so many requests are under way
USERS = 6
TOKENS = 12


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 20}, slots=4, min_replicas=2, max_replicas=2)
        wait_for(lambda: len(ready(made)) == 2, "both replicas", 60)
        yield made


def ready(server: Server) -> dict[str, int]:
    """The replicas that answer: id → epoch."""
    return {
        replica["id"]: replica["epoch"]
        for replica in server.get("/status").json()["replicas"]
        if replica["model"] == "m" and replica["state"] == "ready"
    }


def process_of(server: Server, replica: str) -> psutil.Process:
    def find() -> psutil.Process | None:
        for pid in server.pids("replica"):
            if replica in " ".join(psutil.Process(pid).cmdline()):
                return psutil.Process(pid)
        return None

    found = wait_for(find, f"the process of {replica}")
    assert found is not None
    return found


@pytest.mark.parametrize("what", ["replica killed", "replica frozen", "engine frozen"])
def test_nobody_notices(server: Server, what: str) -> None:
    both = ready(server)
    victim = next(iter(both))
    process = process_of(server, victim)
    if what == "engine frozen":
        (process,) = process.children()
    number = signal.SIGKILL if what == "replica killed" else signal.SIGSTOP
    with Load(server, ("m",), USERS, TOKENS) as load:
        load.go_on(USERS * 3)
        os.kill(process.pid, number)
        began = time.monotonic()
        load.go_on(USERS * 3)
        wait_for(
            lambda: (
                len(now := ready(server)) == 2
                and (victim not in now or what == "engine frozen")
                and not process.is_running()
            ),
            "another in its place",
            90,
        )
        print(f"{what}: replaced after {time.monotonic() - began:.1f} s")
        load.go_on(USERS * 2)
    assert len(load.calls) > USERS * 5
    for call in load.calls:
        call.counted(TOKENS)
