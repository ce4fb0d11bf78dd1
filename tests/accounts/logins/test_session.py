"""The console's session, passwords, locks."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Login, User
from apps.audit.models import Entry
from tests.accounts.logins.conftest import PASSWORD, log_in, post

pytestmark = pytest.mark.usefixtures("clean_database", "ann")

NEW = "a much better one 42"


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def csrf(browser: Client) -> dict[str, str]:
    return {"X-CSRFToken": browser.get("/api/session").json()["csrf_token"]}


def enter(browser: Client, **more: Any) -> Any:
    body = {"username": "ann", "password": PASSWORD, **more}
    return browser.post(
        "/api/session", body, content_type="application/json", headers=csrf(browser)
    )


def test_session(browser: Client) -> None:
    assert browser.get("/api/session").json()["user"] is None
    browser.cookies["xplatform_session"] = planted = "planted0planted0planted0planted0"
    answer = enter(browser)
    assert (answer.status_code, answer.json()["user"]) == (200, "ann")
    cookie = answer.cookies["xplatform_session"]
    assert cookie.value != planted
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert browser.get("/api/me").json()["username"] == "ann"
    # Who is in is not logged in a second time by somebody else's page.
    assert browser.get("/api/session").json()["user"] == "ann"
    assert browser.delete("/api/session").status_code == 403
    assert browser.delete("/api/session", headers=csrf(browser)).json()["user"] is None
    assert browser.get("/api/me").status_code == 401


def test_a_page_of_another_site_cannot_log_in_here(browser: Client) -> None:
    body = {"username": "ann", "password": PASSWORD}
    answer = browser.post("/api/session", body, content_type="application/json")
    assert answer.status_code == 403
    assert "csrf_token" in answer.json()["detail"]
    assert not Entry.objects.filter(action="login").exists()
    # A session changes nothing without the header either; a token is no cookie and needs none.
    enter(browser)
    change = {"old_password": PASSWORD, "new_password": NEW}
    refused = browser.put("/api/me/password", change, content_type="application/json")
    assert refused.status_code == 403


def test_wrong_password_is_the_same_door(browser: Client) -> None:
    for _ in range(5):
        assert enter(browser, password="wrong").status_code == 401
    assert enter(browser).status_code == 429
    assert log_in(browser).status_code == 429


def test_choose_a_password(browser: Client, ann: User) -> None:
    enter(browser)
    other = Client()
    other.force_login(ann)
    token = log_in(other).json()["access_token"]

    def change(**body: str) -> Any:
        return browser.put(
            "/api/me/password",
            {"old_password": PASSWORD, "new_password": NEW, **body},
            content_type="application/json",
            headers=csrf(browser),
        )

    wrong = change(old_password="wrong")
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (401, "old_password")
    User.objects.filter(pk=ann.pk).update(email="annabelle@example.org")
    for weak in ("short", "password12", "1234567890123", "annabelle12", PASSWORD):
        refused = change(new_password=weak)
        assert refused.status_code == 400, weak
        assert refused.json()["error"]["param"] == "new_password"
    before = browser.cookies["xplatform_session"].value
    assert change().status_code == 204
    # The session that asked goes on, all else is over.
    assert browser.get("/api/me").status_code == 200
    # A request that was sent under its old key is refused, and does not take the new cookie away.
    late = Client()
    late.cookies["xplatform_session"] = before
    answer = late.get("/api/me")
    assert (answer.status_code, dict(answer.cookies)) == (401, {})
    assert "Cookie" in answer["vary"]
    assert other.get("/api/me").status_code == 401
    assert other.get("/api/me", headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert log_in(Client()).status_code == 401
    assert log_in(Client(), password=NEW).status_code == 200


def test_a_password_that_somebody_else_set(client: Client, root: User) -> None:
    admin = post(client, "/token", {"username": "root", "password": PASSWORD}).json()
    headers = {"authorization": f"Bearer {admin['access_token']}"}
    mine = log_in(client).json()["access_token"]
    answer = client.put(
        "/api/users/ann/password",
        {"password": NEW},
        content_type="application/json",
        headers=headers,
    )
    assert answer.status_code == 204
    assert client.get("/api/me", headers={"authorization": f"Bearer {mine}"}).status_code == 401
    body = log_in(client, password=NEW).json()
    assert body["must_change_password"] is True
    own = {"authorization": f"Bearer {body['access_token']}"}
    me = client.get("/api/me", headers=own).json()
    assert me["permissions"] == ["self.read", "self.write"]
    client.force_login(User.objects.get(username="ann"))
    assert client.get("/api/me").json()["permissions"] == ["self.read", "self.write"]
    client.logout()
    change = {"old_password": NEW, "new_password": "entirely my own 7"}
    done = client.put("/api/me/password", change, content_type="application/json", headers=own)
    assert done.status_code == 204
    assert "must_change_password" not in log_in(client, password="entirely my own 7").json()


def test_own_logins(client: Client) -> None:
    first, second = log_in(client).json(), log_in(client).json()
    headers = {"authorization": f"Bearer {first['access_token']}"}
    listed = client.get("/api/me/logins", headers=headers).json()
    assert sorted(row["this_one"] for row in listed) == [False, True]
    [other] = [row["id"] for row in listed if not row["this_one"]]
    assert client.delete(f"/api/me/logins/{other}", headers=headers).status_code == 204
    assert client.delete("/api/me/logins/unknown", headers=headers).status_code == 404
    gone = client.get("/api/me", headers={"authorization": f"Bearer {second['access_token']}"})
    assert gone.status_code == 401
    assert client.delete("/api/me/logins", headers=headers).status_code == 204
    assert client.get("/api/me", headers=headers).status_code == 401


def test_locks_are_seen_and_opened(client: Client, root: User, capsys: Any) -> None:
    admin = post(client, "/token", {"username": "root", "password": PASSWORD}).json()
    token = admin["access_token"]
    for _ in range(5):
        log_in(client, password="wrong")
        post(client, "/token", {"username": "no such name", "password": "x"})
    listed = client.get("/api/lockouts", headers={"authorization": f"Bearer {token}"}).json()
    assert sorted(lock["account"] for lock in listed) == ["", "ann"]
    assert {lock["address"] for lock in listed} == {"127.0.0.1"}
    call_command("unlock", "--list")
    assert "ann from 127.0.0.1" in capsys.readouterr().out
    assert log_in(client).status_code == 429
    opened = post(client, "/api/lockouts/unlock", {"account": "ann"}, token)
    assert opened.json() == {"unlocked": 1}
    mine = log_in(client)
    assert mine.status_code == 200
    assert post(client, "/api/lockouts/unlock", {}, mine.json()["access_token"]).status_code == 403
    call_command("unlock")
    assert "1 lock is open" in capsys.readouterr().out
    assert Entry.objects.filter(action="login.unlock", outcome="done").count() == 2


def page_token(browser: Client, status: int = 200) -> str:
    answer = browser.post("/api/session/token", headers=csrf(browser))
    assert answer.status_code == status, answer.content
    if status != 200:
        return ""
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 1800)
    return str(answer.json()["access_token"])


def opens(token: str) -> bool:
    answer = Client().get("/api/me", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def test_a_page_gets_a_token_for_its_session(browser: Client, ann: User, hints: list[str]) -> None:
    page_token(browser, 401)
    enter(browser)
    assert browser.post("/api/session/token").status_code == 403, "without the header"
    # Neither a key's nor a token's holder prolongs what they have.
    held = log_in(Client()).json()["access_token"]
    assert post(Client(), "/api/session/token", token=held).status_code == 401
    first, second = page_token(browser), page_token(browser)
    assert opens(first)
    assert opens(second)
    # One login, of which nobody was given a refresh token, and which is not ended by itself.
    assert Login.objects.filter(user=ann, newest="").count() == 1
    assert len(browser.get("/api/me/logins").json()) == 1
    assert Entry.objects.filter(action="login", outcome="done").count() == 2
    other = Client()
    other.force_login(ann)
    others = page_token(other)
    hints.clear()
    browser.delete("/api/session", headers=csrf(browser))
    assert hints == ["keys"]
    assert [opens(token) for token in (first, second, others)] == [False, False, True]
    page_token(browser, 401)


def test_a_page_token_ends_with_what_ends_the_session(browser: Client, ann: User) -> None:
    enter(browser)
    before = page_token(browser)
    change = {"old_password": PASSWORD, "new_password": NEW}
    browser.put("/api/me/password", change, content_type="application/json", headers=csrf(browser))
    assert not opens(before)
    # The session goes on, and so does its page.
    after = page_token(browser)
    assert opens(after)
    # Somebody else logs in at the same browser.
    User.objects.create_user("bob", password=PASSWORD)
    assert enter(browser, username="bob").status_code == 200
    assert not opens(after)
    bobs = page_token(browser)
    assert opens(bobs)
    User.objects.filter(username="bob").update(is_active=False)
    assert not opens(bobs)
    page_token(browser, 401)
    assert ann.logins.filter(ended=None).count() == 0


def test_a_page_token_that_was_ended_by_name_ends_the_asking(browser: Client, ann: User) -> None:
    enter(browser)
    page_token(browser)
    ann.logins.update(ended=timezone.now())
    page_token(browser, 401)
