"""The authorization code flow with PKCE, step by step, and what is wrong at each."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.accounts.oauth import applications
from tests.accounts.oauth.steps import (
    OTHER_PROJECT,
    PASSWORD,
    REDIRECT,
    App,
    allow,
    answer,
    checked,
    exchange,
    fields,
    post,
    public_app,
    refresh,
    tokens,
)
from xplatform.pages import HEADER


def test_whole_flow(browser: Client, app: App, ada: User) -> None:
    page = browser.get("/oauth/authorize", app.asks("models.use openid email"))
    text = page.content.decode()
    assert "Notebook" in text and "ada" in text and "Know your e-mail address" in text
    assert fields(page).choices["project"] == ["research"]
    # Browsers hold the redirect after the form against this.
    assert "form-action 'self' https: https://notebook.example.com;" in page[HEADER]
    given = answer(allow(browser, app.asks("models.use openid email", nonce="n-1")))
    assert given["state"] == "state-of-the-client"
    assert given["iss"] == "http://testserver"

    got = exchange(app, given["code"])
    assert got.status_code == 200
    assert got["Cache-Control"] == "no-store"
    body = got.json()
    assert body["scope"].split() == ["models.use", "openid", "email", "project:research"]
    assert body["expires_in"] == 1800
    claims = checked(body["id_token"])
    assert claims["iss"] == "http://testserver"
    assert claims["aud"] == app.client_id and claims["sub"] == str(ada.pk)
    assert claims["nonce"] == "n-1"

    told = Client().get("/oauth/userinfo", headers=bearer(body["access_token"]))
    assert told.json() == {
        "sub": str(ada.pk),
        "email": "ada@example.com",
        "email_verified": False,
    }


def test_no_token_and_no_code_is_kept_in_clear(browser: Client, app: App) -> None:
    body = tokens(browser, app, "models.use openid")
    secret, _ = applications.create(
        name="Service", grant="client_credentials", owner=None, project=None
    )
    device = post("/oauth/device-authorization", {"client_id": cli()}).json()
    stored = ""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            stored += repr(cursor.fetchall())
    for value in (body["access_token"], body["refresh_token"], secret, device["device_code"]):
        assert value not in stored


def cli() -> str:
    applications.ensure_command_line()
    return applications.COMMAND_LINE


def test_pkce_is_required_and_only_by_s256(browser: Client, app: App) -> None:
    asked = app.asks()
    del asked["code_challenge"]
    assert answer(browser.get("/oauth/authorize", asked))["error"] == "invalid_request"
    plain = app.asks(code_challenge_method="plain")
    assert answer(allow(browser, plain))["error"] == "invalid_request"
    code = answer(allow(browser, app.asks()))["code"]
    wrong = exchange(app, code, code_verifier="w" * 64)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    without = exchange(app, answer(allow(browser, app.asks()))["code"], code_verifier="")
    assert without.status_code == 400


def test_a_code_is_good_once_and_for_its_client(browser: Client, app: App, ada: User) -> None:
    code = answer(allow(browser, app.asks()))["code"]
    other = public_app(ada, None, "Other")
    other.verifier = app.verifier
    stolen = exchange(other, code)
    assert stolen.json()["error"] == "invalid_grant"
    elsewhere = exchange(app, code, redirect_uri="https://notebook.example.com/other")
    assert elsewhere.status_code == 400
    assert exchange(app, code).status_code == 200
    assert exchange(app, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example.com/callback",
        REDIRECT + "/more",
        REDIRECT + "?more=1",
        REDIRECT + "#there",
        "http://notebook.example.com/callback",
        "javascript:alert(1)",
    ],
)
def test_addresses_to_be_sent_to_match_letter_by_letter(
    browser: Client, app: App, uri: str
) -> None:
    refused = browser.get("/oauth/authorize", app.asks(redirect_uri=uri))
    assert refused.status_code == 400
    # Nor by a form that was changed, not even to refuse.
    values = {**fields(browser.get("/oauth/authorize", app.asks())).values, "redirect_uri": uri}
    for more in ({"allow": "true", "project": "research"}, {}):
        assert browser.post("/oauth/authorize", {**values, **more}).status_code == 400


def test_refusing_tells_the_client(browser: Client, app: App) -> None:
    values = fields(browser.get("/oauth/authorize", app.asks())).values
    said = answer(browser.post("/oauth/authorize", values))
    assert said["error"] == "access_denied" and said["state"] == "state-of-the-client"


def test_the_page_needs_a_login_and_a_csrf_token(app: App, ada: User) -> None:
    stranger = Client().get("/oauth/authorize", app.asks())
    assert stranger.status_code == 302 and "sign-in" in stranger["Location"]
    silent = Client().get("/oauth/authorize", app.asks("openid", prompt="none"))
    assert answer(silent)["error"] == "login_required"
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(ada)
    values = fields(forged.get("/oauth/authorize", app.asks())).values
    assert forged.post("/oauth/authorize", {**values, "allow": "true"}).status_code == 403


def test_somebody_who_is_no_staff_signs_in_on_the_way(app: App, ada: User) -> None:
    browser = Client()
    page = browser.get("/oauth/authorize", app.asks(), follow=True)
    assert "One-time code" in page.content.decode()
    address = page.redirect_chain[-1][0]
    given = {**fields(page).values, "username": "ada", "otp": ""}
    assert browser.post(address, {**given, "password": "wrong"}).status_code == 200
    sent = browser.post(address, {**given, "password": PASSWORD})
    assert sent.status_code == 302 and sent["Location"].startswith("/oauth/authorize?")
    assert "Notebook" in browser.get(sent["Location"]).content.decode()
    elsewhere = {**given, "password": PASSWORD, "next": "https://evil.example.com/"}
    assert Client().post("/oauth/sign-in", elsewhere)["Location"] == "/"


def test_nothing_is_allowed_silently(browser: Client, app: App) -> None:
    tokens(browser, app)
    again = browser.get("/oauth/authorize", app.asks("openid", prompt="none"))
    assert answer(again)["error"] == "consent_required"
    auto = browser.get("/oauth/authorize", app.asks(approval_prompt="auto"))
    assert auto.status_code == 200


def test_only_own_projects_can_be_chosen(browser: Client, project: Any, ada: User) -> None:
    app = public_app(None, None, "Anywhere")
    page = browser.get("/oauth/authorize", app.asks())
    assert fields(page).choices["project"] == ["research"]
    for slug in (OTHER_PROJECT, "*", ""):
        assert allow(browser, app.asks(), project=slug).status_code == 400
    # Nor by naming it as a scope, in the request or in a form that was changed.
    named = browser.get("/oauth/authorize", app.asks(f"models.use project:{OTHER_PROJECT}"))
    assert "You are in no project" in named.content.decode()
    values = fields(page).values
    smuggled = {**values, "scope": f"models.use project:{OTHER_PROJECT}", "allow": "true"}
    assert browser.post("/oauth/authorize", {**smuggled, "project": "research"}).status_code == 400
    identity = {**values, "scope": f"openid project:{OTHER_PROJECT}", "allow": "true"}
    code = answer(browser.post("/oauth/authorize", identity))["code"]
    assert exchange(app, code).json()["scope"] == "openid"

    admin = User.objects.create_superuser("root", password="x")
    browser.force_login(admin)
    assert "*" in fields(browser.get("/oauth/authorize", app.asks())).choices["project"]
    assert "project:*" in tokens(browser, app, project="*")["scope"]


def test_scopes_beyond_the_applications_own(browser: Client, ada: User, project: Any) -> None:
    app = public_app(ada, project, "Narrow", scopes=["models.use"])
    for scope in ("launches.write", "models.use launches.write", "nonsense", "project:default"):
        refused = answer(browser.get("/oauth/authorize", app.asks(scope)))
        assert refused["error"] == "invalid_scope", scope


def test_refresh_rotates_and_a_replay_ends_the_family(browser: Client, app: App) -> None:
    first = tokens(browser, app, "models.use models.read openid")
    second = refresh(app, first["refresh_token"], scope="models.use").json()
    assert second["refresh_token"] != first["refresh_token"]
    # Narrower, but still in the project that was chosen.
    assert second["scope"].split() == ["models.use", "project:research"]
    wider = refresh(app, second["refresh_token"], scope="models.use launches.write")
    assert wider.json()["error"] == "invalid_scope"
    assert refresh(app, first["refresh_token"]).json()["error"] == "invalid_grant"
    # Whoever had the first may have the second: both are gone.
    assert refresh(app, second["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_disabled_user_gets_nothing(browser: Client, app: App, ada: User) -> None:
    code = answer(allow(browser, app.asks()))["code"]
    body = tokens(browser, app, "openid")
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert exchange(app, code).json()["error"] == "invalid_grant"
    assert refresh(app, body["refresh_token"]).json()["error"] == "invalid_grant"
    told = Client().get("/oauth/userinfo", headers=bearer(body["access_token"]))
    assert told.status_code == 401


def test_tokens_are_for_this_server_alone(browser: Client, app: App) -> None:
    code = answer(allow(browser, app.asks()))["code"]
    other = exchange(app, code, resource="https://other.example.com/")
    assert other.json()["error"] == "invalid_target"
    code = answer(allow(browser, app.asks()))["code"]
    assert exchange(app, code, resource="http://testserver/v1").status_code == 200


def test_what_no_client_should_send(browser: Client, app: App) -> None:
    for asked in (
        app.asks(client_id="nobody"),
        app.asks(client_id="no\x00body"),
        {"response_type": "code"},
        app.asks(response_type="token"),
        app.asks(response_type="id_token", nonce="n"),
    ):
        page = browser.get("/oauth/authorize", asked)
        assert page.status_code in (302, 400), asked
    too_long = app.asks("openid", nonce="n" * 300)
    assert allow(browser, too_long).status_code == 400
    for body in (
        {},
        {"grant_type": "password", "username": "ada", "password": "x"},
        {"code": "\x00"},
    ):
        refused = post("/oauth/token", {"client_id": app.client_id, **body})
        assert refused.status_code in (400, 401), body
        assert refused.json()["error"]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
