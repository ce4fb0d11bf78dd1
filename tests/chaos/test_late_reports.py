"""Reports that come late, twice, from an old start or from nobody change nothing."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.clients import stream, whole
from tests.chaos.intruder import send_task
from tests.support.server import Server, serving, wait_for
from xplatform.core import queues


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch("m", options={"step_ms": 20}, slots=2)
        wait_for(lambda: made.launch_state("m")["state"] == "ready", "the console to know", 20)
        yield made


def observe(server: Server, replica: str, epoch: int, state: str, **values: Any) -> None:
    for source in ("replica", "node"):
        report = {"source": source, "replica_id": replica, "epoch": epoch, "state": state, **values}
        send_task(server, queues.TASK_OBSERVE, queues.CONTROL, report)


def live(server: Server) -> dict[str, Any]:
    replicas = server.launch_state("m")["replicas"]
    (found,) = [r for r in replicas if r["state"] not in ("stopped", "failed", "lost")]
    return dict(found)


def test_the_dead_of_an_old_epoch_do_not_touch_the_living(server: Server) -> None:
    old = live(server)
    os.kill(server.replica_pid("m"), signal.SIGKILL)
    whole(server, "m", 3).counted(3)
    wait_for(lambda: server.launch_state("m")["state"] == "ready", "the console to know", 20)
    new, pid = live(server), server.replica_pid("m")
    assert new["epoch"] > old["epoch"]
    call = stream(server, "m", 200).at(5)

    states = ("starting", "loading", "ready", "draining", "failed", "stopped")
    for state in states:
        for report_time in (0.0, time.time(), time.time() + 3600):
            observe(server, old["id"], old["epoch"], state, time=report_time)
            # The right replica, but of another start.
            observe(server, new["id"], old["epoch"], state, time=report_time)
            observe(server, new["id"], new["epoch"] + 1, state, time=report_time)
            observe(server, str(uuid.uuid4()), 1, state, time=report_time)
    call.counted(200)
    time.sleep(1)
    assert server.replica_pid("m") == pid
    after = live(server)
    assert (after["id"], after["epoch"], after["state"]) == (new["id"], new["epoch"], "ready")
    ended = {r["id"]: r["state"] for r in server.launch_state("m")["replicas"]}[old["id"]]
    assert ended in ("failed", "lost")


def test_reports_that_make_no_sense_are_dropped(server: Server) -> None:
    new, pid = live(server), server.replica_pid("m")
    reports: list[Any] = [
        None,
        7,
        "text",
        [],
        {},
        {"source": "nobody", "replica_id": new["id"], "epoch": new["epoch"], "state": "failed"},
        {"source": "replica", "replica_id": "'; --", "epoch": 1, "state": "failed"},
        {"source": "replica", "replica_id": new["id"], "epoch": new["epoch"], "state": "flying"},
        {"source": "replica", "replica_id": new["id"], "epoch": "one", "state": "failed"},
    ]
    for report in reports:
        send_task(server, queues.TASK_OBSERVE, queues.CONTROL, report)
        send_task(server, queues.TASK_HEARTBEAT, queues.CONTROL, report)
    send_task(server, queues.TASK_OBSERVE, queues.CONTROL)
    whole(server, "m", 20).counted(20)
    time.sleep(1)
    assert server.replica_pid("m") == pid
    assert live(server)["state"] == "ready"
    server.launch("other", options={"step_ms": 1})
    assert server.request("DELETE", "/api/launches/other").status == 200


def test_an_order_that_comes_twice_starts_nothing_twice(server: Server) -> None:
    new, pid = live(server), server.replica_pid("m")
    spec = {
        "replica_id": new["id"],
        "epoch": new["epoch"],
        "model_uid": "m",
        "node": "local",
        "engine": "fake",
        "model_path": "/dev/null",
    }
    for _ in range(3):
        send_task(server, queues.TASK_START_REPLICA, queues.node_queue("local"), spec)
    time.sleep(2)
    assert server.pids("replica") == [pid]
    # An end for an old start is not an end for this one.
    send_task(
        server, queues.TASK_STOP_REPLICA, queues.node_queue("local"), new["id"],
        new["epoch"] - 1, 0,
    )  # fmt: skip
    time.sleep(1)
    assert server.pids("replica") == [pid]
    whole(server, "m", 3).counted(3)
