"""Three machines, six replicas, users that never stop: a machine is killed, then the broker, then
the control process, and nobody gets less than was asked for."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator

import pytest

from tests.chaos.clients import Load
from tests.support.machine import CPU, Machine, new_token, node, wait_up
from tests.support.server import Server, free_port, serving, wait_for

MODELS = ("m", "n")
#: of each model: one on each machine
REPLICAS = 3
SLOTS = 2
TOKENS = 40
#: more than there are slots, so that a machine that dies always has something to do
USERS = 14
#: a silent machine is given up after 12 s, and its replicas run elsewhere 3 s later; this is on a
#: machine that does other things as well
PATIENCE = 90.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--broker-listen", f"127.0.0.1:{free_port()}", "--no-demo") as made:
        yield made


@pytest.fixture(scope="module")
def machines(server: Server) -> Iterator[list[Machine]]:
    made: list[Machine] = []
    try:
        for name in ("w1", "w2"):
            machine = Machine(name, CPU)
            made.append(machine)
            token = new_token(server, name)["token"]
            machine.start("--join", server.base, "--name", name, XPLATFORM_JOIN_TOKEN=token)
        for machine in made:
            wait_up(server, machine)
        yield made
    finally:
        for machine in made:
            machine.end()


#: a replica and the start of it that runs → its machine
Placed = dict[tuple[str, int], str]


def ready(server: Server) -> Placed:
    """The replicas that are ready for the control plane and for requests alike."""
    heard = {
        (replica["id"], replica["epoch"])
        for replica in server.get("/status").json()["replicas"]
        if replica["state"] == "ready"
    }
    known = {
        (replica["id"], replica["epoch"]): replica["node"]
        for uid in MODELS
        for replica in server.launch_state(uid)["replicas"]
        if replica["state"] == "ready"
    }
    return {key: place for key, place in known.items() if key in heard}


def all_ready(server: Server, *, but: str = "") -> Placed:
    """All replicas, once they are, and none of them on that machine."""

    def look() -> Placed:
        now = ready(server)
        complete = len(now) == REPLICAS * len(MODELS) and but not in now.values()
        return now if complete else {}

    return wait_for(look, "six replicas to be ready", PATIENCE)


def engines(server: Server, *machines: Machine) -> int:
    return len(server.pids("engine")) + sum(len(machine.engines()) for machine in machines)


def sent_again(server: Server) -> int:
    """Requests of which an attempt was lost, since the start."""
    text = server.get("/metrics").body.decode()
    found = re.search(r"^xplatform_requests_resent(?:{[^}]*})? ([0-9.]+)", text, re.MULTILINE)
    assert found, text
    return int(float(found[1]))


def everything_was_answered(load: Load) -> None:
    """The fake engine's answers can all be continued: none is excused."""
    for call in load.calls:
        call.counted(TOKENS)


@contextlib.contextmanager
def users(server: Server) -> Iterator[Load]:
    """All is well and under load when the block begins, and again when it ends."""
    all_ready(server)
    with Load(server, MODELS, USERS, TOKENS) as load:
        load.go_on(USERS * 2)
        yield load
        load.go_on(USERS * 2)
    everything_was_answered(load)


def test_all_machines_work(server: Server, machines: list[Machine]) -> None:
    for uid in MODELS:
        options = {"step_ms": 25}
        count = {"min_replicas": REPLICAS, "max_replicas": REPLICAS}
        server.launch(uid, options=options, slots=SLOTS, wait=False, **count)
    placed = all_ready(server)
    assert sorted(placed.values()) == ["local", "local", "w1", "w1", "w2", "w2"]
    with users(server):
        pass


def test_a_machine_is_killed(server: Server, machines: list[Machine]) -> None:
    victim, other = machines
    before = ready(server)
    lost = {key for key, place in before.items() if place == victim.name}
    assert len(lost) == len(MODELS)
    resent = sent_again(server)
    with users(server) as load:

        def busy() -> bool:
            beats = server.get("/status").json()["replicas"]
            return any(b["running"] for b in beats if (b["id"], b["epoch"]) in lost)

        wait_for(busy, f"requests on {victim.name}", PATIENCE)
        began, answered = time.monotonic(), load.answered
        had = victim.kill()
        # Nobody has to wait for the machine to be given up.
        load.go_on(USERS * 2)
        after = all_ready(server, but=victim.name)
        seconds, meanwhile = time.monotonic() - began, load.answered - answered
    again = sent_again(server) - resent
    print(f"six replicas after {seconds:.1f} s; {meanwhile} answers, {again} requests sent again")
    # Those of the dead machine were begun elsewhere; of the others none.
    assert 0 < again <= SLOTS * len(lost)
    # Whoever lived lives, and only what was lost was started.
    assert {key: place for key, place in before.items() if key not in lost}.items() <= after.items()
    assert not lost & after.keys()
    assert node(server, victim.name)["state"] == "silent"
    assert not [process for process in had if process.is_running()]
    assert engines(server, other) == len(after)


def test_the_broker_is_killed(server: Server, machines: list[Machine]) -> None:
    before = all_ready(server)
    with users(server):
        old = server.kill("broker")
        wait_for(lambda: [pid for pid in server.pids("broker") if pid != old], "a broker", PATIENCE)
    # No replica was taken for dead, here or over TCP.
    assert all_ready(server) == before
    assert engines(server, machines[1]) == len(before)


def test_control_is_killed(server: Server, machines: list[Machine]) -> None:
    before = all_ready(server)
    with users(server):
        old = server.kill("control")
        wait_for(lambda: [p for p in server.pids("control") if p != old], "a control", PATIENCE)
    assert all_ready(server) == before
    assert engines(server, machines[1]) == len(before)


def test_the_machine_comes_back(server: Server, machines: list[Machine]) -> None:
    """It is one of the cluster again, and nothing that it once had runs a second time."""
    victim, other = machines
    before = all_ready(server)
    assert node(server, victim.name)["state"] == "silent"
    with users(server):
        victim.start()
        wait_up(server, victim)
    assert all_ready(server) == before
    assert engines(server, other, victim) == len(before)
    # It takes work like any other.
    server.launch("new", placement={"nodes": [victim.name]}, wait=False)
    wait_for(lambda: server.state("new") == "ready", "a replica on it", PATIENCE)
    assert len(victim.engines()) == 1
    assert server.request("DELETE", "/api/launches/new").status == 200


def test_nothing_is_left(server: Server, machines: list[Machine]) -> None:
    for uid in MODELS:
        assert server.request("DELETE", f"/api/launches/{uid}").status == 200
    wait_for(lambda: not engines(server, *machines), "all engines to end", PATIENCE)
