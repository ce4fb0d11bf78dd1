"""``xplatform login`` in a browser (RFC 8628), and the tokens that come of it: used until shortly
before they expire, then exchanged for new ones."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Final

from xplatform.cli import logins

#: what this program is called at every server: apps.accounts.oauth.applications
CLIENT: Final = "xplatform-cli"
_DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"

#: commands do what their user may; the server holds it against the user's role each time
SCOPES: Final = (
    "models.use models.read launches.read launches.write launches.unsafe registrations.read"
    " registrations.write events.read nodes.read nodes.write files.read files.write logs.read"
    " cluster.write keys.own project.read usage.own limits.read self.write"
)

#: tokens of ``xplatform login --username`` say so; they are renewed elsewhere
BY_NAME: Final = "name"

#: seconds before its end at which a token is exchanged
_EARLY: Final = 60.0

#: POST of a form: (path, values) → (status, the answer's JSON)
Post = Callable[[str, dict[str, str]], tuple[int, Any]]


class LoginRefused(Exception):
    """The text is one sentence for whoever wanted to log in."""


def log_in(post: Post) -> dict[str, Any] | None:
    """What to keep: access_token, refresh_token, expires. None: the server has no such login."""
    status, device = post("/oauth/device-authorization", {"client_id": CLIENT, "scope": SCOPES})
    if status == 404 or (status < 500 and not isinstance(device, dict)):
        return None
    if status != 200:
        raise LoginRefused(_said(device, f"The server answered {status}."))
    sys.stderr.write(
        f"Open {device['verification_uri']} in a browser and type the code"
        f" {device['user_code']}\n(or open {device['verification_uri_complete']}).\n"
    )
    sys.stderr.flush()
    wait = float(device.get("interval") or 5)
    until = time.monotonic() + float(device["expires_in"])
    while time.monotonic() < until:
        time.sleep(wait)
        status, answer = post(
            "/oauth/token",
            {"grant_type": _DEVICE, "device_code": device["device_code"], "client_id": CLIENT},
        )
        if status == 200:
            return kept(answer)
        match _error(answer):
            case "authorization_pending":
                continue
            case "slow_down":
                wait += 5
            case "access_denied":
                raise LoginRefused("The login was not allowed.")
            case "expired_token":
                break
            case _ if status < 500:
                raise LoginRefused(_said(answer, f"The server answered {status}."))
    raise LoginRefused("Nobody typed the code in time.")


def token(endpoint: str, post: Post) -> str | None:
    """The access token of a login, exchanged if its end is near; None: there was no such login, or
    it cannot be renewed any more."""
    held = logins.renewal(endpoint)
    if held is None:
        return None
    if _lasts(held):
        return str(held["access_token"])
    # Of several commands at once one exchanges it: a refresh token that is used twice is taken for
    # stolen, and ends the login.
    with logins.alone():
        held = logins.renewal(endpoint)
        if held is None:
            return None
        if _lasts(held):
            return str(held["access_token"])
        values = {"refresh_token": str(held["refresh_token"])}
        if held.get("by") == BY_NAME:
            status, answer = post("/v1/auth/refresh", values)
        else:
            grant = {"grant_type": "refresh_token", "client_id": CLIENT}
            status, answer = post("/oauth/token", {**values, **grant})
        if status == 200:
            held = kept(answer, str(held.get("by", "")))
            logins.keep_renewal(endpoint, held)
    # What has ended by now is refused by the server, in its own words.
    return str(held["access_token"])


def end(endpoint: str, post: Post) -> None:
    """Revoke what was issued; a server that is away forgets it by itself."""
    held = logins.renewal(endpoint)
    if held is None:
        return
    if held.get("by") == BY_NAME:
        post("/v1/auth/logout", {"refresh_token": str(held["refresh_token"])})
    else:
        post("/oauth/revoke", {"token": str(held["refresh_token"]), "client_id": CLIENT})


def _lasts(held: dict[str, Any]) -> bool:
    return float(held.get("expires") or 0) - _EARLY > time.time()


def kept(answer: Any, by: str = "") -> dict[str, Any]:
    return {
        "access_token": answer["access_token"],
        "refresh_token": answer["refresh_token"],
        "expires": time.time() + float(answer.get("expires_in") or 0),
        "by": by,
    }


def _error(answer: Any) -> str:
    return str(answer.get("error", "")) if isinstance(answer, dict) else ""


def _said(answer: Any, otherwise: str) -> str:
    said = answer.get("error_description") if isinstance(answer, dict) else None
    return str(said or otherwise)
