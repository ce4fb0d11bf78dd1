"""Dynamic children over the control socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warden.conftest import STAND_IN, Warden, until
from xplatform.warden.client import ChildReport, WardenClient, WardenError


@pytest.fixture
def node(warden: Warden) -> Iterator[Warden]:
    """A warden with little in it."""
    warden.run("--broker", "redis://127.0.0.1:1", command="node")
    until(lambda: (warden.home / "run" / "warden.sock").exists() and "joins" in warden.text())
    yield warden


@pytest.fixture
def client(node: Warden) -> WardenClient:
    return node.client()


def replica(*words: str) -> list[str]:
    return [sys.executable, STAND_IN, "replica", *words]


def report(client: WardenClient, name: str) -> ChildReport:
    return next(child for child in client.list() if child.name == name)


def test_start_list_stop_forget(client: WardenClient) -> None:
    pid = client.start("replica-a", replica("wait"))
    running = report(client, "replica-a")
    assert running.pid == pid
    assert running.running
    assert running.exit_code is None
    assert running.ended is None
    assert Path(f"/proc/{pid}").exists()
    with pytest.raises(WardenError, match="replica-a is running"):
        client.forget("replica-a")
    client.stop("replica-a", 5)
    until(lambda: not report(client, "replica-a").running)
    ended = report(client, "replica-a")
    assert ended.exit_code == -signal.SIGTERM
    assert ended.ended and ended.ended >= ended.started
    client.forget("replica-a")
    assert client.list() == []


def test_exit_code_and_last_lines_stay_until_forgotten(client: WardenClient) -> None:
    client.start("replica-a", replica("exit", "7"))
    until(lambda: not report(client, "replica-a").running)
    assert report(client, "replica-a").exit_code == 7
    assert report(client, "replica-a").last_lines == ["about to end"]
    # It is not started again from here, and its name is free.
    client.start("replica-a", replica("wait"))
    assert report(client, "replica-a").running


def test_stubborn_one_is_killed_after_its_grace(client: WardenClient) -> None:
    client.start("replica-a", replica("stubborn"))
    until(lambda: report(client, "replica-a").last_lines)
    client.stop("replica-a", 0.5)
    assert report(client, "replica-a").running
    until(lambda: not report(client, "replica-a").running, 5)
    assert report(client, "replica-a").exit_code == -signal.SIGKILL


def test_refusals(node: Warden, client: WardenClient) -> None:
    client.start("replica-a", replica("wait"))
    for call, words in (
        (lambda: client.start("replica-a", replica("wait")), "replica-a is running already"),
        (lambda: client.start("replica-b", ["/no/such/program"]), "cannot start replica-b"),
        (lambda: client.start("replica-b", []), "no such operation"),
        (lambda: client.stop("nobody", 1), "there is no child nobody"),
        (lambda: client.forget("nobody"), "there is no child nobody"),
    ):
        with pytest.raises(WardenError, match=words):
            call()
    assert [child.name for child in client.list()] == ["replica-a"]
    for line in (
        b"not json\n",
        b"[]\n",
        b'{"op": "dance"}\n',
        b"\xff\n",
        b'{"op": "start", "name": "x", "argv": [1]}\n',
        b'{"op": "start", "name": "x", "argv": ["a"], "env": {"a": 1}}\n',
        b'{"op": "stop", "name": "replica-a", "grace": "soon"}\n',
    ):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(str(node.home / "run" / "warden.sock"))
            raw.sendall(line)
            answer = json.loads(raw.makefile().readline())
        assert answer["ok"] is False
        assert answer["error"]
    assert report(client, "replica-a").running


def test_line_without_end_does_not_fill_the_memory(node: Warden, client: WardenClient) -> None:
    with socket.socket(socket.AF_UNIX) as raw, pytest.raises(OSError):
        raw.connect(str(node.home / "run" / "warden.sock"))
        for _ in range(64):
            raw.sendall(b"x" * 1024 * 1024)
    assert client.list() == []


def test_environment_of_a_replica(node: Warden, client: WardenClient) -> None:
    client.start("replica-a", replica("environment"), {"CUDA_VISIBLE_DEVICES": "3"})
    output = until(lambda: list((node.home / "logs").glob("replica-a_*/output.log")))[0]
    environment = json.loads(until(output.read_text))
    assert environment["CUDA_VISIBLE_DEVICES"] == "3"
    assert environment["XPLATFORM_HOME"] == str(node.home)
    assert environment["XPLATFORM_PARENT"] == str(node.pid)
    assert Path(environment["XPLATFORM_SETTINGS"]).exists()


def test_output_is_bounded(node: Warden, client: WardenClient, tmp_path: Path) -> None:
    client.start("replica-a", replica("spew", "12"))
    until(lambda: report(client, "replica-a").last_lines[-1:] == ["end of it"], 30)
    assert len(report(client, "replica-a").last_lines) == 50
    folder = next(iter((node.home / "logs").glob("replica-a_*")))
    # The default limit is 100 MB; what counts is that all of it came through the warden.
    assert 12 < sum(file.stat().st_size for file in folder.iterdir()) / 2**20 < 13


def test_output_of_a_small_limit_rotates(warden: Warden) -> None:
    warden.run("--broker", "redis://127.0.0.1:1", "--log-max-mb", "1", command="node")
    until(lambda: "joins" in warden.text())
    client = warden.client()
    client.start("replica-a", replica("spew", "12"))
    until(lambda: report(client, "replica-a").last_lines[-1:] == ["end of it"], 30)
    folder = next(iter((warden.home / "logs").glob("replica-a_*")))
    sizes = [file.stat().st_size for file in folder.glob("output.log*")]
    assert len(sizes) == 3
    assert max(sizes) <= 2**20


def test_what_a_child_leaves_behind_is_killed(node: Warden, client: WardenClient) -> None:
    client.start("replica-a", replica("stray"))
    until(lambda: not report(client, "replica-a").running)
    until(lambda: node.pid_of("time.sleep(600)") is None, 3)


def test_killed_replica_takes_its_engine_along(node: Warden, client: WardenClient) -> None:
    pid = client.start("replica-a", replica("engine"))
    until(lambda: node.pid_of("stand_in.py engine"))
    os.kill(pid, signal.SIGKILL)
    until(lambda: node.pid_of("stand_in.py engine") is None, 3)
    assert report(client, "replica-a").exit_code == -signal.SIGKILL


def test_nothing_starts_while_it_stops(node: Warden, client: WardenClient) -> None:
    client.start("replica-a", replica("stubborn"))
    until(lambda: report(client, "replica-a").last_lines)
    os.kill(node.pid, signal.SIGTERM)
    until(lambda: "Stopping" in node.text())
    with pytest.raises(WardenError):
        client.start("replica-b", replica("wait"))
    assert node.code() == 0
    assert node.processes() == {}


def test_only_so_many_ended_ones_are_remembered(client: WardenClient) -> None:
    for number in range(105):
        client.start(f"replica-{number}", ["/bin/true"])
    until(lambda: not any(child.running for child in client.list()), 20)
    client.start("replica-last", ["/bin/true"])
    names = [child.name for child in client.list()]
    assert len(names) <= 102
    assert names[-1] == "replica-last"
    assert "replica-0" not in names


def test_many_callers_at_once(client: WardenClient) -> None:
    def work(number: int) -> None:
        for _ in range(5):
            client.start(f"r-{number}", replica("wait"))
            client.stop(f"r-{number}", 1)
            until(lambda: not report(client, f"r-{number}").running)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(child.running for child in client.list())


def test_no_warden() -> None:
    with pytest.raises(WardenError, match="cannot be reached"):
        WardenClient("/nowhere/warden.sock").list()
