"""What all commands share that ask a server: their flags, and how they end."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from xplatform.cli.connection import Connection, ServerError
from xplatform.core.config import load_settings

Work = Callable[[Connection, argparse.Namespace], int]


def parser_of(command: str, about: str, **values: Any) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        f"xplatform {command}", description=about, allow_abbrev=False, **values
    )


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("server")
    group.add_argument(
        "-e",
        "--endpoint",
        metavar="URL",
        help="the server (default: XPLATFORM_ENDPOINT, the one you logged in to, or the local one)",
    )
    group.add_argument(
        "-ak",
        "--api-key",
        metavar="KEY",
        help="better XPLATFORM_API_KEY or 'xplatform login': others can read command lines",
    )
    group.add_argument("--home", metavar="FOLDER", help="home folder of the local server")
    group.add_argument("--json", action="store_true", help="print JSON, for programs")


def ask(
    work: Work,
    parser: argparse.ArgumentParser,
    words: Sequence[str],
    take_rest: Callable[[argparse.Namespace, list[str]], None] | None = None,
) -> int:
    """Run a command's work with a connection. ``take_rest``: gets the words that no flag took."""
    if take_rest is None:
        arguments = parser.parse_args(words)
    else:
        arguments, rest = parser.parse_known_args(words)
    settings = load_settings({"home": arguments.home})
    try:
        if take_rest is not None:
            take_rest(arguments, rest)
        local = arguments.home is not None
        server = Connection(arguments.endpoint, arguments.api_key, settings, local)
        return work(server, arguments)
    except ServerError as error:
        sys.stderr.write(f"xplatform: {error}\n")
        return error.exit_code


def show_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
