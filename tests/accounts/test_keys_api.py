"""``/api/keys`` over HTTP, and who is let in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts import api
from apps.accounts.models import User
from tests.support.people import key_of
from xplatform.core.config import secret

pytestmark = pytest.mark.usefixtures("clean_database")


def bearer(token: str) -> dict[str, Any]:
    return {"headers": {"authorization": f"Bearer {token}"}}


def test_life_of_a_key(client: Client, admin_key: str) -> None:
    made = client.post(
        "/api/keys", {"name": "ci"}, content_type="application/json", **bearer(admin_key)
    )
    assert made.status_code == 201
    body = made.json()
    token = body["key"]
    assert body["owner"] == "admin"
    assert api.find_key(token) is not None

    listed = client.get("/api/keys", **bearer(admin_key))
    assert [key["name"] for key in listed.json()] == ["ci", "first key"]
    assert token not in listed.content.decode()
    assert "digest" not in listed.content.decode()

    gone = client.delete(f"/api/keys/{body['id']}", **bearer(admin_key))
    assert gone.json()["state"] == "revoked"
    refused = client.get("/api/keys", **bearer(token))
    assert refused.status_code == 401


def test_nobody_and_wrong_keys(client: Client, admin_key: str) -> None:
    for headers in ({}, bearer("xp-wrong"), bearer(""), bearer("ü")):
        answer = client.get("/api/keys", **headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="xplatform"')
        body = answer.json()
        assert body["error"]["code"] == "invalid_api_key"
        assert body["detail"] == body["error"]["message"]


def test_keys_are_for_administrators(client: Client, admin_key: str) -> None:
    token = key_of("dev", "viewer")
    answer = client.get("/api/keys", **bearer(token))
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "insufficient_permissions"
    assert client.get("/api/launches", **bearer(token)).status_code == 200


def test_local_operator(client: Client, admin_key: str) -> None:
    answer = client.post(
        "/api/keys", {"name": "x"}, content_type="application/json", **bearer(secret("local"))
    )
    assert answer.status_code == 201


def test_session_of_the_admin(client: Client, admin_key: str) -> None:
    client.force_login(User.objects.get())
    assert client.get("/api/keys").status_code == 200


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "name", "missing_required_parameter"),
        ({"name": ""}, "name", "invalid_value"),
        ({"name": "x" * 101}, "name", "invalid_value"),
        ({"name": "x", "expires": "soon"}, "expires", "invalid_value"),
        ({"name": "x", "expires": "2001-01-01T00:00:00Z"}, "expires", "invalid_value"),
        ({"name": "x", "owner": "nobody"}, "owner", "invalid_value"),
    ],
)
def test_bad_bodies(
    client: Client, admin_key: str, body: dict[str, Any], param: str, code: str
) -> None:
    answer = client.post("/api/keys", body, content_type="application/json", **bearer(admin_key))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == (param, code)


def test_bad_json_method_and_id(client: Client, admin_key: str) -> None:
    headers = bearer(admin_key)
    broken = client.post("/api/keys", "{", content_type="application/json", **headers)
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_json")
    form = client.post("/api/keys", "a=b", content_type="text/plain", **headers)
    assert (form.status_code, form.json()["error"]["code"]) == (415, "unsupported_media_type")
    put = client.put("/api/keys", **headers)
    assert (put.status_code, put.json()["error"]["code"]) == (405, "method_not_allowed")
    lost = client.delete("/api/keys/17", **headers)
    assert (lost.status_code, lost.json()["error"]["code"]) == (404, "not_found")
