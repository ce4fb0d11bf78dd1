"""Two machines join a server, as processes of their own with homes of their own, and are sent
away again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from tests.support import tiny_hf
from tests.support.machine import CPU, GIB, Machine, gpu, new_token, node, wait_up
from tests.support.server import Server, free_port, serving, wait_for

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    listen = f"127.0.0.1:{free_port()}"
    with serving("--broker-listen", listen, "--no-demo") as server:
        # The server's own machine takes nothing: what runs, runs on those that join.
        assert server.post("/api/nodes/local/cordon", None).status == 200
        yield server


@pytest.fixture
def machines() -> Iterator[list[Machine]]:
    made: list[Machine] = []
    yield made
    for machine in made:
        machine.end()


def where(server: Server, uid: str, *, but: str = "") -> str:
    def ready() -> str:
        replicas = server.launch_state(uid)["replicas"]
        return next((r["node"] for r in replicas if r["state"] == "ready" and r["node"] != but), "")

    return wait_for(ready, f"{uid} to be ready", 90)


def test_two_machines_join_work_and_are_sent_away(server: Server, machines: list[Machine]) -> None:
    first = Machine("w1", CPU, gpu(0, 80), gpu(1, 80))
    second = Machine("w2", CPU, gpu(0, 24))
    machines += [first, second]
    token_1, token_2 = new_token(server, "one"), new_token(server, "two")

    # The token on the command line: it must not stay there.
    first.start(
        "--join", server.base, "--token", token_1["token"], "--name", "w1", "--labels", "zone=a"
    )
    # And by the environment.
    second.start(
        "--join", server.base, "--name", "w2", "--labels", "zone=b",
        XPLATFORM_JOIN_TOKEN=token_2["token"],
    )  # fmt: skip
    for machine in machines:
        wait_up(server, machine)
        assert machine.process is not None
        root = psutil.Process(machine.process.pid)
        for process in [root, *root.children(recursive=True)]:
            line = " ".join(process.cmdline())
            for token in (token_1, token_2):
                assert token["token"] not in line
            assert "redis://" not in line

    # What they have, and who they are.
    seen = node(server, "w1")
    assert seen["labels"] == {"zone": "a"}
    assert [d["id"] for d in seen["devices"]["devices"]] == ["cpu", "cuda:0", "cuda:1"]
    assert seen["devices"]["devices"][1]["memory_total"] == 80 * GIB
    assert seen["engines"]["fake"]
    wait_for(lambda: node(server, "w2")["devices"]["devices"], "w2's devices")

    # They work.
    server.launch("m", min_replicas=1)
    place = where(server, "m")
    assert place in ("w1", "w2")
    assert server.chat("m", max_tokens=3).status == 200
    host, other = (first, second) if place == "w1" else (second, first)
    token = token_1 if place == "w1" else token_2
    engines = wait_for(host.engines, "the engine's process")

    # A machine of a name that lives is refused, in a sentence.
    twin = Machine("twin", CPU)
    machines.append(twin)
    twin.start("--join", server.base, "--name", place, XPLATFORM_JOIN_TOKEN=token_2["token"])
    assert twin.wait() == 2
    assert "choose another name" in twin.said()
    assert "Traceback" not in twin.said()

    # Revoked: it stops what it has and ends with a sentence; the model runs on the other.
    assert server.request("DELETE", f"/api/join-tokens/{token['id']}").json()["state"] == "revoked"
    assert host.wait() == 1
    assert "was revoked" in host.said()
    for pid in engines:
        assert not psutil.pid_exists(pid)
    assert where(server, "m", but=place) == other.name
    assert server.chat("m", max_tokens=3).status == 200
    assert node(server, place)["state"] == "silent"

    # Its user at the broker is gone.
    acl = server.home / "secrets" / "broker.acl"
    wait_for(lambda: f"user node-{place} " not in acl.read_text(), "its access to be withdrawn")
    assert f"user node-{other.name} " in acl.read_text()

    # It does not come back by itself: the token that it kept is void.
    host.start()
    assert host.wait() == 2
    assert "is revoked" in host.said()

    # The other one does: killed with all it has, it joins again by what it kept, under its name
    # and with its labels, and its replica runs again.
    told = node(server, other.name)
    other.kill()
    wait_for(lambda: node(server, other.name)["state"] == "silent", "its silence", 60)
    other.start()
    wait_up(server, other)
    assert node(server, other.name)["labels"] == told["labels"]
    assert {n["name"] for n in server.get("/api/nodes").json()} == {"local", "w1", "w2"}
    wait_for(lambda: server.state("m") == "ready", "m to be ready again", 90)
    assert server.chat("m", max_tokens=3).status == 200


def test_a_real_engine_on_a_made_up_device(
    server: Server, machines: list[Machine], engine_environment: Any, tmp_path: Path
) -> None:
    """It answers, sees the device that it was given and no other, and its memory is told."""
    engine_environment("llama.cpp")
    # llama.cpp's package computes on no GPU and so gets none.
    python = engine_environment("transformers") / "bin" / "python"
    made = [python, tiny_hf.__file__, "make", tmp_path]
    subprocess.run(made, check=True, capture_output=True, timeout=240)
    machine = Machine("w4", CPU, gpu(0, 80), gpu(1, 80))
    machines.append(machine)
    token = new_token(server, "real")["token"]
    machine.start("--join", server.base, "--name", "w4", XPLATFORM_JOIN_TOKEN=token)
    wait_up(server, machine)
    placement = {"nodes": ["w4"], "devices": ["cuda:1"], "count": 1}
    server.launch(
        "real", engine="transformers", model_path=str(tmp_path / "llama"), placement=placement,
        slots=1, context_length=256, wait=False,
    )  # fmt: skip
    assert where(server, "real") == "w4"
    answer = server.chat("real", "What is xplatform?", max_tokens=5)
    assert answer.json()["usage"]["completion_tokens"] > 0, answer.body
    engine = engine_of(server, "real", machine)
    environ = Path(f"/proc/{engine}/environ").read_bytes().split(b"\0")
    assert b"CUDA_VISIBLE_DEVICES=1" in environ
    [replica] = [r for r in server.launch_state("real")["replicas"] if r["state"] == "ready"]
    assert replica["devices"] == ["cuda:1"]

    # What the driver says of its process arrives at the control plane.
    machine.set_devices({"cuda:1": {str(engine): 5 * GIB}}, CPU, gpu(0, 80), gpu(1, 80, used=7))

    def peak(uid: str) -> int:
        return int(server.launch_state(uid)["replicas"][0]["memory_peak"])

    wait_for(lambda: peak("real") == 5 * GIB, "the memory of the device", 30)

    def foreign() -> int:
        devices = node(server, "w4")["devices"]["devices"]
        return int(next(d["memory_foreign"] for d in devices if d["id"] == "cuda:1"))

    wait_for(lambda: foreign() == 2 * GIB, "what others use of it", 30)

    # And without a device it is the machine's memory.
    placement = {"nodes": ["w4"], "count": None}
    server.launch(
        "cpu", engine="llama.cpp", model_path="builtin:demo", placement=placement, wait=False
    )
    assert where(server, "cpu") == "w4"
    other = engine_of(server, "cpu", machine)
    environ = Path(f"/proc/{other}/environ").read_bytes().split(b"\0")
    assert b"CUDA_VISIBLE_DEVICES=" in environ
    resident = psutil.Process(other).memory_info().rss
    wait_for(lambda: peak("cpu") > resident // 4, "the memory of the machine", 30)
    assert server.request("DELETE", "/api/launches/cpu").status == 200
    assert server.request("DELETE", "/api/launches/real").status == 200
    gone = {engine, other}
    wait_for(lambda: not gone & set(machine.engines()), "the engines to end", 30)


def engine_of(server: Server, uid: str, machine: Machine) -> int:
    """Models of other tests may have come to the machine as well."""
    [replica] = [r for r in server.launch_state(uid)["replicas"] if r["state"] == "ready"]
    below = {child.pid for child in psutil.Process(replica["pid"]).children(recursive=True)}
    return min(below & set(machine.engines()))


def test_cut_off_without_a_word(server: Server, machines: list[Machine]) -> None:
    """The order to leave never comes, the access goes: the machine finds out by itself."""
    machine = Machine("w3", CPU)
    machines.append(machine)
    machine.start(
        "--join", server.base, "--name", "w3", XPLATFORM_JOIN_TOKEN=new_token(server, "x")["token"]
    )
    wait_up(server, machine)

    secret = (server.home / "secrets" / "broker").read_text().strip()
    with redis.Redis(
        unix_socket_path=str(server.home / "run" / "broker.sock"), password=secret
    ) as client:
        client.execute_command("ACL", "DELUSER", "node-w3")
    assert machine.wait(90) == 1
    assert "does not let this machine in any more" in machine.said()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--name", "w9"), "Say which server to join"),
        (("--join", "ftp://x"), "is no address of a server"),
        (("--join", "{base}", "--broker", "redis://x"), "unrecognized arguments"),
        (("--join", "{base}"), "A join token is missing"),
        (("--join", "{base}", "--token-file", "/nonexistent"), "Cannot read the token's file"),
    ],
)
def test_mistakes_get_a_sentence(
    server: Server, machines: list[Machine], words: tuple[str, ...], says: str
) -> None:
    machine = Machine("wx", CPU)
    machines.append(machine)
    given = (
        {} if says.startswith(("A join token", "Cannot")) else {"XPLATFORM_JOIN_TOKEN": "xp-join-x"}
    )
    machine.start(*(word.format(base=server.base) for word in words), **given)
    assert machine.wait() == 2
    assert says in machine.said()
    assert "Traceback" not in machine.said()


def test_a_server_without_a_way_in(machines: list[Machine]) -> None:
    """Its broker listens on a socket only: the answer says what to do."""
    with serving("--no-demo") as server:
        machine = Machine("w1", CPU)
        machines.append(machine)
        token = new_token(server, "t")["token"]
        machine.start("--join", server.base, XPLATFORM_JOIN_TOKEN=token)
        assert machine.wait() == 2
        assert "--broker-listen" in machine.said()
        # Nothing is left of the attempt.
        assert {n["name"] for n in server.get("/api/nodes").json()} == {"local"}
