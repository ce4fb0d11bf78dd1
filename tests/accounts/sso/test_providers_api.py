"""``/api/sso/providers``: superusers set up whom people may come from."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts import api
from apps.accounts.models import Membership, Project, SsoProvider, User
from apps.accounts.sso import client as sso_client
from apps.accounts.sso import rules
from apps.audit.models import Entry
from tests.accounts.sso import liar
from tests.support.database import clean_database

__all__ = ["clean_database"]

SECRET = "a secret that nobody is shown again"


@pytest.fixture(autouse=True)
def fresh(clean_database: None) -> None:
    sso_client._documents.clear()
    Project.objects.create(slug="research")


@pytest.fixture
def root() -> dict[str, Any]:
    user = User.objects.create_superuser("root", password=None)
    token, _ = api.create_key("test", owner_id=user.pk)
    return {"headers": {"authorization": f"Bearer {token}"}}


def made(client: Client, who: dict[str, Any], **values: Any) -> Any:
    body = {
        "name": "company",
        "title": "Company",
        "issuer": "https://login.example.com",
        "client_id": "platform",
        "client_secret": SECRET,
    }
    return client.post(
        "/api/sso/providers", {**body, **values}, content_type="application/json", **who
    )


def test_life_of_a_provider(client: Client, root: dict[str, Any]) -> None:
    answer = made(client, root)
    assert answer.status_code == 201, answer.content.decode()
    body = answer.json()
    assert body["has_secret"] and body["default"] and body["create_users"]
    assert not body["link_by_email"] and "client_secret" not in body
    assert client.get("/api/sso/providers", **root).json() == [body]
    assert client.get("/api/sso").json() == [
        {"name": "company", "title": "Company", "login": "/sso/company/login"}
    ]
    address = "/api/sso/providers/company"
    changed = client.patch(
        address, {"enabled": False}, content_type="application/json", **root
    ).json()
    assert changed == {**body, "enabled": False}
    # What was not sent stays: the secret, too.
    assert SsoProvider.objects.get().client_secret == SECRET
    assert client.get("/api/sso").json() == []
    second = made(client, root, name="other", default=True).json()
    assert second["default"] and not client.get(address, **root).json()["default"]
    assert client.delete(address, **root).status_code == 200
    assert client.get(address, **root).status_code == 404
    actions = Entry.objects.filter(thing="provider").values_list("action", flat=True)
    assert sorted(actions) == [
        "sso_providers.change",
        "sso_providers.create",
        "sso_providers.create",
        "sso_providers.remove",
    ]
    assert SECRET not in str(list(Entry.objects.values()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_ssoprovider")
        assert SECRET not in str(cursor.fetchall())


def test_who_may(client: Client) -> None:
    boss = User.objects.create_user("boss", password=None)
    Membership.objects.create(user=boss, project=Project.objects.get(), role="owner")
    token, _ = api.create_key("test", owner_id=boss.pk)
    who = {"headers": {"authorization": f"Bearer {token}"}}
    assert made(client, who).status_code == 403
    assert client.get("/api/sso/providers", **who).status_code == 403
    assert client.get("/api/sso/providers").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Company!"},
        {"issuer": "http://login.example.com"},
        {"issuer": "https://login.example.com/?x=1"},
        {"issuer": "https://user@login.example.com"},
        {"issuer": "login.example.com"},
        {"issuer": "file:///etc/passwd"},
        {"hosts": ["https://token.example.com"]},
        {"scopes": "profile"},
        {"rules": [{"claim": "groups"}]},
        {"rules": [{"claim": "groups", "value": "x", "project": "nothing", "role": "viewer"}]},
        {"rules": [{"claim": "groups", "value": "x", "project": "research", "role": "king"}]},
        {"rules": [{"claim": "groups", "value": "x", "superuser": "yes"}]},
        {"rules": [{"claim": "groups", "value": "x", "other": 1}]},
        {"rules": ["x"]},
    ],
)
def test_what_is_refused(client: Client, root: dict[str, Any], wrong: dict[str, Any]) -> None:
    answer = made(client, root, **wrong)
    assert answer.status_code == 400, answer.content.decode()
    assert not SsoProvider.objects.exists()


def test_a_provider_is_tried(client: Client, root: dict[str, Any]) -> None:
    with liar.running() as provider:
        made(client, root, issuer=provider.issuer)
        check = "/api/sso/providers/company/check"
        told = client.post(check, **root).json()
        assert told == {
            "fine": True,
            "problem": "",
            "keys": 1,
            "callback": "http://testserver/sso/company/callback",
        }
        provider.document = {"jwks_uri": "https://keys.example.com/jwks"}
        told = client.post(check, **root).json()
        assert not told["fine"] and "keys.example.com" in told["problem"]
    assert not client.post(check, **root).json()["fine"]


def test_admin_pages(client: Client, root: dict[str, Any]) -> None:
    made(client, root)
    client.force_login(User.objects.get(username="root"))
    for page in ("ssoprovider", "ssoidentity", "ssoprovider/add"):
        assert client.get(f"/admin/accounts/{page}/").status_code == 200
    provider = SsoProvider.objects.get()
    address = f"/admin/accounts/ssoprovider/{provider.pk}/change/"
    page = client.get(address)
    assert page.status_code == 200 and SECRET not in page.content.decode()
    form = {
        "name": "company",
        "title": "Company",
        "issuer": "http://login.example.com",
        "client_id": "platform",
        "scopes": "openid",
        "hosts": "[]",
        "rules": "[]",
        "username_claim": "email",
    }
    assert "not by https" in client.post(address, form).content.decode()
    assert client.post(address, {**form, "issuer": provider.issuer}).status_code == 302
    provider.refresh_from_db()
    assert provider.username_claim == "email" and provider.client_secret == SECRET


@pytest.mark.parametrize(
    ("rule", "claims", "holds"),
    [
        ({"claim": "groups", "value": "ml-*"}, {"groups": ["x", "ml-eu"]}, True),
        ({"claim": "groups", "value": "ml-*"}, {"groups": "ml-eu"}, True),
        ({"claim": "groups", "value": "ml-*"}, {"groups": ["ML-EU"]}, False),
        ({"claim": "groups", "value": "*"}, {}, False),
        ({"claim": "groups", "value": "*"}, {"groups": []}, False),
        ({"claim": "groups", "value": "*"}, {"groups": [None, {"a": 1}]}, False),
        ({"claim": "a.b", "value": "c"}, {"a": {"b": ["c"]}}, True),
        ({"claim": "a.b", "value": "c"}, {"a.b": "c"}, True),
        ({"claim": "a.b", "value": "c"}, {"a": "b"}, False),
        ({"claim": "email_verified", "value": "true"}, {"email_verified": True}, True),
        ({"claim": "email_verified", "value": "true"}, {"email_verified": False}, False),
        ({"claim": "level", "value": "3"}, {"level": 3}, True),
    ],
)
def test_rules(rule: dict[str, Any], claims: dict[str, Any], holds: bool) -> None:
    assert rules.given([rule], claims).any is holds
