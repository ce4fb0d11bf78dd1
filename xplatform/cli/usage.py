"""``xplatform usage``: what was used, by whom, and what it cost."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection
from xplatform.cli.table import table

_SUMS = ("requests", "errors", "prompt_tokens", "cached_tokens", "completion_tokens", "cost")
_HEADS = ("REQUESTS", "ERRORS", "PROMPT", "CACHED", "COMPLETION", "COST")


def run(command: str, given: list[str]) -> int:
    return ask(_usage, parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, "Show what was used, and what it cost.")
    made.add_argument("--from", dest="begin", metavar="WHEN", help="2030-01-31; 30 days ago")
    made.add_argument("--to", dest="end", metavar="WHEN", help="not part of it; now")
    made.add_argument("--project", metavar="NAME", help="of this project")
    made.add_argument("--user", metavar="NAME", help="of this user")
    made.add_argument("--key", metavar="ID", help="of this API key")
    made.add_argument("--model", metavar="NAME", help="of this model")
    made.add_argument(
        "--group",
        metavar="NAMES",
        default="day,model",
        help="of hour, day, month, project, user, key, model (default: day,model)",
    )
    made.add_argument("--csv", action="store_true", help="print CSV")
    add_server_flags(made)
    return made


def _usage(server: Connection, arguments: argparse.Namespace) -> int:
    wish = {
        "from": arguments.begin,
        "to": arguments.end,
        "project": arguments.project,
        "user": arguments.user,
        "key": arguments.key,
        "model": arguments.model,
        "group": arguments.group,
    }
    if arguments.csv:
        sys.stdout.write(server.text("/api/usage", **wish, **{"as": "csv"}))
        return 0
    found = server.get("/api/usage", **wish)
    if arguments.json:
        show_json(found)
    elif not found["rows"]:
        print("Nothing was used.")
    else:
        print(_table(found))
    return 0


def _table(found: Any) -> str:
    names = found["group"]
    heads = [name.upper() for name in names] + list(_HEADS[:-1]) + [f"COST ({found['currency']})"]
    rows = [[_cell(row, name) for name in (*names, *_SUMS)] for row in found["rows"]]
    return table(heads, rows)


def _cell(row: Any, name: str) -> object:
    if name == "user":
        return row["user_name"] or row["user"] or "-"
    if name in ("day", "month"):
        return row[name][: 10 if name == "day" else 7]
    if name == "hour":
        return row[name][:16].replace("T", " ")
    if name == "cost":
        return f"{float(row[name]):.4f}"
    return row[name] if row[name] != "" else "-"
