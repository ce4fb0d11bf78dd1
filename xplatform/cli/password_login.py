"""``xplatform login --username``: a name and a password, and a one-time code where the account asks
for one, for tokens that ``device_login.token`` renews like those of a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xplatform.cli.connection import Connection, ServerError
from xplatform.cli.device_login import BY_NAME, kept


def log_in(
    server: Connection, username: str, password: str, otp: str, ask: Callable[[str], str]
) -> dict[str, Any]:
    """What to keep. ``ask`` is called for a code that was not given; raises ServerError."""
    body = {"username": username, "password": password, "otp": otp}
    try:
        answer = server.call("POST", "/token", body)
    except ServerError as error:
        if error.status == 404:
            text = f"{server.endpoint} takes no passwords here; use an API key."
            raise ServerError(text, 404) from None
        if error.code != "second_factor_required" or otp:
            raise
        if not (code := ask("One-time code, or a recovery code: ")):
            raise
        answer = server.call("POST", "/token", {**body, "otp": code})
    if "refresh_token" not in answer:
        raise ServerError(f"What answers at {server.endpoint} gives no tokens; use an API key.")
    if answer.get("must_change_password"):
        raise ServerError(
            f"A new password is due for {username}: choose one at {server.endpoint}/admin/, or by"
            " PUT /api/me/password.",
            403,
        )
    return kept(answer, BY_NAME)
