"""Users and keys in Django's admin."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.accounts import api
from apps.accounts.models import ApiKey, User

pytestmark = pytest.mark.usefixtures("clean_database")


@pytest.fixture
def admin(client: Client, admin_key: str) -> Client:
    client.force_login(User.objects.get())
    return client


def test_a_new_key_is_shown_once(admin: Client, hints: list[str]) -> None:
    owner = User.objects.get()
    page = admin.post(
        "/admin/accounts/apikey/add/",
        {"name": "by hand", "owner": owner.pk, "expires_0": "", "expires_1": ""},
        follow=True,
    )
    token = re.search(r"xp-[\w-]{43}", page.content.decode())
    assert token is not None
    assert api.find_key(token[0]) is not None
    assert set(hints) == {"keys"}
    again = admin.get("/admin/accounts/apikey/")
    assert "by hand" in again.content.decode()
    assert token[0] not in again.content.decode()


def test_a_key_cannot_be_edited_and_shows_no_digest(admin: Client) -> None:
    key = ApiKey.objects.get()
    page = admin.get(f"/admin/accounts/apikey/{key.pk}/change/")
    text = page.content.decode()
    assert page.status_code == 200
    assert 'name="name"' not in text
    assert "digest" not in text
    assert bytes(key.digest).hex() not in text


def test_revoke_action(admin: Client, admin_key: str, hints: list[str]) -> None:
    key = ApiKey.objects.get()
    admin.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": [str(key.pk)]})
    assert api.find_key(admin_key) is None
    assert set(hints) == {"keys"}


def test_a_disabled_user_is_told(admin: Client, hints: list[str]) -> None:
    user = User.objects.create_user("dev")
    admin.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(username="dev").exists()
    assert set(hints) == {"keys"}
