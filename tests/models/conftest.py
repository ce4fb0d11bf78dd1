from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from apps.models import transitions
from apps.models.control import effects
from tests.models.world import Clock, FakeSender, World


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock.datetime)
    return clock


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> FakeSender:
    sender = FakeSender()
    monkeypatch.setattr(effects, "sender", lambda: sender)
    return sender


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    seen: list[tuple[str, dict[str, Any]]] = []

    def broadcast(kind: str, **values: Any) -> None:
        seen.append((kind, values))

    monkeypatch.setattr(transitions, "broadcast", broadcast)
    monkeypatch.setattr("apps.accounts.hints.broadcast", broadcast)
    return seen


@pytest.fixture
def world(clean_database: None, clock: Clock, sender: FakeSender, hints: list[Any]) -> World:
    """Two nodes, both up."""
    world = World(clock, sender, "n1", "n2")
    world.pass_time(1)
    hints.clear()
    return world
