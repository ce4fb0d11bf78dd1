"""``POST /token``, renewal, logout: over HTTP, and what the tokens open."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts import api
from apps.accounts.models import Login, Membership, Project, User
from apps.accounts.tokens import actions, jwt
from apps.accounts.tokens.logins import recently_ended
from apps.accounts.tokens.verify import login_record
from apps.audit.models import Entry
from tests.accounts.logins.conftest import PASSWORD, log_in, post
from xplatform.core.errors import MalformedToken, NotAuthenticated, NotFound

pytestmark = pytest.mark.usefixtures("clean_database", "ann")


def opens(client: Client, token: str) -> int:
    answer = client.get("/api/me", headers={"authorization": f"Bearer {token}"})
    return answer.status_code


def test_login_gives_what_xinference_gives(client: Client) -> None:
    answer = log_in(client)
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "bearer"
    assert (body["expires_in"], body["refresh_expires_in"]) == (1800, 14 * 86400)
    assert "must_change_password" not in body
    assert opens(client, body["access_token"]) == 200
    # One is not the other.
    assert opens(client, body["refresh_token"]) == 401
    assert (
        post(client, "/v1/auth/refresh", {"refresh_token": body["access_token"]}).status_code == 401
    )
    assert Entry.objects.filter(action="login", outcome="done", who="ann").count() == 1


def test_nobody_learns_whether_there_is_an_account(client: Client) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    User.objects.create_user("elsewhere")  # signs in with another service
    answers = [
        post(client, "/token", {"username": name, "password": password})
        for name, password in [
            ("ann", "wrong"), ("hunter2!", "wrong"), ("gone", PASSWORD), ("elsewhere", "wrong"),
            ("elsewhere", "!"), ("\x00", "wrong"), ("ann\n", "wrong"),
        ]
    ]  # fmt: skip
    assert {answer.status_code for answer in answers[:5]} == {401}
    assert len({answer.content for answer in answers[:5]}) == 1
    assert answers[0].json()["error"]["code"] == "login_failed"
    assert all(answer.status_code in (400, 401) for answer in answers)
    # What was typed in place of a name may be a password: it is kept nowhere.
    assert set(Entry.objects.values_list("who", flat=True)) == {
        "ann",
        "gone",
        "elsewhere",
        "nobody",
    }


def test_guessing_is_stopped(client: Client) -> None:
    for _ in range(5):
        assert log_in(client, password="wrong").status_code == 401
    for name in ("ann", "ANN"):
        shut = post(client, "/token", {"username": name, "password": PASSWORD})
        assert shut.status_code == 429
        assert shut.json()["error"]["code"] == "too_many_attempts"
        assert int(shut.headers["Retry-After"]) > 1
    # The same for a name that is nobody's.
    for _ in range(5):
        post(client, "/token", {"username": "nobody", "password": "x"})
    other = post(client, "/token", {"username": "nobody", "password": "x"})
    assert (other.status_code, other.json()["error"]["code"]) == (429, "too_many_attempts")
    assert Entry.objects.filter(action="login.lock").count() == 2


def test_renewal_and_reuse(client: Client, hints: list[str]) -> None:
    first = log_in(client).json()
    second = post(client, "/v1/auth/refresh", {"refresh_token": first["refresh_token"]}).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert opens(client, second["access_token"]) == 200
    third = post(client, "/v1/auth/refresh", {"refresh_token": second["refresh_token"]}).json()
    hints.clear()
    # A copy that somebody made of the first: the whole login is over, also for its owner.
    stolen = post(client, "/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert stolen.status_code == 401
    assert "keys" in hints
    for body in (first, second, third):
        assert opens(client, body["access_token"]) == 401
    again = post(client, "/v1/auth/refresh", {"refresh_token": third["refresh_token"]})
    assert again.status_code == 401
    assert Login.objects.get().why == "reused"
    assert Entry.objects.filter(action="login.reused", outcome="failed").count() == 1
    # Another login of the same person goes on.
    assert opens(client, log_in(client).json()["access_token"]) == 200


def test_of_two_renewals_at_once_one_is_a_copy(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = log_in(client).json()["refresh_token"]
    find = actions._find

    def find_and_be_overtaken(claims: jwt.Claims) -> Login:
        found = find(claims)
        monkeypatch.setattr(actions, "_find", find)
        actions.renew(token, "")
        return found

    monkeypatch.setattr(actions, "_find", find_and_be_overtaken)
    with pytest.raises(NotAuthenticated):
        actions.renew(token, "")
    assert Login.objects.get().why == "reused"


@pytest.mark.parametrize("how", ["refresh token", "access token"])
def test_logout(client: Client, how: str, hints: list[str]) -> None:
    body, other = log_in(client).json(), log_in(client).json()
    if how == "refresh token":
        answer = post(client, "/v1/auth/logout", {"refresh_token": body["refresh_token"]})
    else:
        answer = post(client, "/v1/auth/logout", token=body["access_token"])
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert hints == ["keys"]
    assert opens(client, body["access_token"]) == 401
    assert opens(client, other["access_token"]) == 200
    renewed = post(client, "/v1/auth/refresh", {"refresh_token": body["refresh_token"]})
    assert renewed.status_code == 401
    # Twice is no mistake, and rubbish tells nothing.
    again = post(client, "/v1/auth/logout", {"refresh_token": body["refresh_token"]})
    assert again.status_code == 200


def test_everywhere(client: Client, ann: User) -> None:
    before = log_in(client).json()
    client.force_login(ann)
    assert client.get("/api/me").status_code == 200
    actions.end_all(User.objects.get(username="ann"))
    assert opens(Client(), before["access_token"]) == 401
    assert client.get("/api/me").status_code == 401
    renewed = post(Client(), "/v1/auth/refresh", {"refresh_token": before["refresh_token"]})
    assert renewed.status_code == 401
    assert opens(Client(), log_in(Client()).json()["access_token"]) == 200


def test_disabled_users_are_out_at_once(client: Client) -> None:
    body = log_in(client).json()
    User.objects.filter(username="ann").update(is_active=False)
    assert opens(client, body["access_token"]) == 401
    renewed = post(client, "/v1/auth/refresh", {"refresh_token": body["refresh_token"]})
    assert renewed.status_code == 401


def test_expired_says_expired(client: Client, ann: User) -> None:
    token, _ = jwt.make("access", ann.pk, "x", -1)
    answer = client.get("/api/me", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="xplatform", error="invalid_token"')


def test_one_token_for_all_projects(client: Client, ann: User) -> None:
    for slug, role in [("one", "viewer"), ("two", "developer")]:
        project = Project.objects.create(slug=slug)
        Membership.objects.create(project=project, user=ann, role=role)
    record = api.find_credential(log_in(client).json()["access_token"])
    assert record is not None
    assert record.actor().project == "one"
    assert not record.actor().may("launches.write")
    two = record.actor("192.0.2.1", "two")
    assert (two.project, two.role, two.key_id) == ("two", "developer", record.id)
    assert two.may("launches.write")
    with pytest.raises(NotFound):
        record.actor("", "three")


@pytest.mark.parametrize(
    "token",
    ["eyJ", "eyJhbGciOiJub25lIn0.e30", "eyJ.a.b.c", "eyJ" + "a" * 5000, "eyJhbGc..x", "eyJä.a.b"],
)
def test_malformed(client: Client, token: str) -> None:
    with pytest.raises(MalformedToken):
        jwt.read(token, "access")
    if token.isascii():
        answer = client.get("/api/me", headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_token")


def test_forged(client: Client, ann: User) -> None:
    import base64
    import json

    from jwcrypto.jwk import JWK
    from jwcrypto.jwt import JWT

    good = log_in(client).json()["access_token"]
    head, payload, signature = good.split(".")

    def encode(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = JWT(header={"alg": "HS256"}, claims=claims)
    other.make_signed_token(JWK.from_password("another installation's secret, forty bytes"))
    for forged in [
        f"{encode({'alg': 'none'})}.{payload}.x",
        f"{head}.{encode({**claims, 'sub': '1'})}.{signature}",
        f"{encode({'alg': 'HS512'})}.{payload}.{signature}",
        f"{head}.{payload}.{signature[:-2]}AA",
        other.serialize(),
    ]:
        assert opens(client, forged) == 401, forged
    assert opens(client, good) == 200


def test_from_memory_says_what_the_database_says(client: Client, ann: User) -> None:
    token = log_in(client).json()["access_token"]
    known = api.credentials()
    record = api.find_credential(token)
    assert record is not None
    assert (record.owner_name, record.kind) == ("ann", "login")

    def from_memory() -> api.KeyRecord | None:
        now = api.credentials()
        return login_record(token, now.users.get, now.ended_logins.__contains__)

    assert from_memory() == record
    assert login_record(token, {}.get, known.ended_logins.__contains__) is None
    actions.end_login(record.id, "")
    assert record.id in recently_ended()
    assert from_memory() is None
    token = log_in(client).json()["access_token"]
    assert from_memory() is not None
    actions.end_all(User.objects.get(pk=ann.pk))
    assert from_memory() is None
    assert api.find_credential(token) is None


def test_what_is_over_is_tidied_away(client: Client, set_to: Any) -> None:
    set_to(refresh_token_days=1e-9, access_token_minutes=1e-9)
    for _ in range(3):
        log_in(client)
    assert Login.objects.count() == 1
