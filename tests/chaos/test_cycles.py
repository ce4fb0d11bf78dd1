"""Launched and terminated many times: nothing of it is left over.

``TEST_CYCLES`` says how often (500 is what is promised); a few are enough to see most
leaks, since each cycle would leave its own.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from tests.support.server import Server, serving, wait_for

CYCLES = int(os.environ.get("TEST_CYCLES", "24"))
#: several at once, as people do
AT_ONCE = 4
#: caches of libraries, connections of pools: there from the first cycles on, and not more later
_SLACK_FILES, _SLACK_MB = 6, 40.0
#: on a machine that is too busy one may fail, and be replaced: that is no leak
ENDED = {"stopped", "failed", "lost"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@dataclass
class Picture:
    """What there is, besides rows that are history."""

    processes: Counter[str]
    #: open files, sockets and pipes of each process
    files: dict[int, int]
    memory: dict[int, float]
    #: names in the broker, without what is counted or timed
    keys: set[str]
    #: what is in the folder of the running server
    paths: set[str]

    @classmethod
    def of(cls, server: Server) -> Picture:
        found = server.processes()
        return cls(
            Counter(_role(server, process) for process in found),
            {process.pid: process.num_fds() for process in found},
            {process.pid: process.memory_info().rss / 2**20 for process in found},
            _keys(server),
            {str(p.relative_to(server.home)) for p in (server.home / "run").rglob("*")},
        )


def _role(server: Server, process: psutil.Process) -> str:
    return " ".join(process.cmdline())[-60:]


def _keys(server: Server) -> set[str]:
    [socket] = [
        Path(connection.laddr)
        for process in server.processes()
        for connection in process.net_connections("unix")
        if str(connection.laddr).endswith("broker.sock")
    ][:1]
    password = (server.home / "secrets" / "broker").read_text().strip()
    client: Any = redis.Redis(unix_socket_path=str(socket), password=password)
    with client:
        # Numbers over time lie in slots that go by themselves; one that would stay is left over.
        return {
            key.decode()
            for key in client.keys("*")
            if not key.startswith(b"xp:pulse:") or client.ttl(key) == -1
        }


def _cycle(server: Server, number: int) -> None:
    uids = [f"cycle-{number}-{index}" for index in range(AT_ONCE)]
    for uid in uids:
        server.launch(uid, wait=False)
    for uid in uids:
        wait_for(lambda uid=uid: server.state(uid) == "ready", f"{uid} to be ready", 60)  # type: ignore[misc]
        assert server.chat(uid, max_tokens=2).status == 200
    for uid in uids:
        assert server.request("DELETE", f"/api/launches/{uid}").status == 200
    _wait_until_ended(server, uids)


def _wait_until_ended(server: Server, uids: list[str]) -> None:
    def replicas() -> list[dict[str, Any]]:
        return [replica for uid in uids for replica in server.launch_state(uid)["replicas"]]

    def ended() -> bool:
        states = {replica["state"] for replica in replicas()}
        return states <= ENDED and not server.pids("replica")

    try:
        wait_for(ended, "all replicas to be gone", 90)
    except AssertionError as error:
        lines = [f"{r['epoch']} {r['state']} {r['message']}" for r in replicas()]
        raise AssertionError(f"{error}: {lines}, {server.pids('replica')}") from None


@pytest.mark.timeout(3600)
def test_nothing_is_left_over(server: Server) -> None:
    for number in range(3):
        _cycle(server, number)
    before = Picture.of(server)
    rounds = max(1, CYCLES // AT_ONCE)
    for number in range(3, 3 + rounds):
        _cycle(server, number)

    wait_for(lambda: Picture.of(server).keys <= before.keys, "queues to be gone", 30)
    after = Picture.of(server)
    assert after.processes == before.processes
    assert after.paths <= before.paths
    for pid, count in after.files.items():
        assert count <= before.files[pid] + _SLACK_FILES, psutil.Process(pid).cmdline()
    for pid, size in after.memory.items():
        assert size <= before.memory[pid] + _SLACK_MB, psutil.Process(pid).cmdline()
    assert set(server.orphans()) == {process.pid for process in server.processes()}
    _rows_are_history(server, (3 + rounds) * AT_ONCE)


def _rows_are_history(server: Server, launches: int) -> None:
    """A replica and nine events a launch, until ``history.prune`` takes them; more only where one
    had to be replaced."""
    with sqlite3.connect(f"file:{server.home}/xplatform.sqlite3?mode=ro", uri=True) as database:

        def count(query: str) -> int:
            return int(database.execute(query).fetchone()[0])

        replicas = count("select count(*) from models_replica")
        assert count("select count(*) from models_model where uid like 'cycle-%'") == launches
        over = "select count(*) from models_replica where state in ('stopped', 'failed', 'lost')"
        assert count(over) == replicas
        assert replicas <= 1.1 * launches
        events = count("select count(*) from models_event where uid like 'cycle-%'")
        assert events <= 9 * launches + 8 * (replicas - launches)
        assert count("select count(*) from models_demand where running + waiting > 0") == 0
