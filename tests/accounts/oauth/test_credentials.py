"""An access token is a credential like a key: what it may, from memory and from the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from apps.accounts import api
from apps.accounts.actor import NOWHERE
from apps.accounts.models import Membership, Project, User
from apps.accounts.oauth import applications, tokens
from tests.accounts.oauth.steps import App, post, refresh
from tests.accounts.oauth.steps import tokens as granted

AccessToken = get_access_token_model()


def records(token: str) -> list[api.KeyRecord]:
    """As a web process finds it, and as others do."""
    digest = tokens.digest(token)
    found = [record for record in api.credentials().tokens if record.digest == digest]
    asked = api.find_credential(token)
    assert found == ([asked] if asked else [])
    return found


def test_scopes_and_role_meet(browser: Client, app: App, ada: User, project: Any) -> None:
    token = granted(browser, app, "models.use keys.manage openid")["access_token"]
    (record,) = records(token)
    assert (record.kind, record.project, record.role) == ("oauth", "research", "developer")
    assert (record.owner_id, record.name) == (ada.pk, "Notebook")
    # What the role does not give, no scope does.
    assert record.actions == {"models.use", "self.read"}
    Membership.objects.filter(user=ada).update(role="admin")
    assert records(token)[0].actions == {"models.use", "keys.manage", "self.read"}
    Membership.objects.filter(user=ada).delete()
    assert records(token)[0].actions == {"self.read"}
    answer = Client().get("/api/keys", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403


def test_a_token_without_actions_acts_nowhere(browser: Client, app: App, ada: User) -> None:
    for superuser in (False, True):
        User.objects.filter(pk=ada.pk).update(is_superuser=superuser)
        token = granted(browser, app, "openid profile")["access_token"]
        (record,) = records(token)
        assert (record.project, record.role) == (NOWHERE, "")
        assert record.actions == {"self.read"} and not record.superuser


def test_superusers_tokens(browser: Client, app: App, ada: User, project: Any) -> None:
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    (record,) = records(granted(browser, app, "users.manage models.use")["access_token"])
    # Of one project: an owner's there, no further.
    assert record.actions == {"models.use", "self.read"} and not record.superuser
    _, made = applications.create(
        name="Anywhere", grant="device_code", owner=ada, project=None, confidential=False
    )
    everywhere = AccessToken.objects.create(
        user=ada,
        application=applications.find(made.client_id),
        token="xo-everywhere",
        scope="models.use users.manage project:*",
        expires=timezone.now() + timedelta(hours=1),
    )
    (record,) = records("xo-everywhere")
    assert record.project == "" and record.actions == {"models.use", "users.manage", "self.read"}
    User.objects.filter(pk=ada.pk).update(is_superuser=False)
    (record,) = records("xo-everywhere")
    assert record.project == NOWHERE and record.actions == {"self.read"}
    everywhere.delete()
    assert records("xo-everywhere") == []


def test_a_client_of_its_own_has_its_owners_rights(ada: User, project: Any) -> None:
    secret, made = applications.create(
        name="Nightly", grant="client_credentials", owner=ada, project=project
    )
    app = App(made.client_id, secret)
    body = post("/oauth/token", {"grant_type": "client_credentials"}, app.basic).json()
    (record,) = records(body["access_token"])
    assert (record.owner_name, record.project) == ("ada", "research")
    assert record.actions == {"models.use", "models.read", "self.read"}
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert records(body["access_token"]) == []


@pytest.mark.parametrize("end", ["user", "application", "project", "token", "revoked", "removed"])
def test_what_ends_a_token(browser: Client, app: App, ada: User, project: Any, end: str) -> None:
    token = granted(browser, app)["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert Client().get("/v1/cluster/version", headers=bearer).status_code == 200
    application = applications.find(app.client_id)
    match end:
        case "user":
            User.objects.filter(pk=ada.pk).update(is_active=False)
        case "application":
            applications.change(application, {"disabled": True})
        case "project":
            Project.objects.filter(pk=project.pk).update(archived=timezone.now())
        case "token":
            past = timezone.now() - timedelta(minutes=1)
            AccessToken.objects.update(expires=past)
        case "revoked":
            post("/oauth/revoke", {"token": token, "client_id": app.client_id})
        case "removed":
            applications.remove(application)
    assert api.find_credential(token) is None
    refused = Client().get("/v1/cluster/version", headers=bearer)
    assert refused.status_code == 401
    # Whose it was is told only that it has expired.
    assert ("expired" in refused.json()["detail"]) == (end == "token")


def test_web_processes_are_told(browser: Client, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, ...]] = []

    def broadcast(kind: str, revoked: tuple[str, ...] = (), **_: Any) -> None:
        told.append(revoked)

    monkeypatch.setattr("apps.accounts.hints.broadcast", broadcast)
    body = granted(browser, app)
    assert told == [()]
    first = records(body["access_token"])[0].id
    second = refresh(app, body["refresh_token"]).json()
    # What runs on it goes on: see the gateway's test of it.
    assert (first,) not in told
    assert len(told) > 1
    third = records(second["access_token"])[0].id
    post("/oauth/revoke", {"token": second["refresh_token"], "client_id": app.client_id})
    assert (third,) in told
    told.clear()
    applications.change(applications.find(app.client_id), {"disabled": True})
    assert told


def test_as_many_queries_however_many_tokens(
    browser: Client, app: App, django_assert_num_queries: Any
) -> None:
    users = api.credentials().users
    for number in (1, 2):
        granted(browser, app)
        with django_assert_num_queries(2):
            assert len(tokens.records(users)) == number
