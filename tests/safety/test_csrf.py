"""Sessions need Django's CSRF token with everything that changes something; keys need none."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts import api
from apps.accounts.models import ApiKey, User

pytestmark = pytest.mark.usefixtures("clean_database")

BODY = '{"name": "made"}'


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def signed_in(client: Client) -> Client:
    api.ensure_admin("correct horse battery")
    client.force_login(User.objects.get())
    return client


def post(client: Client, kind: str = "application/json", body: str = BODY, **headers: str) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/api/keys", body, content_type=kind, headers=given)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", BODY),
        # What a form of any page can send without asking first.
        ("text/plain", BODY),
        ("application/x-www-form-urlencoded", "name=made"),
        ("multipart/form-data; boundary=x", '--x\r\nContent-Disposition: form-data; name="name"'
         "\r\n\r\nmade\r\n--x--\r\n"),
        ("text/plain; x=application/json", BODY),
    ],
)  # fmt: skip
def test_a_session_without_the_token_changes_nothing(
    signed_in: Client, kind: str, body: str
) -> None:
    answer = post(signed_in, kind, body)
    assert answer.status_code == 403, answer.content
    assert not ApiKey.objects.exists()


def test_a_session_with_the_token(signed_in: Client) -> None:
    page = signed_in.get("/admin/password_change/")
    token = page.content.decode().partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
    assert post(signed_in, X_CSRFToken=token).status_code == 201
    assert post(signed_in, X_CSRFToken="x" * 64).status_code == 403
    other = post(signed_in, X_CSRFToken=token, Origin="https://evil.example")
    assert other.status_code == 403
    assert ApiKey.objects.count() == 1


def test_a_session_may_read(signed_in: Client) -> None:
    assert signed_in.get("/api/keys").status_code == 200


def test_a_key_needs_none(client: Client) -> None:
    api.ensure_admin("correct horse battery")
    token, _ = api.create_key("mine")
    answer = post(client, Authorization=f"Bearer {token}", Origin="https://evil.example")
    assert answer.status_code == 201


def test_a_key_beside_a_session_is_what_counts(signed_in: Client) -> None:
    token, _ = api.create_key("mine")
    assert post(signed_in, Authorization=f"Bearer {token}").status_code == 201
    assert post(signed_in, Authorization="Bearer xp-wrong").status_code == 401


def test_a_key_takes_json_only(client: Client) -> None:
    api.ensure_admin("correct horse battery")
    token, _ = api.create_key("mine")
    answer = post(client, "text/plain", Authorization=f"Bearer {token}")
    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/logout/", "/admin/accounts/apikey/add/"])
def test_forms_of_the_admin(signed_in: Client, path: str) -> None:
    assert signed_in.post(path, {"name": "made"}).status_code == 403
