"""``/api/settings``: what the server's own processes run with."""

from __future__ import annotations

import pytest

from tests.support.server import Server

pytestmark = [pytest.mark.server, pytest.mark.slow]


def test_settings_in_force(server: Server, tokens: dict[str, str]) -> None:
    answer = server.get("/api/settings")
    assert answer.status == 200
    seen = {one["name"]: one for one in answer.json()}
    web = seen["web_processes"]
    assert (web["value"], web["origin"], web["given_by"]) == (2, "flag", "--web-processes")
    assert (seen["demo"]["value"], seen["demo"]["origin"]) == (False, "flag")
    assert (seen["port"]["value"], seen["port"]["given_by"]) == (server.port, "XPLATFORM_PORT")
    assert seen["slots"]["origin"] == "default"
    password = seen["admin_password"]
    assert (password["value"], password["secret"]) == (None, True)
    assert b"test-admin-password" not in answer.body
    assert server.get("/api/settings", key=tokens["owner-of-ours"]).status == 403
