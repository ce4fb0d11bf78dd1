"""The device flow (RFC 8628): what a command line shows, and what a person does with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_device_grant_model

from apps.accounts.models import User
from apps.accounts.oauth import applications
from apps.accounts.oauth.endpoints import DEVICE_GRANT
from tests.accounts.oauth.steps import OTHER_PROJECT, App, fields, post, refresh

DeviceGrant = get_device_grant_model()


@pytest.fixture(autouse=True)
def command_line() -> None:
    applications.ensure_command_line()


def begun(scope: str = "models.use models.read") -> dict[str, Any]:
    answer = post(
        "/oauth/device-authorization", {"client_id": applications.COMMAND_LINE, "scope": scope}
    )
    assert answer.status_code == 200, answer.content.decode()
    return dict(answer.json())


def poll(device: dict[str, Any], client_id: str = applications.COMMAND_LINE) -> Any:
    return post(
        "/oauth/token",
        {
            "grant_type": DEVICE_GRANT,
            "device_code": device["device_code"],
            "client_id": client_id,
        },
    )


def waited() -> None:
    """As if the client had waited as long as it was told."""
    earlier = timezone.now() - timedelta(seconds=10)
    DeviceGrant.objects.update(last_checked=earlier)


def test_whole_flow(browser: Client) -> None:
    device = begun()
    code = device["user_code"]
    assert len(code) == 9 and code[4] == "-"
    assert device["verification_uri"] == "http://testserver/device"
    assert device["verification_uri_complete"].endswith(f"?user_code={code}")
    waited()
    assert poll(device).json()["error"] == "authorization_pending"
    assert poll(device).json()["error"] == "slow_down"

    # A link only fills the field in.
    page = browser.get("/device", {"user_code": code})
    assert fields(page).values == {"user_code": code}
    typed = code.lower().replace("-", " ")
    page = browser.post("/device", {"user_code": typed})
    assert "xplatform command line" in page.content.decode() and code in page.content.decode()
    found = fields(page)
    assert found.choices["project"] == ["research"]
    done = browser.post("/device", {**found.values, "project": "research", "action": "allow"})
    assert "may act for you" in done.content.decode()

    got = poll(device)
    assert got.status_code == 200
    body = got.json()
    assert body["scope"].split() == ["models.use", "models.read", "project:research"]
    # A code is good once; what was issued can be renewed.
    assert poll(device).json()["error"] == "invalid_grant"
    app = App(applications.COMMAND_LINE, "")
    assert refresh(app, body["refresh_token"]).json()["scope"] == body["scope"]


def test_refused_and_expired(browser: Client) -> None:
    device = begun()
    done = browser.post("/device", {"user_code": device["user_code"], "action": "deny"})
    assert "was not allowed" in done.content.decode()
    assert poll(device).json()["error"] == "access_denied"
    # Nor can it be allowed afterwards.
    again = browser.post("/device", {"user_code": device["user_code"]})
    assert again.status_code == 400

    device = begun()
    DeviceGrant.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert browser.post("/device", {"user_code": device["user_code"]}).status_code == 400
    assert poll(device).json()["error"] == "expired_token"


def test_a_code_belongs_to_its_client(browser: Client, ada: User) -> None:
    device = begun()
    browser.post(
        "/device", {"user_code": device["user_code"], "action": "allow", "project": "research"}
    )
    _, other = applications.create(
        name="Other", grant="device_code", owner=ada, project=None, confidential=False
    )
    assert poll(device, other.client_id).json()["error"] == "invalid_grant"
    assert poll(device).status_code == 200


def test_another_project_cannot_be_chosen(browser: Client) -> None:
    device = begun()
    for slug in (OTHER_PROJECT, "*"):
        values = {"user_code": device["user_code"], "action": "allow", "project": slug}
        assert browser.post("/device", values).status_code == 400
    waited()
    assert poll(device).json()["error"] == "authorization_pending"


def test_codes_cannot_be_tried_out(browser: Client) -> None:
    device = begun()
    for _ in range(10):
        assert browser.post("/device", {"user_code": "BBBB-BBBB"}).status_code == 400
    assert browser.post("/device", {"user_code": device["user_code"]}).status_code == 429


def test_the_page_needs_a_login() -> None:
    assert Client().get("/device").status_code == 302
    assert Client().post("/device", {"user_code": "BBBB-BBBB"}).status_code == 302


def test_what_no_client_should_send(app: App) -> None:
    wrong = [
        ("/oauth/device-authorization", {}),
        ("/oauth/device-authorization", {"client_id": "nobody"}),
        ("/oauth/device-authorization", {"client_id": app.client_id}),
        (
            "/oauth/device-authorization",
            {"client_id": applications.COMMAND_LINE, "scope": "nonsense"},
        ),
        ("/oauth/token", {"grant_type": DEVICE_GRANT}),
        ("/oauth/token", {"grant_type": DEVICE_GRANT, "device_code": "x"}),
        (
            "/oauth/token",
            {
                "grant_type": DEVICE_GRANT,
                "device_code": "nothing",
                "client_id": applications.COMMAND_LINE,
            },
        ),
    ]
    for path, values in wrong:
        answer = post(path, values)
        assert answer.status_code in (400, 401), (values, answer.content)
        assert answer.json()["error"]
