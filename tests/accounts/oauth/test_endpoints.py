"""Client credentials, revocation, introspection, discovery and logging out."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from oauth2_provider.utils import jwk_from_pem

from apps.accounts.actions import rotating
from apps.accounts.models import Project, User
from apps.accounts.oauth import applications, signing
from apps.accounts.oauth.validator import Validator
from tests.accounts.oauth.steps import App, checked, fields, post, public_app, refresh, tokens
from xplatform.core.config import Settings


def service(owner: User, project: Any, **values: Any) -> App:
    secret, made = applications.create(
        name="Nightly", grant="client_credentials", owner=owner, project=project, **values
    )
    return App(made.client_id, secret)


def granted(app: App, **values: str) -> Any:
    return post("/oauth/token", {"grant_type": "client_credentials", **values}, app.basic)


def introspected(app: App, token: str) -> dict[str, Any]:
    answer = post("/oauth/introspect", {"token": token}, app.basic)
    assert answer.status_code == 200, answer.content.decode()
    return dict(answer.json())


def test_client_credentials_act_in_their_project(ada: User, project: Any) -> None:
    app = service(ada, project)
    body = granted(app).json()
    assert body["scope"].split() == ["models.use", "models.read", "project:research"]
    assert "refresh_token" not in body
    for scope in ("openid", "models.use profile", "models.use project:default", "nonsense"):
        assert granted(app, scope=scope).json()["error"] == "invalid_scope"
    form = {"client_id": app.client_id, "client_secret": app.secret}
    assert post("/oauth/token", {"grant_type": "client_credentials", **form}).status_code == 200


def test_wrong_secrets_and_applications_that_may_not(ada: User, project: Any) -> None:
    app = service(ada, project)
    wrong = App(app.client_id, app.secret + "x")
    unknown = App("nobody", app.secret)
    for each in (wrong, unknown, App(app.client_id, "")):
        refused = granted(each)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    application = applications.find(app.client_id)
    assert application.client_secret.startswith("xplatform_client_secret$")
    renewed = applications.new_secret(application)
    assert granted(app).status_code == 401
    assert granted(App(app.client_id, renewed)).status_code == 200
    applications.change(application, {"disabled": True})
    assert granted(App(app.client_id, renewed)).status_code == 401
    applications.change(application, {"disabled": False})
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert granted(App(app.client_id, renewed)).status_code == 401


def test_revocation(browser: Client, app: App, ada: User, project: Any) -> None:
    watcher = service(ada, project)
    body = tokens(browser, app)
    assert introspected(watcher, body["access_token"])["active"]
    stranger = service(ada, None)
    # Another's token is left alone, and the answer is the same.
    assert post("/oauth/revoke", {"token": body["access_token"]}, stranger.basic).status_code == 200
    assert introspected(watcher, body["access_token"])["active"]
    own = {"client_id": app.client_id}
    assert post("/oauth/revoke", {"token": body["access_token"], **own}).status_code == 200
    assert not introspected(watcher, body["access_token"])["active"]
    assert refresh(app, body["refresh_token"]).json()["error"] == "invalid_grant"
    assert post("/oauth/revoke", {"token": "nothing", **own}).status_code == 200
    assert post("/oauth/revoke", own).json()["error"] == "invalid_request"


def test_introspection_is_for_clients_of_the_same_project(
    browser: Client, app: App, ada: User, project: Any
) -> None:
    token = tokens(browser, app, "models.use openid")["access_token"]
    told = introspected(service(ada, project), token)
    assert told["active"] and told["username"] == "ada" and told["client_id"] == app.client_id
    assert "project:research" in told["scope"]
    elsewhere = service(ada, Project.objects.get(slug="default"))
    assert introspected(elsewhere, token) == {"active": False}
    assert introspected(elsewhere, "nothing") == {"active": False}
    refused = [
        post("/oauth/introspect", {"token": token}),
        post("/oauth/introspect", {"token": token, "client_id": app.client_id}),
        post("/oauth/introspect", {"token": token}, {"authorization": f"Bearer {token}"}),
        post("/oauth/introspect", {"token": token}, {"authorization": "Basic !!!"}),
    ]
    assert [answer.status_code for answer in refused] == [401] * 4
    assert Client().get("/oauth/introspect", {"token": token}).status_code == 405
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert introspected(service(User.objects.create(username="bob"), project), token) == {
        "active": False
    }


def test_the_signing_key_rotates(
    browser: Client, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While servers run: no token of the old key is refused until it is over."""

    def published() -> set[str]:
        return {key["kid"] for key in Client().get("/.well-known/jwks.json").json()["keys"]}

    old = tokens(browser, app, "openid")["id_token"]
    before = published()
    assert kid(old) in before
    assert "oidc-signing" in rotating.rotate().signing
    new = tokens(browser, app, "openid")["id_token"]
    assert published() == before | {kid(new)}
    assert kid(new) not in before
    for token in (old, new):
        assert checked(token)["aud"] == app.client_id
        # What a program shows when it logs somebody out.
        assert Validator()._load_id_token(token) is not None
    monkeypatch.setattr(signing, "PUBLISHED_SECONDS", -1)
    assert published() == {kid(new)}
    # Kept for those who log out with it, until the next rotation.
    assert Validator()._load_id_token(old) is not None
    rotating.rotate()
    assert kid(old) not in {jwk_from_pem(pem).thumbprint() for pem in signing.known_keys()}
    assert Validator()._load_id_token(old) is None


def test_a_key_of_before_is_taken_over(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path))
    pem = signing.signing_key()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "oidc-signing.pem").write_text(pem)
    assert signing.published_keys(settings) == [pem]
    signing.ring(settings).rotate()
    assert signing.published_keys(settings) == [signing.signing_key(settings), pem]


def kid(token: str) -> str:
    head = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=="))["kid"])


def test_discovery_tells_what_there_is() -> None:
    found = Client().get("/.well-known/openid-configuration")
    assert found["Access-Control-Allow-Origin"] == "*"
    body = found.json()
    assert body["issuer"] == "http://testserver"
    assert body["token_endpoint"] == "http://testserver/oauth/token"
    assert body["device_authorization_endpoint"].endswith("/oauth/device-authorization")
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert body["response_types_supported"] == ["code"]
    assert body["id_token_signing_alg_values_supported"] == ["RS256"]
    assert {"openid", "profile", "email", "models.use"} <= set(body["scopes_supported"])
    for name, address in body.items():
        if name.endswith(("_endpoint", "_uri")):
            path = address.removeprefix("http://testserver")
            assert Client().get(path).status_code != 404, name
    same = Client().get("/.well-known/oauth-authorization-server").json()
    assert same["issuer"] == body["issuer"]
    assert same["grant_types_supported"] == body["grant_types_supported"]
    keys = Client().get("/.well-known/jwks.json").json()["keys"]
    # (More than one where a test before has rotated them.)
    assert {key["alg"] for key in keys} == {"RS256"}
    assert not {"d", "p", "q"} & {name for key in keys for name in key}


def test_userinfo_needs_a_token_that_tells_who(browser: Client, app: App) -> None:
    without = tokens(browser, app)["access_token"]
    for token in (without, "nothing"):
        refused = Client().get("/oauth/userinfo", headers={"authorization": f"Bearer {token}"})
        assert refused.status_code in (401, 403) and refused["Content-Type"] == "application/json"
    assert Client().get("/oauth/userinfo").status_code == 401


def test_logging_out(browser: Client, ada: User, project: Any) -> None:
    back = "https://notebook.example.com/bye"
    notebook = public_app(ada, project, post_logout_redirect_uris=[back])
    hint = tokens(browser, notebook, "openid")["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": back, "state": "s"}
    page = browser.get("/oauth/logout", asked)
    assert "Notebook asks to log you out" in page.content.decode()
    done = browser.post("/oauth/logout", {**fields(page).values, "allow": "true"})
    assert done["Location"] == back + "?state=s"
    assert browser.get("/device").status_code == 302


@pytest.mark.parametrize(
    "asked",
    [
        {"client_id": "nobody"},
        {"id_token_hint": "nonsense"},
        {"id_token_hint": "a.b.c"},
        {"id_token_hint": "eyJhbGciOiJub25lIn0.WzFd."},
        {"post_logout_redirect_uri": "https://evil.example.com/"},
    ],
)
def test_logging_out_goes_nowhere_else(browser: Client, asked: dict[str, str]) -> None:
    assert browser.get("/oauth/logout", asked).status_code == 400


@pytest.mark.parametrize(
    ("uri", "fine"),
    [
        ("https://app.example.com/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://[::1]:8000/cb", True),
        ("http://localhost:3000/cb", True),
        ("com.example.app:/cb", True),
        ("http://app.example.com/cb", False),
        ("https://*.example.com/cb", False),
        ("https://user@app.example.com/cb", False),
        ("https://app.example.com/cb#there", False),
        ("https:///cb", False),
        ("https://[::1/cb", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("/cb", False),
        ("https://a.example.com/c b", False),
    ],
)
def test_addresses_that_can_be_registered(uri: str, fine: bool) -> None:
    from xplatform.core.errors import InvalidValue

    if fine:
        applications.check_redirect(uri, "redirect_uris")
        return
    with pytest.raises(InvalidValue):
        applications.check_redirect(uri, "redirect_uris")
