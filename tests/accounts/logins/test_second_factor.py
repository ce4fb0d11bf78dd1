"""Codes, recovery codes and passkeys: set up, asked for, good once, removed."""

from __future__ import annotations

import re
import time
from typing import Any

import pyotp
import pytest
from django.test import Client

from apps.accounts.models import Authenticator, Passkey, User
from apps.accounts.second_factor import checks
from apps.audit.models import Entry
from tests.accounts.logins.authenticator import Device
from tests.accounts.logins.conftest import PASSWORD, log_in, post

pytestmark = pytest.mark.usefixtures("clean_database")

PROOF = {"password": PASSWORD}
HERE = {"HTTP_HOST": "models.example.org"}
ORIGIN = "https://models.example.org"


@pytest.fixture
def token(ann: User, client: Client) -> str:
    return str(log_in(client).json()["access_token"])


@pytest.fixture
def app(client: Client, token: str) -> tuple[pyotp.TOTP, list[str]]:
    """An authenticator app that is set up, and the recovery codes."""
    made = post(client, "/api/me/second-factor/authenticator", PROOF, token).json()
    app = pyotp.parse_uri(made["uri"])
    assert isinstance(app, pyotp.TOTP)
    assert (app.issuer, app.name, app.secret) == ("xplatform", "ann", made["secret"])
    assert made["picture"].startswith("data:image/svg+xml")
    path = "/api/me/second-factor/authenticator/confirm"
    codes = post(client, path, {"code": app.now()}, token).json()["recovery_codes"]
    # The setting-up used this half minute's code up; the next one is taken a little early.
    return app, codes


def next_code(app: pyotp.TOTP, user: User) -> str:
    """One that was not used yet: the next half minute's, as a phone that is ahead would show."""
    last = Authenticator.objects.get(user=user).last_step
    now = int(time.time()) // 30
    step = max(last + 1, now)
    if step > now + 1:
        pytest.fail("two codes were used within one half minute")
    return app.generate_otp(step)


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, to six digits."""
    app = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    for at, code in [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]:
        assert app.generate_otp(at // 30) == code


def test_nothing_is_asked_before_the_first_code(client: Client, token: str) -> None:
    assert post(client, "/api/me/second-factor/authenticator", PROOF, token).status_code == 200
    assert log_in(client).status_code == 200
    path = "/api/me/second-factor/authenticator/confirm"
    assert post(client, path, {"code": "000000"}, token).status_code == 401
    assert log_in(client).status_code == 200


def test_the_password_is_asked_for_first(client: Client, token: str) -> None:
    for path in (
        "second-factor/authenticator", "second-factor/authenticator/remove",
        "second-factor/recovery-codes", "passkeys/question", "passkeys/1/remove",
    ):  # fmt: skip
        lockless = post(client, f"/api/me/{path}", {"password": "wrong"}, token)
        assert lockless.status_code in (401, 429), path
        assert post(client, f"/api/me/{path}", {}, token).status_code == 400
    assert not Authenticator.objects.exists()


def test_login_with_a_code(client: Client, ann: User, app: Any) -> None:
    totp, _ = app
    without = log_in(client)
    assert without.status_code == 401
    assert without.json()["error"]["code"] == "second_factor_required"
    assert without.json()["error"]["param"] == "otp"
    # Only whoever knows the password hears of it.
    assert log_in(client, password="wrong").json()["error"]["code"] == "login_failed"
    assert log_in(client, otp="000000").json()["error"]["code"] == "login_failed"
    code = next_code(totp, ann)
    assert log_in(client, otp=f"{code[:3]} {code[3:]}").status_code == 200
    # Neither this one again nor one from before it.
    assert log_in(client, otp=code).status_code == 401
    earlier = totp.generate_otp(Authenticator.objects.get().last_step - 1)
    assert log_in(client, otp=earlier).status_code == 401
    # At rest the secret cannot be read.
    stored = Authenticator.objects.values_list("secret", flat=True).get()
    assert totp.secret not in str(stored)


def test_codes_cannot_be_guessed(client: Client, app: Any) -> None:
    for number in range(5):
        assert log_in(client, otp=f"{number:06}").status_code == 401
    assert log_in(client, otp="123456").status_code == 429
    # Showing the right password without a code opens nothing again.
    assert log_in(client).status_code == 429


def test_recovery_codes(client: Client, ann: User, token: str, app: Any) -> None:
    _, codes = app
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"(\w{4}-){3}\w{4}", code) for code in codes)
    assert log_in(client, otp=codes[0].upper()).status_code == 200
    assert log_in(client, otp=codes[0]).status_code == 401
    assert log_in(client, otp=codes[1].replace("-", " ")).status_code == 200
    seen = client.get("/api/me/second-factor", headers={"authorization": f"Bearer {token}"}).json()
    assert (seen["authenticator"], seen["recovery_codes_left"]) == (True, 8)
    new = post(client, "/api/me/second-factor/recovery-codes", PROOF, token).json()
    assert log_in(client, otp=codes[2]).status_code == 401
    assert log_in(client, otp=new["recovery_codes"][0]).status_code == 200


def test_removed(client: Client, ann: User, token: str, app: Any) -> None:
    path = "/api/me/second-factor/authenticator/remove"
    assert post(client, path, PROOF, token).status_code == 204
    assert log_in(client).status_code == 200
    assert not ann.recovery_codes.exists()
    assert post(client, path, PROOF, token).status_code == 404
    done = Entry.objects.filter(action__startswith="second_factor").values_list("action", flat=True)
    assert set(done) == {"second_factor.add", "second_factor.remove"}


def test_an_administrator_takes_lost_ones_away(client: Client, app: Any, root: User) -> None:
    admin = post(client, "/token", {"username": "root", "password": PASSWORD}).json()
    headers = {"authorization": f"Bearer {admin['access_token']}"}
    gone = client.delete("/api/users/ann/second-factor", headers=headers)
    assert gone.status_code == 204
    assert log_in(client).status_code == 200
    assert client.delete("/api/users/nobody/second-factor", headers=headers).status_code == 404


# --- passkeys ----------------------------------------------------------------------------------


def register(client: Client, token: str, device: Device, **more: Any) -> Any:
    asked = post(client, "/api/me/passkeys/question", PROOF, token, **HERE).json()
    credential = device.register(asked["options"], **{"origin": ORIGIN, **more})
    body = {"name": "laptop", "state": asked["state"], "credential": credential}
    return post(client, "/api/me/passkeys", body, token, **HERE)


def shown(client: Client, device: Device, body: Any = None, **more: Any) -> dict[str, Any]:
    asked = post(client, "/api/session/passkey", body, **HERE).json()
    credential = device.answer(asked["options"], **{"origin": ORIGIN, **more})
    return {"state": asked["state"], "credential": credential}


def test_login_by_a_passkey_alone(client: Client, token: str) -> None:
    device = Device()
    made = register(client, token, device)
    assert made.status_code == 201
    assert len(made.json()["recovery_codes"]) == 10
    assert made.json()["passkey"]["host"] == "models.example.org"
    answer = post(client, "/token", {"passkey": shown(client, device)}, **HERE)
    assert answer.status_code == 200
    me = client.get(
        "/api/me", headers={"authorization": f"Bearer {answer.json()['access_token']}"}
    ).json()
    assert me["username"] == "ann"
    assert Passkey.objects.get().uses == 1


def test_a_passkey_after_the_password(client: Client, token: str) -> None:
    device = Device(verifies=False)
    register(client, token, device)
    assert log_in(client).json()["error"]["code"] == "second_factor_required"
    mine = {"username": "ann", "password": PASSWORD}
    answer = shown(client, device, mine)
    assert post(client, "/token", {**mine, "passkey": answer}, **HERE).status_code == 200
    # It did not look who holds it: alone it is not enough.
    alone = shown(client, device)
    assert post(client, "/token", {"passkey": alone}, **HERE).status_code == 401


def test_answers_that_are_not_accepted(client: Client, token: str, ann: User) -> None:
    device, other = Device(), Device()
    register(client, token, device)

    def tried(answer: dict[str, Any], **more: Any) -> int:
        client_here = {**HERE, **more}
        status: int = post(client, "/token", {"passkey": answer}, **client_here).status_code
        return status

    good = shown(client, device)
    assert tried(good) == 200
    assert tried(good) == 401, "twice"
    stale = {**shown(client, device), "state": good["state"]}
    assert tried(stale) == 401, "the answer to another question"
    assert tried(shown(client, device, origin="https://models.example.org.evil.example")) == 401
    assert tried(shown(client, device, origin="http://models.example.org")) == 401, "no TLS"
    assert tried(shown(client, device, host="evil.example")) == 401
    assert tried(shown(client, other)) == 401, "a device that nobody knows"
    other.id = device.id
    assert tried(shown(client, other)) == 401, "another device's signature"
    assert tried(shown(client, device), HTTP_HOST="other.example.org") == 401
    forged = shown(client, device)
    assert tried({**forged, "state": forged["state"][:-1] + "A"}) == 401
    for rubbish in ({}, {"id": "x"}, {"id": 1, "rawId": [], "response": {}, "type": "public-key"}):
        assert tried({**shown(client, device), "credential": rubbish}) == 401
    device.uses = 0
    assert tried(shown(client, device)) == 401, "a copy of the device: its count went back"
    device.uses = 1000
    assert tried(shown(client, device)) == 200
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert tried(shown(client, device)) == 401


def test_devices_that_count_nothing(client: Client, token: str) -> None:
    device = Device(counts=False)
    register(client, token, device)
    for _ in range(2):
        answer = {"passkey": shown(client, device)}
        assert post(client, "/token", answer, **HERE).status_code == 200


def test_registrations_that_are_not_accepted(client: Client, token: str) -> None:
    assert register(client, token, Device(), origin="https://evil.example").status_code == 400
    assert register(client, token, Device(), host="evil.example").status_code == 400
    device = Device()
    assert register(client, token, device).status_code == 201
    assert register(client, token, device).status_code == 409
    asked = post(client, "/api/me/passkeys/question", PROOF, token, **HERE).json()
    rubbish = {"name": "x", "state": asked["state"], "credential": {"id": "?"}}
    assert post(client, "/api/me/passkeys", rubbish, token, **HERE).status_code == 400
    by_address = post(client, "/api/me/passkeys/question", PROOF, token, HTTP_HOST="192.0.2.1:9997")
    assert by_address.status_code == 400
    assert "192.0.2.1" in by_address.json()["detail"]


def test_remove_a_passkey(client: Client, token: str, root: User) -> None:
    register(client, token, Device())
    [listed] = client.get("/api/me/passkeys", headers={"authorization": f"Bearer {token}"}).json()
    path = f"/api/me/passkeys/{listed['id']}/remove"
    other = post(client, "/token", {"username": "root", "password": PASSWORD}).json()
    assert post(client, path, PROOF, other["access_token"]).status_code == 404
    assert post(client, path, PROOF, token).status_code == 204
    assert log_in(client).status_code == 200


# --- demanded ----------------------------------------------------------------------------------


def test_demanded_of_superusers(client: Client, root: User, ann: User, set_to: Any) -> None:
    set_to(require_second_factor="superusers")
    assert "must_add_second_factor" not in log_in(client).json()
    body = post(client, "/token", {"username": "root", "password": PASSWORD}).json()
    assert body["must_add_second_factor"] is True
    token = body["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    assert client.get("/api/users", headers=headers).status_code == 403
    assert client.get("/api/me/second-factor", headers=headers).json()["demanded"] is True
    made = post(client, "/api/me/second-factor/authenticator", PROOF, token).json()
    code = pyotp.TOTP(made["secret"]).now()
    path = "/api/me/second-factor/authenticator/confirm"
    assert post(client, path, {"code": code}, token).status_code == 200
    assert client.get("/api/users", headers=headers).status_code == 200
    assert not checks.wants_factor(User.objects.get(username="ann"))
