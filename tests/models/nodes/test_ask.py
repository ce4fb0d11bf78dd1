"""A question's whole way: Celery task, a real worker, a real broker and back."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from apps.models.control import effects
from apps.models.models import Node
from apps.models.node import questions
from apps.models.node.questions import Desk, Here, question
from apps.models.nodes import ask
from apps.models.nodes.ask import ask_node
from tests.deploy.servers import valkey
from tests.models.world import FakeSender
from xplatform.core import errors
from xplatform.core.config import Settings
from xplatform.core.queues import TASK_ASK


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with valkey('requirepass secret\nsave ""\n') as port:
        yield f"redis://:secret@127.0.0.1:{port}/0"


class Wire(FakeSender):
    """Brings a question to the desk of the node at once, or never."""

    desk: Desk | None = None

    def send(self, task: str, queue: str, *args: Any, expires: float = 3600.0) -> None:
        super().send(task, queue, *args)
        assert (task, queue) == (TASK_ASK, "node.n1")
        if self.desk is not None:
            self.desk.ask(*args)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, broker: str, clean_database: None) -> Wire:
    settings = Settings(home=tempfile.gettempdir(), broker=broker)
    monkeypatch.setattr(ask, "settings", lambda: settings)
    questions.learn()
    monkeypatch.setattr(questions, "_ANSWERS", dict(questions._ANSWERS))
    wire = Wire()
    wire.desk = Desk(Here("n1", settings, None))  # type: ignore[arg-type]
    monkeypatch.setattr(effects, "sender", lambda: wire)
    Node.objects.create(name="n1")
    return wire


def test_there_and_back(wire: Wire, broker: str) -> None:
    @question("double")
    def double(here: Here, number: int) -> dict[str, Any]:
        return {"node": here.node, "number": 2 * number}

    assert ask_node("n1", "double", {"number": 21}) == {"node": "n1", "number": 42}
    # Nothing is left in the broker.
    assert redis.Redis.from_url(broker).keys("xp:answer:*") == []


def test_the_nodes_errors(wire: Wire) -> None:
    with pytest.raises(errors.InvalidValue, match="`path`"):
        ask_node("n1", "path.check", {"path": ""})
    with pytest.raises(errors.NotFound, match="knows no question"):
        ask_node("n1", "no.such")


def test_an_unknown_node(wire: Wire) -> None:
    with pytest.raises(errors.NotFound, match="'n2'"):
        ask_node("n2", "path.check", {"path": "/"})
    assert wire.sent == []


def test_silence(wire: Wire) -> None:
    wire.desk = None
    began = time.monotonic()
    with pytest.raises(errors.NodeSilent) as caught:
        ask_node("n1", "path.check", {"path": "/"}, timeout=0.3)
    assert time.monotonic() - began < 10
    assert (caught.value.status, caught.value.retryable) == (503, True)
    assert "Retry-After" in errors.headers(caught.value)


def test_a_silent_node_is_not_waited_for(wire: Wire) -> None:
    Node.objects.update(state=Node.State.SILENT)
    with pytest.raises(errors.NodeSilent, match="not heard since"):
        ask_node("n1", "path.check", {"path": "/"}, timeout=600)
    assert wire.sent == []


def test_a_late_answer_expires(wire: Wire, broker: str) -> None:
    go_on = threading.Event()

    @question("late")
    def late(here: Here) -> dict[str, Any]:
        go_on.wait(30)
        return {}

    with pytest.raises(errors.NodeSilent):
        ask_node("n1", "late", timeout=0.1)
    go_on.set()
    client = redis.Redis.from_url(broker)
    deadline = time.monotonic() + 10
    while not (keys := client.keys("xp:answer:n1:*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 0 < client.ttl(keys[0]) <= questions.ANSWER_EXPIRES


def test_no_broker(wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    away = Settings(home=str(tmp_path), broker="redis://127.0.0.1:1/0")
    monkeypatch.setattr(ask, "settings", lambda: away)
    with pytest.raises(errors.BrokerUnavailable):
        ask_node("n1", "path.check", {"path": "/"})
