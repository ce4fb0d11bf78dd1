"""The node agent against the warden's protocol: orders twice, late, in the wrong order; ends that
are told at once; restarts of the agent."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.models.node import preparation
from apps.models.node.agent import Agent, child_name, parse_name
from apps.models.node.heart import Heart
from apps.models.reports import Heartbeat, ReplicaSpec
from tests.models.fake_warden import FakeWarden
from tests.models.world import FakeSender
from xplatform import environments
from xplatform.core.config import Settings
from xplatform.core.queues import TASK_HEARTBEAT, TASK_OBSERVE
from xplatform.warden.client import WardenClient, WardenError

KEY = ("0b5f1e0a-7d5c-4c9f-a38e-2d0f3e0a1b11", 3)


def wait_for(look: Callable[[], Any], timeout: float = 10.0) -> Any:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")


@pytest.fixture
def settings() -> Iterator[Settings]:
    # Unix sockets have short paths.
    with tempfile.TemporaryDirectory(prefix="xp-") as home:
        made = Settings(home=home)
        made.run_path.mkdir(parents=True)
        yield made


@pytest.fixture
def warden(settings: Settings) -> Iterator[FakeWarden]:
    warden = FakeWarden(settings.sockets_path / "warden.sock")
    yield warden
    warden.close()


@pytest.fixture
def reports() -> FakeSender:
    return FakeSender()


def make_agent(settings: Settings, sender: Any) -> Agent:
    return Agent("n1", settings, sender, WardenClient(settings.sockets_path / "warden.sock"))


@pytest.fixture
def agent(settings: Settings, warden: FakeWarden, reports: FakeSender) -> Agent:
    return make_agent(settings, reports)


def spec(**changes: Any) -> dict[str, Any]:
    return {
        "replica_id": KEY[0],
        "epoch": KEY[1],
        "model_uid": "m",
        "node": "n1",
        "engine": "fake",
        "model_path": "anything",
        "kind": "llm",
        "slots": 4,
        "context_length": None,
        "options": {"token": "hf_secret"},
        **changes,
    }


def told(sender: FakeSender) -> list[tuple[str, str]]:
    """(state, message) of all reports so far."""
    found = [message.args[0] for message in sender.sent if message.task == TASK_OBSERVE]
    assert all((r["replica_id"], r["epoch"]) == KEY for r in found)
    return [(report["state"], report.get("message", "")) for report in found]


def states(sender: FakeSender) -> list[str]:
    return [state for state, _ in told(sender)]


def start(agent: Agent, warden: FakeWarden, **changes: Any) -> None:
    agent.start_replica(spec(**changes))
    wait_for(lambda: warden.processes and not agent._preparing)


def test_start(agent: Agent, warden: FakeWarden, settings: Settings, reports: FakeSender) -> None:
    start(agent, warden)
    [(name, argv)] = warden.started
    assert name == child_name(KEY)
    path = settings.run_path / "replicas" / f"{KEY[0]}.{KEY[1]}.json"
    assert argv == [sys.executable, "-m", "xplatform", "replica", str(path)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(path.read_bytes())
    assert written == msgspec.to_builtins(
        msgspec.convert(spec(engine_python=sys.executable), ReplicaSpec)
    )
    assert states(reports) == ["starting", "starting"]


def test_names() -> None:
    assert parse_name(child_name(KEY)) == KEY
    assert parse_name("web-1") is None
    assert parse_name("replica-x") is None


def test_start_twice_is_one_process(agent: Agent, warden: FakeWarden, settings: Settings) -> None:
    for _ in range(3):
        agent.start_replica(spec())
    wait_for(lambda: warden.processes)
    agent.start_replica(spec())
    make_agent(settings, FakeSender()).start_replica(spec())  # an agent that knows nothing
    time.sleep(0.1)
    assert len(warden.started) == 1


def test_an_order_that_makes_no_sense_is_ignored(agent: Agent, warden: FakeWarden) -> None:
    agent.start_replica({"replica_id": 3})
    assert warden.started == []


def test_an_end_that_overtook_its_beginning(
    agent: Agent, warden: FakeWarden, reports: FakeSender
) -> None:
    agent.stop_replica(*KEY, 8.0)
    agent.start_replica(spec())
    time.sleep(0.1)
    assert warden.started == []
    assert states(reports) == ["stopped"]


def test_stop_lets_it_drain_and_a_repetition_does_not_put_off_the_end(
    agent: Agent, warden: FakeWarden
) -> None:
    start(agent, warden)
    agent.stop_replica(*KEY, 8.0)
    agent.stop_replica(*KEY, 8.0)
    assert warden.stops == [(child_name(KEY), 9.5)]
    # Sooner is another matter.
    agent.stop_replica(*KEY, 0.0)
    assert [grace for _, grace in warden.stops] == [9.5, 1.5]


def test_an_ended_replica_is_told_once_then_forgotten(
    agent: Agent, warden: FakeWarden, settings: Settings, reports: FakeSender
) -> None:
    start(agent, warden)
    warden.processes[child_name(KEY)].kill()
    warden.processes[child_name(KEY)].wait()
    for _ in range(2):
        agent.tell_ends(agent.listing())
    [last] = [message for state, message in told(reports) if state == "failed"]
    assert last == "the replica's process was killed by SIGKILL:\nValueError: its last words"
    # It is in the heartbeat until the control plane, which has counted it, says so.
    assert [item.running for item in agent.listing()] == [False]
    agent.stop_replica(*KEY, 0.0)
    assert agent.listing() == []
    assert not list((settings.run_path / "replicas").iterdir())


def test_an_end_that_was_asked_for_is_no_failure(
    agent: Agent, warden: FakeWarden, reports: FakeSender
) -> None:
    start(agent, warden)
    agent.stop_replica(*KEY, 0.0)
    warden.processes[child_name(KEY)].wait()
    agent.tell_ends(agent.listing())
    assert states(reports)[-1] == "stopped"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"engine": "llama.cpp", "model_path": "/no/such.gguf"}, "'/no/such.gguf' on node 'n1'"),
        ({"engine": "llama.cpp", "model_path": "builtin:nothing"}, "on node 'n1'"),
        ({"engine": "unheard"}, "unheard"),
    ],
)
def test_what_cannot_be_started_says_why_until_it_is_heard(
    agent: Agent, warden: FakeWarden, reports: FakeSender, changes: dict[str, Any], says: str
) -> None:
    agent.start_replica(spec(**changes))
    wait_for(lambda: "failed" in states(reports))
    message = dict(told(reports))["failed"]
    assert says in message
    assert "Traceback" not in message
    [item] = agent.listing()
    assert (item.running, item.why) == (False, message)
    agent.stop_replica(*KEY, 0.0)
    assert agent.listing() == []
    assert warden.started == []


def test_the_built_in_model_is_there() -> None:
    assert preparation.built_in("demo").suffix == ".gguf"


def test_refusals_of_the_warden(agent: Agent, warden: FakeWarden, reports: FakeSender) -> None:
    warden.refuse = "the server is stopping"
    agent.start_replica(spec())
    wait_for(lambda: not agent._preparing)
    assert "failed" not in states(reports)
    warden.refuse = "cannot start it: no memory"
    agent.start_replica(spec())
    wait_for(lambda: "failed" in states(reports))
    assert "no memory" in dict(told(reports))["failed"]


class Installation:
    """Stands in for ``environments.install``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on = threading.Event()
        self.running = threading.Event()
        monkeypatch.setattr(environments, "environment_python", lambda *_: None)
        monkeypatch.setattr(environments, "install", self)

    def __call__(self, name: str, settings: Settings, report: Any) -> Path:
        self.running.set()
        while not self.go_on.wait(0.02):
            report("downloading", 0.5, "torch")
        report("ready", 1.0, "")
        return Path("/env/bin/python")


def test_installation_shows_progress(
    agent: Agent, warden: FakeWarden, reports: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = Installation(monkeypatch)
    agent.start_replica(spec())
    wait_for(lambda: any("downloading torch" in message for _, message in told(reports)))
    # Other orders and heartbeats go on meanwhile; it is listed as living.
    assert [(item.pid, item.running) for item in agent.listing()] == [(None, True)]
    installation.go_on.set()
    wait_for(lambda: warden.started)
    assert json.loads(Path(warden.started[0][1][-1]).read_bytes())["engine_python"] == (
        "/env/bin/python"
    )


def test_installation_is_cancelled(
    agent: Agent, warden: FakeWarden, reports: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = Installation(monkeypatch)
    agent.start_replica(spec())
    installation.running.wait(5)
    agent.stop_replica(*KEY, 8.0)
    wait_for(lambda: not agent._preparing)
    assert states(reports)[-1] == "stopped"
    assert warden.started == []
    assert agent.listing() == []


def test_a_new_agent_finds_the_replicas(
    agent: Agent, warden: FakeWarden, settings: Settings
) -> None:
    start(agent, warden)
    stray = settings.run_path / "replicas" / "gone.1.json"
    stray.write_text("{}")
    new = make_agent(settings, FakeSender())
    new.tidy()
    assert [(item.id, item.epoch, item.running) for item in new.listing()] == [(*KEY, True)]
    assert len(list((settings.run_path / "replicas").iterdir())) == 1
    new.stop_replica(*KEY, 1.0)
    assert len(warden.stops) == 1


def make_heart(agent: Agent, sender: Any) -> Heart:
    return Heart(agent, sender, agent._settings)


class TestHeart:
    def test_first_beat(self, agent: Agent, warden: FakeWarden, reports: FakeSender) -> None:
        start(agent, warden)
        make_heart(agent, reports).beat()
        [message] = reports.take(TASK_HEARTBEAT)
        beat = msgspec.convert(message.args[0], Heartbeat)
        assert beat.node == "n1"
        assert abs(beat.time - time.time()) < 5
        assert beat.devices["cpus"] >= 1
        assert beat.devices["memory_total"] > beat.devices["memory_available"] > 0
        assert "cpu" in {device["id"] for device in beat.devices["devices"]}
        assert beat.engines["fake"]
        assert beat.instance == make_agent(agent._settings, reports).instance
        [item] = beat.replicas
        assert (item.id, item.epoch, item.running) == (*KEY, True)
        assert item.pid == warden.processes[child_name(KEY)].pid

    def test_an_end_is_told_at_once(
        self, agent: Agent, warden: FakeWarden, reports: FakeSender
    ) -> None:
        heart = make_heart(agent, reports)
        heart.start()
        wait_for(lambda: reports.take(TASK_HEARTBEAT))
        start(agent, warden)
        time.sleep(0.2)
        os.kill(warden.processes[child_name(KEY)].pid, signal.SIGKILL)
        killed = time.monotonic()
        wait_for(lambda: "failed" in states(reports))
        assert time.monotonic() - killed < 0.5
        heart.stop()

    def test_beats_each_second_and_not_while_the_broker_is_away(
        self, agent: Agent, reports: FakeSender
    ) -> None:
        heart = make_heart(agent, reports)
        reports.connected = False
        reports.flush = lambda timeout: False  # type: ignore[method-assign]
        heart.beat()
        assert reports.take(TASK_HEARTBEAT) == []
        reports.connected = True
        heart.beat()
        assert len(reports.take(TASK_HEARTBEAT)) == 1

    def test_an_order_that_comes_while_it_looks_is_newer(
        self,
        agent: Agent,
        warden: FakeWarden,
        reports: FakeSender,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A replica that is not in a list is lost if the list is younger than its last report."""
        look = agent.listing

        def listing() -> list[Any]:
            found = look()
            start(agent, warden)
            return found

        monkeypatch.setattr(agent, "listing", listing)
        make_heart(agent, reports).beat()
        [message] = reports.take(TASK_HEARTBEAT)
        beat = msgspec.convert(message.args[0], Heartbeat)
        assert beat.replicas == []
        times = [m.args[0]["time"] for m in reports.sent if m.task == TASK_OBSERVE]
        assert times
        assert beat.time < min(times)

    def test_no_warden_no_heartbeat(self, settings: Settings, reports: FakeSender) -> None:
        with pytest.raises(WardenError):
            make_heart(make_agent(settings, reports), reports).beat()
        assert reports.sent == []


def test_node_side_imports_no_django() -> None:
    code = (
        "import sys, apps.models.node.worker, apps.models.reports;"
        "assert not {'django.db', 'django.conf', 'rest_framework'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
