"""Secrets that an administrator enters: sealed in the database, shown to nobody, and told to the
node that needs them with its order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts import api
from apps.accounts.actions import rotating
from apps.accounts.actions.stored_secrets import stored_secret
from apps.accounts.models import StoredSecret, User
from apps.accounts.tokens import jwt
from apps.models.control.peers import Peers, with_token
from xplatform.core import vault
from xplatform.core.errors import NotAuthenticated, SecretUnreadable
from xplatform.files import hub_tokens, read_source

pytestmark = pytest.mark.usefixtures("clean_database")

TOKEN = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz"


@pytest.fixture
def admin(client: Client) -> Client:
    api.ensure_admin("correct horse battery")
    token, _ = api.create_key("mine")
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def put(client: Client, name: str = "hf_token", **body: Any) -> Any:
    return client.put(f"/api/settings/secrets/{name}", body, content_type="application/json")


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM accounts_storedsecret")
        return str(cursor.fetchone()[0])


def test_entered_once_and_never_shown(admin: Client) -> None:
    before = admin.get("/api/settings/secrets").json()
    assert {one["name"]: one["is_set"] for one in before} == {
        "hf_token": False, "modelscope_token": False,
    }  # fmt: skip
    answer = put(admin, value=f" {TOKEN}\n")
    assert answer.status_code == 200
    assert answer.json()["is_set"] is True
    assert answer.json()["set_by"]
    for page in (answer, admin.get("/api/settings/secrets"), admin.get("/api/audit")):
        assert page.status_code == 200
        assert TOKEN not in page.content.decode()
    assert TOKEN not in stored()
    assert stored_secret("hf_token") == TOKEN


def test_the_audit_says_who_and_not_what(admin: Client) -> None:
    put(admin, value=TOKEN)
    put(admin, value=TOKEN + "2")
    admin.delete("/api/settings/secrets/hf_token")
    entries = [e for e in admin.get("/api/audit").json()["entries"] if e["thing"] == "secret"]
    assert [(e["action"], e["thing_id"]) for e in reversed(entries)] == [
        ("secrets.set", "hf_token"), ("secrets.set", "hf_token"), ("secrets.remove", "hf_token"),
    ]  # fmt: skip


def test_removed(admin: Client) -> None:
    put(admin, value=TOKEN)
    for _ in range(2):
        answer = admin.delete("/api/settings/secrets/hf_token")
        assert (answer.status_code, answer.json()["is_set"]) == (200, False)
    assert stored_secret("hf_token") == ""


@pytest.mark.parametrize("value", ["", " ", "a\nb", "tökén", "x" * 5000])
def test_bad_values_are_not_repeated(admin: Client, value: str) -> None:
    answer = put(admin, value=value)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "value"
    assert not StoredSecret.objects.exists()


def test_unknown_ones(admin: Client) -> None:
    assert put(admin, "admin_password", value="x").status_code == 404
    assert admin.delete("/api/settings/secrets/x").status_code == 404


def test_for_superusers_alone(client: Client) -> None:
    api.ensure_admin("correct horse battery")
    user = User.objects.create_user("viewer")
    client.force_login(user)
    assert client.get("/api/settings/secrets").status_code == 403
    client.logout()
    assert client.get("/api/settings/secrets").status_code == 401


def test_a_row_is_listed_and_replaced_though_its_key_is_lost(admin: Client) -> None:
    put(admin, value=TOKEN)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_storedsecret SET value = 'deadbeef:gAAAA'")
    assert admin.get("/api/settings/secrets").json()[0]["is_set"] is True
    with pytest.raises(SecretUnreadable):
        stored_secret("hf_token")
    # What needs no token goes on.
    assert with_token({"hub": "huggingface", "id": "a/b"}) == {"hub": "huggingface", "id": "a/b"}
    assert put(admin, value=TOKEN).status_code == 200
    assert stored_secret("hf_token") == TOKEN


def test_the_field_is_neither_searched_nor_sealed_twice() -> None:
    row = StoredSecret(name="x", value=TOKEN, set_at="2026-01-01T00:00Z")
    row.save()
    first = stored()
    loaded = StoredSecret.objects.get()
    loaded.set_by = "somebody"
    loaded.save()
    assert stored() == first  # not opened to be saved
    assert StoredSecret.objects.values_list("value", flat=True)[0] == first
    assert loaded.value == TOKEN
    with pytest.raises(TypeError, match="sealed"):
        StoredSecret.objects.filter(value=TOKEN).exists()
    assert StoredSecret.objects.exclude(value="").exists()


# --- to the nodes ----------------------------------------------------------------------------


@pytest.fixture
def learnt() -> Iterator[None]:
    yield
    hub_tokens._told.clear()


@pytest.mark.usefixtures("learnt")
def test_a_node_is_told_the_token_of_its_hub_and_no_other(admin: Client) -> None:
    put(admin, value=TOKEN)
    put(admin, "modelscope_token", value="ms-other")
    told = Peers().told({"hub": "huggingface", "id": "acme/gated"}, "n1")
    assert told["token"] == TOKEN
    assert "ms-other" not in str(told)
    assert "token" not in Peers().told({"hub": "uri", "id": "https://example.com/a.gguf"}, "n1")
    source, _ = read_source(told)
    assert TOKEN not in str(source)
    assert hub_tokens.told("huggingface") == TOKEN
    admin.delete("/api/settings/secrets/hf_token")
    read_source(Peers().told({"hub": "huggingface", "id": "acme/gated"}, "n1"))
    assert hub_tokens.told("huggingface") == ""


# --- rotation --------------------------------------------------------------------------------


def test_rotation_seals_all_anew_and_goes_on_where_it_broke_off(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        StoredSecret.objects.create(
            name=f"s{number}", value=f"v{number}", set_at="2026-01-01T00:00Z"
        )
    before = vault.current_key()
    sealed_so_far: list[str] = []
    seal = vault.seal

    def breaks(text: str) -> str:
        if len(sealed_so_far) == 3:
            raise ConnectionError("the database went away")
        sealed_so_far.append(text)
        return seal(text)

    monkeypatch.setattr(rotating.vault, "seal", breaks)
    with pytest.raises(ConnectionError):
        rotating.rotate(batch=2)
    monkeypatch.undo()
    assert vault.current_key() != before
    halfway = vault.current_key()
    values = {row.name: row.value for row in StoredSecret.objects.all()}
    assert values == {f"s{n}": f"v{n}" for n in range(7)}
    done = rotating.rotate(batch=2)
    assert (done.new_key, done.resealed) == ("", 4)
    assert vault.current_key() == halfway
    assert dict(done.in_use) == {halfway: 7}
    # The old one may still be in somebody's hands.
    assert before in vault.key_ids()
    monkeypatch.setattr(rotating, "_LINGER", rotating.timedelta(seconds=-1))
    third = rotating.rotate()
    assert before in third.forgotten
    assert {row.value for row in StoredSecret.objects.all()} == {f"v{n}" for n in range(7)}


def test_rotation_tells_what_cannot_be_opened(admin: Client) -> None:
    put(admin, value=TOKEN)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_storedsecret SET value = 'deadbeef:gAAAA'")
    done = rotating.rotate(new_key=False)
    assert done.unreadable == [("accounts.StoredSecret", "value", "hf_token")]


def test_tokens_of_logins_live_through_a_rotation() -> None:
    old, _ = jwt.make("access", 1, "login", 60.0)
    done = rotating.rotate()
    assert "jwt" in done.signing
    assert "django" in done.signing
    new, _ = jwt.make("access", 1, "login", 60.0)
    assert jwt.read(old, "access").user_id == jwt.read(new, "access").user_id == 1
    jwt._ring().forget(set(jwt._ring().values()[1:]))
    with pytest.raises(NotAuthenticated):
        jwt.read(old, "access")
    assert jwt.read(new, "access").user_id == 1
