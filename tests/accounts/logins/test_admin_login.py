"""Django's admin asks for what the other doors ask for."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Authenticator, Login, User
from apps.accounts.tokens import actions
from apps.audit.models import Entry
from tests.accounts.logins.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("clean_database", "root")

NEW = "a much better one 42"


def enter(client: Client, name: str = "root", password: str = PASSWORD, otp: str = "") -> Any:
    form = {"username": name, "password": password, "otp": otp, "next": "/admin/"}
    return client.post("/admin/login/?next=/admin/", form)


def test_login(client: Client) -> None:
    assert b"One-time code" in client.get("/admin/login/").content
    assert enter(client).headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert Entry.objects.filter(action="login", who="root", outcome="done").count() == 1


def test_who_may_not_come_hears_the_same(client: Client) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    answers = [enter(client, "bob"), enter(client, "root", "wrong"), enter(client, "nobody")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert client.get("/admin/").status_code == 302


def test_locked(client: Client) -> None:
    for _ in range(5):
        enter(client, password="wrong")
    assert b"Too many attempts" in enter(client).content
    assert client.get("/admin/").status_code == 302


def test_second_factor(client: Client, root: User) -> None:
    secret = pyotp.random_base32(32)
    Authenticator.objects.create(user=root, secret=secret, confirmed=timezone.now())
    assert b"asks for a second factor" in enter(client).content
    assert client.get("/admin/").status_code == 302
    assert enter(client, otp=pyotp.TOTP(secret).now()).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_a_password_that_is_due(client: Client, root: User) -> None:
    User.objects.filter(pk=root.pk).update(must_change_password=True)
    enter(client)
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == "/admin/password_change/"
    tokens = actions.begin(User.objects.get(), "", "")
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/admin/password_change/", form).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert Login.objects.get().ended is not None
    assert tokens.user.pk == root.pk


def test_a_second_factor_that_is_due(client: Client, root: User, set_to: Any) -> None:
    set_to(require_second_factor="superusers")
    enter(client)
    assert b"/api/me/second-factor" in client.get("/admin/", follow=True).content


def test_a_password_that_is_set_for_somebody(client: Client, root: User) -> None:
    bob = User.objects.create_user("bob", password=PASSWORD)
    tokens = actions.begin(bob, "", "")
    enter(client)
    for user in (bob, root):
        answer = client.post(
            f"/admin/accounts/user/{user.pk}/password/",
            {"password1": NEW, "password2": NEW, "usable_password": "true"},
        )
        assert answer.status_code == 302
    assert client.get("/admin/").status_code == 200, "one's own session goes on"
    assert Login.objects.get(user=tokens.user).ended is not None
    assert User.objects.get(username="bob").must_change_password
    assert not User.objects.get(username="root").must_change_password
