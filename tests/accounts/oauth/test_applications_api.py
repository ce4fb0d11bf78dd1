"""``/api/applications`` and ``/api/authorizations``: who sees, makes and ends what."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts import api
from apps.accounts.models import Project, User
from apps.accounts.oauth import applications
from apps.audit.models import Entry
from tests.accounts.oauth.steps import OTHER_PROJECT, PASSWORD, REDIRECT, App, join, post, tokens

Person = tuple[User, dict[str, Any]]


def key_of(user: User, project: str | None = None, **more: Any) -> dict[str, Any]:
    token, _ = api.create_key("test", owner_id=user.pk, project=project, **more)
    return {"headers": {"authorization": f"Bearer {token}"}}


@pytest.fixture
def boss(project: Any) -> dict[str, Any]:
    """An administrator of the project."""
    user = User.objects.create_user("boss", password=None)
    join(user, project, "admin")
    return key_of(user, "research")


@pytest.fixture
def root(project: Any) -> dict[str, Any]:
    return key_of(User.objects.create_superuser("root", password=None))


def made(client: Client, who: dict[str, Any], **values: Any) -> Any:
    body = {"name": "Notebook", "grant": "authorization_code", "redirect_uris": [REDIRECT]}
    return client.post(
        "/api/applications", {**body, **values}, content_type="application/json", **who
    )


def test_life_of_an_application(client: Client, boss: dict[str, Any]) -> None:
    answer = made(client, boss)
    assert answer.status_code == 201, answer.content.decode()
    body = answer.json()
    secret, address = body.pop("client_secret"), f"/api/applications/{body['client_id']}"
    assert secret.startswith("xs-")
    assert body["project"] == "research" and body["owner"] == "boss" and body["confidential"]
    assert client.get("/api/applications", **boss).json() == [body]
    assert client.get(address, **boss).json() == body

    changed = client.patch(
        address, {"scopes": ["models.use"]}, content_type="application/json", **boss
    )
    assert changed.json() == {**body, "scopes": ["models.use"]}
    renewed = client.post(address + "/secret", **boss).json()["client_secret"]
    assert renewed != secret
    assert client.delete(address, **boss).status_code == 200
    assert client.get(address, **boss).status_code == 404
    told = [entry.action for entry in Entry.objects.order_by("pk")]
    wanted = ["create", "change", "new_secret", "remove"]
    assert [each for each in told if each.startswith("applications.")] == [
        f"applications.{each}" for each in wanted
    ]
    kept = str(list(Entry.objects.values()))
    assert secret not in kept and renewed not in kept


def test_who_may(client: Client, boss: dict[str, Any], root: dict[str, Any], ada: User) -> None:
    everywhere = made(client, root).json()
    assert everywhere["project"] is None
    elsewhere = made(client, root, project=OTHER_PROJECT).json()
    own = made(client, boss).json()
    listed = client.get("/api/applications", **boss).json()
    assert [each["client_id"] for each in listed] == [own["client_id"]]
    assert len(client.get("/api/applications", **root).json()) == 3
    # In the same words as one that is not there.
    for hidden in (everywhere["client_id"], elsewhere["client_id"], "nothing"):
        address = f"/api/applications/{hidden}"
        for answer in (
            client.get(address, **boss),
            client.patch(address, {"name": "x"}, content_type="application/json", **boss),
            client.delete(address, **boss),
            client.post(address + "/secret", **boss),
        ):
            assert answer.status_code == 404
            message = answer.json()["error"]["message"]
            assert message == f"There is no application {hidden!r}."
    assert made(client, boss, project=OTHER_PROJECT).status_code == 400
    developer = key_of(ada, "research")
    for answer in (client.get("/api/applications", **developer), made(client, developer)):
        assert answer.status_code == 403
        assert "keys.manage" in answer.json()["error"]["message"]
    assert client.get("/api/applications").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"grant": "implicit"},
        {"redirect_uris": []},
        {"redirect_uris": ["http://notebook.example.com/cb"]},
        {"scopes": ["nonsense"]},
        {"grant": "client_credentials", "confidential": False},
        {"project": "nothing"},
        {"redirect_uris": "text"},
    ],
)
def test_what_is_refused(client: Client, boss: dict[str, Any], wrong: dict[str, Any]) -> None:
    answer = made(client, boss, **wrong)
    assert answer.status_code == 400, answer.content.decode()


def test_the_command_lines_own_stays(client: Client, root: dict[str, Any]) -> None:
    applications.ensure_command_line()
    applications.ensure_command_line()
    address = f"/api/applications/{applications.COMMAND_LINE}"
    assert client.delete(address, **root).status_code == 400
    off = client.patch(address, {"disabled": True}, content_type="application/json", **root)
    assert off.json()["disabled"]


def test_own_authorizations(client: Client, browser: Client, app: App, ada: User) -> None:
    first = tokens(browser, app, "models.use openid")
    second = tokens(browser, app, "models.read")
    mine = key_of(ada, "research")
    (listed,) = client.get("/api/authorizations", **mine).json()
    assert listed["client_id"] == app.client_id and listed["project"] == "research"
    eve = User.objects.create_user("eve", password=None)
    join(eve, Project.objects.get(slug=OTHER_PROJECT), "developer")
    stranger = key_of(eve)
    assert client.get("/api/authorizations", **stranger).json() == []
    address = f"/api/authorizations/{app.client_id}"
    assert client.delete(address, **stranger).status_code == 404
    assert client.delete(address, **mine).json() == {"client_id": app.client_id, "revoked": 4}
    assert client.get("/api/authorizations", **mine).json() == []
    for body in (first, second):
        assert api.find_credential(body["access_token"]) is None
        again = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
        answer = post("/oauth/token", {**again, "client_id": app.client_id})
        assert answer.json()["error"] == "invalid_grant"
    assert client.delete(address, **mine).status_code == 404


def test_admin_pages(client: Client, browser: Client, app: App) -> None:
    tokens(browser, app, "models.use openid")
    root = User.objects.create_superuser("root", password=PASSWORD)
    client.force_login(root)
    for page in (
        "accounts/application",
        "oauth2_provider/accesstoken",
        "oauth2_provider/refreshtoken",
        "oauth2_provider/idtoken",
        "oauth2_provider/grant",
    ):
        assert client.get(f"/admin/{page}/").status_code == 200, page
    row = applications.find(app.client_id)
    page = client.get(f"/admin/accounts/application/{row.pk}/change/")
    assert page.status_code == 200 and row.client_secret not in page.content.decode()
    client.post(
        "/admin/accounts/application/",
        {"action": "disable", "_selected_action": [row.pk]},
    )
    assert applications.find(app.client_id).disabled
