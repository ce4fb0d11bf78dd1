"""``xplatform events`` and ``xplatform logs``: what happened, and what was written, as it comes."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from xplatform.cli import words
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, ServerError, UsageError, path_of
from xplatform.cli.table import table

_ABOUT = {
    "events": "Show what happened to models, replicas and nodes.",
    "logs": "Show what a replica or a node wrote.",
}
#: a question that waits for news is asked anew this often
_WAIT_SECONDS = 20
_LOG_SECONDS = 0.5
#: while the server is away
_RETRY_SECONDS = 1.0


def run(command: str, given: list[str]) -> int:
    return ask(_events if command == "events" else _logs, parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT[command])
    made.add_argument("-u", "--uid", "--model-uid", dest="uid", metavar="UID", help="of this model")
    made.add_argument("--node", metavar="NAME", help="of this node")
    made.add_argument("--replica", metavar="ID", help="of this replica")
    made.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    if command == "events":
        made.add_argument(
            "-n",
            "--last",
            type=int,
            default=50,
            metavar="N",
            help="so many of the newest (default: 50)",
        )
        made.add_argument("--after", type=int, metavar="ID", help="only those behind this id")
    else:
        made.add_argument(
            "-n",
            "--lines",
            type=int,
            default=100,
            metavar="N",
            help="so many of the newest (default: 100)",
        )
        made.add_argument(
            "--file",
            choices=("output", "log"),
            default="output",
            help="what it wrote to its terminal, or its own log",
        )
        made.add_argument("--folder", metavar="NAME", help="with --node: as --list shows it")
        made.add_argument("--list", action="store_true", help="with --node: the logs it has")
    add_server_flags(made)
    return made


# --- events ----------------------------------------------------------------------------------


def _events(server: Connection, arguments: argparse.Namespace) -> int:
    chosen = {"model": arguments.uid, "node": arguments.node, "replica": arguments.replica}
    page = server.get("/api/events", after=arguments.after, limit=arguments.last, **chosen)
    if arguments.json and not arguments.follow:
        show_json(page["events"])
        return 0
    if not page["events"] and not arguments.follow:
        print("Nothing happened yet.")
        return 0
    _print_events(page["events"], arguments.json)
    while arguments.follow:
        last = page["last_id"]
        try:
            page = server.get(
                "/api/events",
                after=last,
                limit=500,
                wait=_WAIT_SECONDS,
                timeout=_WAIT_SECONDS + 30,
                **chosen,
            )
        except ServerError as error:
            if error.status not in (0, 502, 503):
                raise
            # It restarts; the id says where we were.
            time.sleep(_RETRY_SECONDS)
            continue
        _print_events(page["events"], arguments.json)
    return 0


def _print_events(events: list[Any], as_json: bool) -> None:
    for event in events:
        print(json.dumps(event) if as_json else event_line(event), flush=True)


def event_line(event: Any) -> str:
    about = " ".join(part for part in (event["uid"], event["subject"]) if part)
    change = f"{event['before']} → {event['after']}" if event["before"] else event["after"]
    why = " ".join(event["why"].split())
    why = f"  {why[:200]}" if why else ""
    return f"{words.clock(event['at'])}  {about}: {change}  ({event['who']}){why}"


# --- logs ------------------------------------------------------------------------------------


def _logs(server: Connection, arguments: argparse.Namespace) -> int:
    if arguments.list:
        if not arguments.node:
            raise UsageError("--list needs --node: the logs of which node?")
        return _list(server, arguments)
    chosen = {
        "model": arguments.uid,
        "node": arguments.node,
        "replica": arguments.replica,
        "folder": arguments.folder,
        "file": arguments.file,
    }
    if not (arguments.uid or arguments.node or arguments.replica):
        raise UsageError("Say whose log: --uid, --replica or --node.")
    page = server.get("/api/logs", lines=arguments.lines, **chosen)
    if arguments.json and not arguments.follow:
        show_json(page)
        return 0
    _print_lines(page["lines"])
    if not page["lines"] and not arguments.follow:
        other = "log" if arguments.file == "output" else "output"
        print(f"Nothing is written there; --file {other} shows the other one.", file=sys.stderr)
    if arguments.follow and page["replica"]:
        # Of this replica also when another one takes its place.
        chosen |= {"model": None, "replica": page["replica"]}
    while arguments.follow:
        time.sleep(0 if page["lines"] else _LOG_SECONDS)
        if page["folder"] and not chosen["replica"]:
            chosen["folder"] = page["folder"]
        page = server.get("/api/logs", lines=1000, offset=page["offset"], **chosen)
        _print_lines(page["lines"])
    return 0


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _list(server: Connection, arguments: argparse.Namespace) -> int:
    logs = server.get(path_of("api", "nodes", arguments.node, "logs"))["logs"]
    if arguments.json:
        show_json(logs)
        return 0
    rows = [
        (
            log["folder"],
            log["process"],
            words.age(log["started"] / 1000),
            words.size(sum(log["files"].values())),
        )
        for log in logs
    ]
    print(table(("FOLDER", "PROCESS", "AGE", "SIZE"), rows))
    return 0
