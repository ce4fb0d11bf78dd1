"""A cluster as ``docker-compose.yml`` and ``docs/cluster.md`` make it, by hand: PostgreSQL, a
broker over TCP with a password, and the commands of each service as processes of their own.

Homes are separate: only what the documentation says is copied between them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy import compose, servers
from tests.support.server import ENGINES, ROOT, Server, free_port, wait_for

pytestmark = [pytest.mark.server, pytest.mark.slow]

#: what Compose starts; a test in ``test_compose.py`` holds the two together
COMMANDS = {("setup",), ("web",), ("control",), ("node",)}

VARIABLES = {
    "POSTGRES_PASSWORD": "database0password",
    "BROKER_PASSWORD": "broker0password",
    "XPLATFORM_ADMIN_PASSWORD": "cluster-admin-password-1",
    "XPLATFORM_API_KEY": "xp-cluster-key-that-is-long-enough-0001",
}
#: until a silent node is given up (15 s), its replica is placed anew and loaded; the machine of
#: the tests may be busy
TAKEN_OVER = 60.0


class Process:
    """One service of the Compose file, here."""

    def __init__(self, cluster: Cluster, service: str, name: str, **environ: str) -> None:
        self.home = cluster.folder / name
        self.home.mkdir(exist_ok=True)
        self.output = cluster.folder / f"{name}.out"
        given = compose.filled(cluster.file["services"][service], VARIABLES)
        self.command = given["command"]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("XPLATFORM", "DJANGO"))}
        self.environ = {
            **clean,
            **{name: cluster.here(value) for name, value in given["environment"].items()},
            "XPLATFORM_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Process:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "xplatform", *self.command],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                start_new_session=True,
            )
        return self

    def wait(self, seconds: float = 15.0) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
            if self.process.poll() is None:
                self.kill()

    def said(self) -> str:
        return self.output.read_text(errors="replace")[-4000:]


class Cluster:
    def __init__(self, folder: Path, database: int, broker: int) -> None:
        self.folder, self.database, self.broker = folder, database, broker
        self.file = compose.load()
        self.processes: dict[str, Process] = {}

    def here(self, text: str) -> str:
        """Names of containers become ports of this machine."""
        return text.replace("@broker:6379", f"@127.0.0.1:{self.broker}").replace(
            "@db:5432", f"@127.0.0.1:{self.database}"
        )

    def start(self, service: str, name: str, **environ: str) -> Process:
        process = Process(self, service, name, **environ)
        self.processes[name] = process
        return process.start()

    def start_web(self, name: str) -> Server:
        """Its port answers when this returns."""
        port = free_port()
        process = self.start("web", name, XPLATFORM_PORT=str(port))
        # Only its HTTP half is used: the processes are ours.
        server = Server(process.home, port)
        server.process = process.process
        try:
            server.wait_ready(60)
        except AssertionError as error:
            raise AssertionError(process.said()) from error
        return server

    def start_node(self, name: str) -> Process:
        home = self.folder / name
        home.mkdir(exist_ok=True)
        if ENGINES.exists() and not (home / "engines").exists():
            (home / "engines").symlink_to(ENGINES)
        return self.start("node", name, XPLATFORM_NODE_NAME=name)

    def share_secrets(self, source: str, target: str) -> None:
        """As docs/cluster.md says: the same two files on every machine with a web process."""
        folder = servers.secrets_path(self.folder / target)
        folder.mkdir(parents=True, mode=0o700)
        for name in ("django", "keys"):
            shutil.copy(servers.secrets_path(self.folder / source) / name, folder / name)

    def end(self) -> None:
        for process in reversed(self.processes.values()):
            process.end()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # Unix sockets have short paths, so the homes lie right under /tmp.
    folder = Path(tempfile.mkdtemp(prefix="xp-cl-"))
    config = compose.filled(compose.load()["configs"]["broker"]["content"], VARIABLES)
    with (
        servers.postgres(VARIABLES["POSTGRES_PASSWORD"]) as database,
        servers.valkey(config) as broker,
    ):
        made = Cluster(folder, database, broker)
        try:
            setup = made.start("setup", "setup")
            assert setup.wait(60) == 0, setup.said()
            yield made
        finally:
            made.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def webs(cluster: Cluster) -> tuple[Server, Server]:
    """Two web processes on "two machines", a control worker and two nodes."""
    cluster.share_secrets("setup", "web1")
    cluster.share_secrets("setup", "web2")
    cluster.start("control", "control")
    for name in ("n1", "n2"):
        cluster.start_node(name)
    first, second = cluster.start_web("web1"), cluster.start_web("web2")
    wait_for(lambda: _nodes_up(first) == {"n1", "n2"}, "both nodes to be up", 30)
    return first, second


def _key(method: str, server: Server, path: str, body: Any = None, **more: Any) -> Any:
    answer = server.request(method, path, body, key=VARIABLES["XPLATFORM_API_KEY"], **more)
    assert answer.status < 300, answer.body
    return answer.json()


def _nodes_up(server: Server) -> set[str]:
    found = _key("GET", server, "/api/nodes")
    return {node["name"] for node in found if node["state"] == "up"}


def _launch(server: Server, uid: str, engine: str = "fake", **values: Any) -> str:
    """Launch, wait until it is ready; the node it is on."""
    body = {"uid": uid, "engine": engine, "model_path": "/dev/null", **values}
    _key("POST", server, "/api/launches", body)
    return _where(server, uid)


def _where(server: Server, uid: str, other_than: str = "") -> str:
    def ready() -> str:
        replicas = _key("GET", server, f"/api/launches/{uid}")["replicas"]
        up = [r["node"] for r in replicas if r["state"] == "ready" and r["node"] != other_than]
        return str(up[0]) if up else ""

    return wait_for(ready, f"{uid} to be ready", TAKEN_OVER)


def _chat(server: Server, model: str, tokens: int = 5) -> str:
    body = {
        "model": model,
        "max_tokens": tokens,
        "messages": [{"role": "user", "content": "What is xplatform?"}],
    }
    answer = _key("POST", server, "/v1/chat/completions", body, timeout=TAKEN_OVER)
    return str(answer["choices"][0]["message"]["content"])


def _stream(server: Server, model: str, tokens: int) -> Iterator[str]:
    """Pieces of the text as they come."""
    body = {
        "model": model,
        "max_tokens": tokens,
        "stream": True,
        "messages": [{"role": "user", "content": "count"}],
    }
    request = urllib.request.Request(
        server.base + "/v1/chat/completions",
        json.dumps(body).encode(),
        {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {VARIABLES['XPLATFORM_API_KEY']}",
        },
    )
    with urllib.request.urlopen(request, timeout=TAKEN_OVER) as response:
        for line in response:
            if line.startswith(b"data: {"):
                event = json.loads(line[6:])
                assert "error" not in event, event
                for choice in event["choices"]:
                    yield choice["delta"].get("content") or ""
            elif line.startswith(b"data: [DONE]"):
                return
    raise AssertionError("the stream ended without [DONE]")


def _count(tokens: int) -> str:
    return "".join(f"{number} " for number in range(tokens))


def test_setup_repeats_no_secret(cluster: Cluster) -> None:
    said = cluster.processes["setup"].said()
    for secret in VARIABLES.values():
        assert secret not in said


def test_a_key_holds_at_every_web_process(webs: tuple[Server, Server]) -> None:
    for server in webs:
        _key("GET", server, "/v1/models")
        assert server.get("/v1/models", key="xp-another-key-0000000000").status == 401


def test_a_model_answers_through_every_web_process(webs: tuple[Server, Server]) -> None:
    first, second = webs
    _launch(first, "count")
    assert _chat(first, "count") == _count(5)
    assert "".join(_stream(second, "count", 50)) == _count(50)


def test_demo_model_starts_on_call(webs: tuple[Server, Server], engine_environment: Any) -> None:
    engine_environment("llama.cpp")
    assert "xplatform" in _chat(webs[1], "demo", 60).lower()


def test_a_new_node_gets_the_next_model(webs: tuple[Server, Server], cluster: Cluster) -> None:
    """The emptier node takes it, so both are used."""
    assert {_launch(webs[0], f"spread-{number}") for number in range(3)} == {"n1", "n2"}


def test_a_node_dies_and_the_other_takes_over(
    webs: tuple[Server, Server], cluster: Cluster
) -> None:
    server = webs[0]
    node = _launch(server, "moved", options={"step_ms": 20})
    stream = _stream(server, "moved", 200)
    text = [next(stream) for _ in range(10)]

    cluster.processes[node].kill()
    began = time.monotonic()
    # Neither the stream that had begun nor a new request sees more of it than a pause.
    assert _chat(server, "moved") == _count(5)
    taken_over = time.monotonic() - began
    assert "".join([*text, *stream]) == _count(200)

    other = _where(server, "moved", other_than=node)
    assert {node, other} == {"n1", "n2"}
    assert _nodes_up(server) == {other}
    print(f"another node answered {taken_over:.1f} s after the first was killed")

    cluster.start_node(node)
    wait_for(lambda: _nodes_up(server) == {"n1", "n2"}, "the node to be back", 30)


def test_control_dies_and_models_keep_answering(
    webs: tuple[Server, Server], cluster: Cluster
) -> None:
    _launch(webs[0], "steady")
    cluster.processes["control"].kill()
    assert _chat(webs[1], "steady") == _count(5)
    cluster.start("control", "control")
    _launch(webs[0], "after")
    assert _chat(webs[1], "after") == _count(5)


def test_a_second_node_of_the_same_home_is_refused(
    webs: tuple[Server, Server], cluster: Cluster
) -> None:
    twin = Process(cluster, "node", "n1", XPLATFORM_NODE_NAME="n3").start()
    assert twin.wait() == 2
    assert "already" in twin.said()


def test_all_stop_when_asked(webs: tuple[Server, Server], cluster: Cluster) -> None:
    """Last in this file: everything ends on SIGTERM, as Compose sends it."""
    began = time.monotonic()
    running = [p for name, p in cluster.processes.items() if name != "setup"]
    for process in running:
        assert process.process is not None
        process.process.send_signal(signal.SIGTERM)
    codes = {process.output.stem: process.wait(20) for process in running}
    # Uvicorn ends by the signal itself, once it has drained.
    assert set(codes.values()) <= {0, -signal.SIGTERM}, codes
    assert time.monotonic() - began < 15
