"""``xplatform login`` and ``logout``: which server is asked, and with which key."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from xplatform.cli import logins
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, ServerError, UsageError
from xplatform.core.config import load_settings

_ABOUT = {
    "login": "Remember a server and how to get in, for all commands of this user. Asks for an API"
    " key, or with --username for a password.",
    "logout": "Forget a server and its key.",
}


def run(command: str, given: list[str]) -> int:
    return ask(_login if command == "login" else _logout, parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT[command])
    if command == "login":
        made.add_argument("--username", metavar="NAME", help="log in with a password instead")
        made.add_argument(
            "--password",
            metavar="PASSWORD",
            help="better typed or piped in: others can read command lines",
        )
    add_server_flags(made)
    return made


def _login(server: Connection, arguments: argparse.Namespace) -> int:
    if arguments.username:
        password = arguments.password or _typed(f"Password of {arguments.username}: ")
        body = {"username": arguments.username, "password": password}
        try:
            key = str(server.call("POST", "/token", body)["access_token"])
        except ServerError as error:
            if error.status == 404:
                raise ServerError(
                    f"{server.endpoint} takes no passwords here; use an API key.", 404
                ) from None
            raise
    else:
        key = arguments.api_key or os.environ.get("XPLATFORM_API_KEY") or _typed("API key: ")
    if not key:
        raise UsageError("There is no key.")
    # Not remembered before it has opened the door.
    Connection(server.endpoint, key, load_settings()).get("/v1/models")
    file = logins.save(server.endpoint, key)
    if arguments.json:
        show_json({"endpoint": server.endpoint, "file": str(file)})
    else:
        print(f"Commands ask {server.endpoint} from now on; the key is in {file}.")
    return 0


def _logout(server: Connection, arguments: argparse.Namespace) -> int:
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
