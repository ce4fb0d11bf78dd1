"""``xplatform login`` and ``logout``: which server is asked, and with which key."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
from typing import Any

from xplatform.cli import device_login, logins, password_login
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, ServerError, UsageError
from xplatform.core.config import load_settings

_ABOUT = {
    "login": "Remember a server and how to get in, for all commands of this user: by a code that is"
    " typed in a browser, by an API key (-ak, or piped in), or with --username by a password.",
    "logout": "Forget a server and its key.",
}


def run(command: str, given: list[str]) -> int:
    return ask(_login if command == "login" else _logout, parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT[command])
    if command == "login":
        made.add_argument("--username", metavar="NAME", help="log in with a password instead")
        made.add_argument(
            "--browser", action="store_true", help="by a code in a browser, wherever this runs"
        )
        made.add_argument(
            "--password",
            metavar="PASSWORD",
            help="better typed or piped in: others can read command lines",
        )
        made.add_argument(
            "--otp", metavar="CODE", help="the one-time code, if the account asks for one"
        )
    add_server_flags(made)
    return made


def _login(server: Connection, arguments: argparse.Namespace) -> int:
    if arguments.username:
        password = arguments.password or _typed(f"Password of {arguments.username}: ")
        held = password_login.log_in(
            server, arguments.username, password, arguments.otp or "", _typed
        )
        Connection(server.endpoint, held["access_token"], load_settings()).get("/v1/models")
        return _remember(server, held, arguments)
    if key := "" if arguments.browser else _key_given(arguments):
        pass
    elif arguments.browser or sys.stdin.isatty():
        return _by_browser(server, arguments)
    else:
        key = _typed("API key: ")
    if not key:
        raise UsageError("There is no key.")
    # Not remembered before it has opened the door.
    Connection(server.endpoint, key, load_settings()).get("/v1/models")
    return _remember(server, key, arguments)


def _key_given(arguments: argparse.Namespace) -> str:
    return arguments.api_key or os.environ.get("XPLATFORM_API_KEY") or ""


def _by_browser(server: Connection, arguments: argparse.Namespace) -> int:
    try:
        held = device_login.log_in(server.form)
    except device_login.LoginRefused as error:
        raise ServerError(str(error), 401) from None
    if held is None:
        raise ServerError(
            f"{server.endpoint} has no login in a browser; use an API key (-ak).", 404
        )
    return _remember(server, held, arguments)


def _remember(server: Connection, key: str | dict[str, Any], arguments: argparse.Namespace) -> int:
    file = logins.save(server.endpoint, key)
    if arguments.json:
        show_json({"endpoint": server.endpoint, "file": str(file)})
    else:
        kind = "key is" if isinstance(key, str) else "tokens are"
        print(f"Commands ask {server.endpoint} from now on; the {kind} in {file}.")
    return 0


def _logout(server: Connection, arguments: argparse.Namespace) -> int:
    with contextlib.suppress(ServerError):
        device_login.end(server.endpoint, server.form)
    known = logins.forget(server.endpoint)
    if arguments.json:
        show_json({"endpoint": server.endpoint, "forgotten": known})
    else:
        print(f"{server.endpoint} is forgotten." if known else "There was nothing to forget.")
    return 0


def _typed(question: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(question).strip()
    return sys.stdin.readline().strip()
