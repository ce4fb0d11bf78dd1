"""A server without its warden. Who may what is tested in tests/accounts/matrix."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from xplatform.core.config import secret

pytestmark = pytest.mark.usefixtures("clean_database")


def bearer(token: str) -> dict[str, Any]:
    return {"headers": {"authorization": f"Bearer {token}"}}


@pytest.fixture
def http() -> Client:
    return Client()


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
