"""The steps of the OAuth flows, as clients and people take them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client
from jwcrypto import jwk, jwt

from apps.accounts.models import Membership
from apps.accounts.oauth import applications

PASSWORD = "correct horse battery"
REDIRECT = "https://notebook.example.com/callback"
OTHER_PROJECT = "secret-plans"


def join(user: Any, project: Any, role: str) -> None:
    Membership.objects.create(user=user, project=project, role=role)


@dataclass
class App:
    client_id: str
    secret: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def basic(self) -> dict[str, str]:
        pair = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return {"authorization": f"Basic {pair}"}

    def asks(self, scope: str = "models.use", **values: str) -> dict[str, str]:
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "scope": scope,
            "state": "state-of-the-client",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **values,
        }


def public_app(owner: Any, project: Any, name: str = "Notebook", **values: Any) -> App:
    """As one that runs in a browser."""
    _, made = applications.create(
        name=name,
        grant="authorization_code",
        owner=owner,
        project=project,
        confidential=False,
        redirect_uris=[REDIRECT],
        **values,
    )
    return App(made.client_id, "")


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and "name" in given:
            self.values[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
            self.choices[self._select] = []
        elif tag == "option":
            self.choices[self._select].append(given["value"])


def fields(page: Any) -> _Fields:
    """What a browser would send back, and what can be chosen."""
    found = _Fields()
    found.feed(page.content.decode())
    found.values.pop("csrfmiddlewaretoken", None)
    return found


def allow(browser: Client, asked: dict[str, str], **chosen: str) -> Any:
    """Look at the consent page and press Allow."""
    page = browser.get("/oauth/authorize", asked)
    assert page.status_code == 200, page.content.decode()
    found = fields(page)
    values = {**found.values, **{name: each[0] for name, each in found.choices.items() if each}}
    return browser.post("/oauth/authorize", {**values, "allow": "true", **chosen})


def answer(response: Any) -> dict[str, str]:
    """What the client is told by the redirect."""
    assert response.status_code == 302, response.content.decode()
    url = response["Location"]
    assert url.startswith(REDIRECT + "?"), url
    return {name: each[0] for name, each in parse_qs(urlsplit(url).query).items()}


def exchange(app: App, code: str, **values: str) -> Any:
    given = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": app.client_id,
        "code_verifier": app.verifier,
        **values,
    }
    return post("/oauth/token", given)


def tokens(browser: Client, app: App, scope: str = "models.use", **chosen: str) -> dict[str, Any]:
    """All steps at once."""
    code = answer(allow(browser, app.asks(scope), **chosen))["code"]
    got = exchange(app, code)
    assert got.status_code == 200, got.content.decode()
    return dict(got.json())


def refresh(app: App, token: str, **values: str) -> Any:
    given = {"grant_type": "refresh_token", "refresh_token": token, "client_id": app.client_id}
    return post("/oauth/token", {**given, **values})


def post(path: str, values: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    """As programs do: a form, not multipart."""
    body = urlencode(values)
    return Client().post(path, body, "application/x-www-form-urlencoded", headers=headers)


def code_of(text: str) -> str:
    found = re.search(r"[B-Z]{4}-[B-Z]{4}", text)
    assert found, text
    return found[0]


def checked(id_token: str) -> dict[str, Any]:
    """The claims, if one of the published keys signed them."""
    keys = jwk.JWKSet.from_json(Client().get("/.well-known/jwks.json").content.decode())
    return dict(json.loads(jwt.JWT(jwt=id_token, key=keys, algs=["RS256"]).claims))
