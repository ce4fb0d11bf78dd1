"""Xinference's routes for people, keys and locks, and the first administrator."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from apps.accounts import api
from apps.accounts.models import Membership, User
from apps.accounts.xinference.permissions import PERMISSIONS, names_of, role_for
from tests.accounts.logins.conftest import PASSWORD, log_in, post
from xplatform.core.config import secret
from xplatform.core.errors import InvalidValue

pytestmark = pytest.mark.usefixtures("clean_database", "hints")

NEW = "a much better one 42"


class Asking:
    """Somebody with a token."""

    def __init__(self, client: Client, name: str, password: str = PASSWORD) -> None:
        self._client = client
        body = {"username": name, "password": password}
        self._token = post(client, "/token", body).json()["access_token"]

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        call = getattr(self._client, method)
        more = {} if body is None else {"data": body, "content_type": "application/json"}
        return call(f"/v1{path}", headers={"authorization": f"Bearer {self._token}"}, **more)


@pytest.fixture
def admin(client: Client, root: User) -> Asking:
    api.ensure_default_project()
    return Asking(client, "root")


# --- permissions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "role"),
    [
        ([], ""),
        (["models:list"], "viewer"),
        (["models:list", "models:read"], "developer"),
        (["models:write", "models:register", "keys:create", "monitor:view"], "developer"),
        (["keys:manage"], "admin"),
        (["admin"], "superuser"),
        (["admin", "models:list"], "superuser"),
    ],
)
def test_a_list_is_a_role(names: list[str], role: str) -> None:
    assert role_for(names) == role


@pytest.mark.parametrize("names", [["cache:list"], ["users:manage"], ["models:fly"]])
def test_what_is_only_superusers(names: list[str]) -> None:
    with pytest.raises(InvalidValue):
        role_for(names)


def test_superusers_have_all_names() -> None:
    from apps.accounts.matrix.actions import ACTIONS

    assert names_of(ACTIONS) == list(PERMISSIONS)
    assert all(action in ACTIONS for needed in PERMISSIONS.values() for action in needed)


# --- people -------------------------------------------------------------------------------------


def test_life_of_a_user(client: Client, admin: Asking) -> None:
    made = admin(
        "post",
        "/admin/users",
        {"username": "ann", "password": PASSWORD, "permissions": ["models:list", "models:write"]},
    )
    assert made.status_code == 201
    assert set(made.json()) == {"id", "username"}
    path = f"/admin/users/{made.json()['id']}"
    row = admin("get", path).json()
    assert (row["source"], row["enabled"], row["role"]) == ("local", True, "developer")
    assert {"models:read", "models:write", "models:register", "keys:create"} <= set(
        row["permissions"]
    )
    assert "admin" not in row["permissions"]
    again = admin("post", "/admin/users", {"username": "ann", "password": PASSWORD})
    assert again.status_code == 409
    assert [user["username"] for user in admin("get", "/admin/users?source=local").json()] == [
        "root", "ann",
    ]  # fmt: skip
    assert admin("get", "/admin/users?source=oidc").json() == []

    ann = Asking(client, "ann")
    me = ann("get", "/auth/me").json()
    assert (me["username"], me["permissions"]) == ("ann", row["permissions"])
    assert ann("get", "/admin/users").status_code == 403
    assert ann("put", f"{path}/permissions", {"permissions": ["admin"]}).status_code == 403

    assert admin("put", path, {"permissions": ["models:list"]}).json() == {"ok": True}
    assert Membership.objects.get().role == "viewer"
    assert admin("get", f"{path}/permissions").json()["permissions"] == ["models:list"]
    admin("put", f"{path}/permissions", {"permissions": []})
    assert not Membership.objects.exists()
    wrong = admin("put", f"{path}/permissions", {"permissions": ["x:y"]})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "permissions")
    admin("put", f"{path}/permissions", {"permissions": ["admin"]})
    assert User.objects.get(username="ann").is_superuser

    admin("put", path, {"enabled": False})
    assert log_in(client).status_code == 401
    assert ann("get", "/auth/me").status_code == 401
    assert admin("delete", path).json() == {"ok": True}
    for method in ("get", "put", "delete"):
        assert admin(method, path, None if method == "get" else {}).status_code == 404


def test_the_last_superuser_stays(admin: Asking, root: User) -> None:
    for body in ({"enabled": False}, {"permissions": []}):
        assert admin("put", f"/admin/users/{root.pk}", body).status_code == 409
    assert admin("delete", f"/admin/users/{root.pk}").status_code == 409


def test_passwords(client: Client, admin: Asking, ann: User, root: User) -> None:
    asking = Asking(client, "ann")
    path = f"/admin/users/{ann.pk}/password"
    assert asking("put", path, {"new_password": NEW}).status_code == 400
    wrong = {"new_password": NEW, "current_password": "wrong"}
    assert asking("put", path, wrong).status_code == 401
    for other in (root.pk, 999_999):
        refused = asking("put", f"/admin/users/{other}/password", {"new_password": NEW})
        assert refused.status_code == 403
    good = {"new_password": NEW, "current_password": PASSWORD}
    assert asking("put", path, good).json() == {"ok": True}
    assert admin("put", path, {"new_password": "short"}).status_code == 400
    assert admin("put", path, {"new_password": PASSWORD}).json() == {"ok": True}
    assert log_in(client).json()["must_change_password"] is True


# --- keys ---------------------------------------------------------------------------------------


def test_life_of_a_key(client: Client, admin: Asking, ann: User) -> None:
    made = admin(
        "post",
        "/admin/keys",
        {
            "name": "ci",
            "model_permissions": [{"permission_type": "model_id", "permission_value": "qwen*"}],
            "expires_at": "2099-01-01T00:00:00",
        },
    )
    assert made.status_code == 201
    body = made.json()
    assert set(body) == {"id", "key", "prefix", "name"}
    record = api.find_credential(body["key"])
    assert record is not None
    assert record.models == ("qwen*",)
    path = f"/admin/keys/{body['id']}"
    row = admin("get", path).json()
    assert (row["owner_username"], row["enabled"]) == ("root", True)
    assert row["expires_at"] == "2099-01-01T00:00:00Z"
    assert body["key"] not in str(admin("get", "/admin/keys").json())
    allowed = [{"permission_type": "model_id", "permission_value": "qwen*"}]
    assert admin("get", f"{path}/permissions").json() == {"model_permissions": allowed}
    assert admin("get", f"/admin/keys?owner={ann.pk}").json() == []

    reveal = admin("get", f"{path}/reveal")
    assert reveal.status_code == 409
    assert "digest" in reveal.json()["detail"]
    assert admin("put", path, {"name": "other"}).status_code == 409
    assert admin("put", f"{path}/permissions", {"model_permissions": []}).status_code == 409
    assert admin("get", f"{path}/banned").json() == []
    assert admin("post", f"{path}/unban", {"ip": "192.0.2.1"}).json() == {"ok": True}
    assert admin("post", f"{path}/unban-all").json() == {"unbanned": 0}

    assert admin("put", path, {"enabled": False}).json() == {"ok": True}
    assert api.find_credential(body["key"]) is None
    assert admin("put", path, {"enabled": True}).status_code == 409
    assert admin("delete", path).json() == {"ok": True}
    by_type = [{"permission_type": "model_type", "permission_value": "LLM"}]
    refused = admin("post", "/admin/keys", {"name": "x", "model_permissions": by_type})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "model_permissions")


def test_keys_of_others_are_not_there(client: Client, admin: Asking, ann: User) -> None:
    Membership.objects.create(project_id=_default(), user=ann, role="developer")
    key = admin("post", "/admin/keys", {"name": "root's"}).json()["id"]
    asking = Asking(client, "ann")
    assert asking("post", "/admin/keys", {"name": "mine"}).status_code == 201
    assert [row["name"] for row in asking("get", "/admin/keys").json()] == ["mine"]
    for method, path in [("get", ""), ("delete", ""), ("get", "/reveal"), ("get", "/banned")]:
        assert asking(method, f"/admin/keys/{key}{path}").status_code == 404


def _default() -> int:
    from apps.accounts.models import Project

    return Project.objects.get(slug="default").pk


# --- locks --------------------------------------------------------------------------------------


def test_locks(client: Client, admin: Asking, ann: User) -> None:
    limits = admin("get", "/admin/security/rate-limit").json()
    assert (limits["key"]["max_failures"], limits["ip"]["max_failures"]) == (5, 50)
    assert admin("put", "/admin/security/rate-limit", {"ip": {}}).status_code == 409
    for _ in range(5):
        log_in(client, password="wrong")
    [banned] = admin("get", "/admin/security/banned-ips").json()
    assert banned["ip"] == "127.0.0.1"
    assert 0 < banned["remaining_seconds"] <= 31
    assert admin("post", "/admin/security/unban-ip", {"ip": "127.0.0.1"}).json() == {"ok": True}
    assert log_in(client).status_code == 200
    assert admin("post", "/admin/security/unban-all-ips").json() == {"unbanned": 0}
    assert admin("get", "/admin/security/banned-keys").json() == []
    assert admin("post", "/admin/security/unban-all-keys").json() == {"unbanned": 0}
    asking = Asking(client, "ann")
    assert asking("get", "/admin/security/banned-ips").status_code == 403


# --- the first administrator ---------------------------------------------------------------------


def test_first_administrator(client: Client, capsys: Any) -> None:
    status = client.get("/v1/admin/setup/status").json()
    assert status == {"needs_setup": True, "initialized": False, "password_min_length": 10}
    call_command("setup_code")
    code = capsys.readouterr().out.strip()
    assert code == secret("setup")
    body = {"setup_token": code, "username": "boss", "password": NEW}
    assert post(client, "/v1/admin/setup", {**body, "setup_token": "guess"}).status_code == 403
    assert post(client, "/v1/admin/setup", {**body, "password": "admin"}).status_code == 400
    assert not User.objects.exists()
    made = post(client, "/v1/admin/setup", body)
    assert (made.status_code, made.json()["username"]) == (201, "boss")
    assert User.objects.get().is_superuser
    assert client.get("/v1/admin/setup/status").json()["initialized"] is True
    late = post(client, "/v1/admin/setup", {**body, "username": "second"})
    assert late.status_code == 403
    assert User.objects.count() == 1
    # What serve does at its first start finds an administrator, and makes no other one.
    assert api.ensure_admin() is None
    call_command("setup_code")
    assert code not in capsys.readouterr().out


def test_the_code_cannot_be_guessed(client: Client, set_to: Any) -> None:
    set_to(login_tries=1)
    body = {"setup_token": "guess", "username": "boss", "password": NEW}
    statuses = [post(client, "/v1/admin/setup", body).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]
