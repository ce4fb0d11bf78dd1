from __future__ import annotations

import json
from typing import Any

import pytest

from apps.models.nodes import access, leaving
from tests.models.conftest import clock, hints, sender, world
from xplatform.core.config import secret

__all__ = ["clock", "hints", "sender", "world"]


class Broker:
    """Stands in for the broker's users."""

    def __init__(self) -> None:
        self.granted: list[tuple[str, str]] = []
        self.withdrawn: list[str] = []

    def grant(self, name: str, host: str) -> tuple[str, str]:
        self.granted.append((name, host))
        return f"redis://node-{name}:pw@{host}:6380/0", f"redis://node-{name}:pw@{host}:6380/0"

    def withdraw(self, names: list[str]) -> None:
        self.withdrawn += names


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(access, "grant", broker.grant)
    monkeypatch.setattr(access, "withdraw", broker.withdraw)
    monkeypatch.setattr(leaving, "_GRACE", 0.0)
    return broker


class Http:
    """``/api`` as an administrator sees it."""

    def __init__(self, client: Any, token: str | None) -> None:
        self._client = client
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def __call__(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else self._headers
        return self._client.generic(
            method,
            "/api/" + path,
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )


@pytest.fixture
def http(client: Any, world: Any, users: Broker) -> Http:
    return Http(client, secret("local"))
