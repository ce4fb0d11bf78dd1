"""Models that start when they are called, grow with what is asked, and go when nobody calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.server import ROOT, Answer, Server, serving, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def ready(server: Server, uid: str) -> int:
    replicas = server.launch_state(uid)["replicas"]
    return sum(replica["state"] == "ready" for replica in replicas)


def gone(server: Server, uid: str) -> bool:
    return server.launch_state(uid)["state"] == "stopped" and not server.pids("replica")


def test_from_zero_to_zero(server: Server) -> None:
    server.launch("sleepy", wait=False, min_replicas=0, max_replicas=1, idle_seconds=3.0)
    assert server.launch_state("sleepy")["state"] == "stopped"
    assert server.pids("replica") == []
    for _ in range(2):
        answer = server.chat("sleepy", max_tokens=3)
        assert answer.status == 200, answer.body
        wait_for(
            lambda: (
                server.launch_state("sleepy")["state"] == "stopped" and not server.pids("replica")
            ),
            "the idle model to be gone",
            60,
        )
    assert server.launch_state("sleepy")["start_seconds"] > 0


def test_busy_longer_than_its_idle_time(server: Server) -> None:
    """A request that runs keeps its model, however long ago it came."""
    options = {"step_ms": 100}
    server.launch("slow", min_replicas=0, idle_seconds=2.0, prewarm=True, options=options)
    answer = server.chat("slow", max_tokens=60)
    assert answer.status == 200, answer.body
    assert answer.json()["usage"]["completion_tokens"] == 60
    assert server.launch_state("slow")["replicas"][0]["epoch"] == 1


def test_grows_with_what_is_asked(server: Server) -> None:
    options = {"step_ms": 50}
    server.launch("wide", min_replicas=1, max_replicas=3, slots=1, options=options)
    answers: list[Answer] = []

    def call() -> None:
        answers.append(server.chat("wide", max_tokens=60))

    threads = [threading.Thread(target=call) for _ in range(12)]
    for thread in threads:
        thread.start()
    wait_for(lambda: ready(server, "wide") >= 2, "a second replica", 60)
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 12
    assert server.request("DELETE", "/api/launches/wide").status == 200


def test_moved_under_load(server: Server) -> None:
    """Not one request fails while a replica is replaced by another, on the same machine here."""
    server.launch("mobile", slots=4, options={"step_ms": 10})
    done = threading.Event()
    statuses: list[int] = []

    def call() -> None:
        while not done.is_set():
            statuses.append(server.chat("mobile", max_tokens=20).status)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(statuses) > 8, "the first answers", 30)
        old = server.launch_state("mobile")["replicas"][0]
        moved = server.post(
            f"/api/launches/mobile/replicas/{old['id']}/move", {"node": old["node"]}
        )
        assert moved.status == 200, moved.body

        def replaced() -> bool:
            found = {r["epoch"]: r["state"] for r in server.launch_state("mobile")["replicas"]}
            return found == {old["epoch"]: "stopped", old["epoch"] + 1: "ready"}

        wait_for(replaced, "another replica in its place", 60)
        seen = len(statuses)
        wait_for(lambda: len(statuses) > seen + 8, "answers of the new one", 30)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}


@pytest.mark.engine
def test_a_registration_is_called_by_its_name(
    server: Server, engine_environment: Callable[[str], Path]
) -> None:
    """Nobody launched it: what it is and which engine runs it is found with the first call."""
    engine_environment("llama.cpp")
    spec = {
        "format": "ggufv2",
        "size": "0.002",
        "repositories": [{"hub": "path", "id": str(ROOT / "apps/models/demo/demo.gguf")}],
    }
    family = {"name": "mine", "kind": "llm", "abilities": ["chat"], "specs": [spec]}
    made = server.request("POST", "/api/registrations", {"family": family})
    assert made.status == 201, made.body
    for stream in (False, True):
        answer = server.chat("mine", stream=stream, max_tokens=5)
        assert answer.status == 200, answer.body
        assert b"content" in answer.body
    assert server.launch_state("mine")["engine"] == "llama.cpp"
    assert server.request("DELETE", "/api/registrations/llm/mine").status in (200, 204)
    wait_for(lambda: server.chat("mine").status == 404, "the name to be gone", 60)
