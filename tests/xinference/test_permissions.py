"""What a key of somebody who is no administrator may, and a server without its warden."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.support.people import key_of
from xplatform.core.config import secret

pytestmark = pytest.mark.usefixtures("clean_database")


def bearer(token: str) -> dict[str, Any]:
    return {"headers": {"authorization": f"Bearer {token}"}}


@pytest.fixture
def http() -> Client:
    return Client()


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("apps.accounts.hints.broadcast", lambda kind, **values: None)
    return key_of("reader")


READ = """
    workers supervisor cluster/info cluster/version cluster/devices address models/instances
    models/nothing/progress models/nothing/events models/families models/prompts
    model_registrations/LLM autostart/models autostart/models/summary cache/models downloads
    virtualenvs launch_history model_favorites
""".split()
CHANGE = """
    POST models, DELETE models/x, POST models/x/cancel, POST models/x/replicas,
    DELETE models/x/replicas/1, POST models/x/reload, POST models/instance,
    POST model_registrations/LLM, DELETE model_registrations/LLM/x, POST cache/models,
    DELETE cache/models, POST cache/models/x/cancel, POST downloads/x/pause,
    POST downloads/x/resume, DELETE downloads/x, DELETE virtualenvs, POST autostart/models,
    DELETE autostart/models/x, DELETE clusters, POST api/relaunch, GET api-relaunches,
    POST supervisor/relaunch, POST workers/x/relaunch, GET worker-relaunches, GET cluster/logs
""".split(",")


def test_everybody_reads(http: Client, key: str) -> None:
    for route in READ:
        assert http.get(f"/v1/{route}").status_code == 401, route
        assert http.get(f"/v1/{route}", **bearer(key)).status_code == 200, route


def test_administrators_change(http: Client, key: str) -> None:
    for line in CHANGE:
        method, route = line.split()
        answer = http.generic(method, f"/v1/{route}", "{}", **bearer(key))
        assert answer.status_code == 403, (line, answer.content)
        assert answer.json()["error"]["code"] == "insufficient_permissions"
        assert answer.json()["detail"]
        assert http.generic(method, f"/v1/{route}", "{}").status_code == 401, line


def test_nobody_to_restart_or_stop_it(http: Client) -> None:
    """A web process that something else started."""
    operator = bearer(secret("local"))
    for method, route in (
        ("DELETE", "/v1/clusters"),
        ("POST", "/v1/api/relaunch"),
        ("POST", "/v1/supervisor/relaunch"),
        ("GET", "/v1/api-relaunches"),
    ):
        answer = http.generic(method, route, "{}", **operator)
        assert answer.status_code == 409, (route, answer.content)
        assert "was not started by `xplatform serve`" in answer.json()["detail"]
    assert http.get("/v1/worker-relaunches", **operator).json() == []
