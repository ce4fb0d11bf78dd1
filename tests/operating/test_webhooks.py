"""A webhook of a real server: told by its control worker, without anybody asking."""

from __future__ import annotations

import json

import pytest

from tests.support.server import Server, wait_for
from tests.webhooks.conftest import Receiver, receiver

__all__ = ["receiver"]

pytestmark = [pytest.mark.server, pytest.mark.slow]


def test_what_happens_is_told(server: Server, receiver: Receiver) -> None:
    made = server.post(
        "/api/webhooks", {"name": "here", "url": receiver.url, "kinds": ["replica.ready"]}
    )
    assert made.status == 201, made.body
    server.launch("told")
    (told,) = wait_for(
        lambda: [b for _, b in receiver.got if b'"uid":"told"' in b], "the webhook's message"
    )
    message = json.loads(told)
    assert message["type"] == "replica.ready" and message["data"]["after"] == "ready"
    path = f"/api/webhooks/{made.json()['id']}"
    assert server.post(f"{path}/test", {}).json()["last_status"] == 204
    wait_for(lambda: server.get(path).json()["delivered"], "the count")
    assert server.request("DELETE", path).status == 204
