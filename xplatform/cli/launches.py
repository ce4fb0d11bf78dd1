"""``xplatform list | terminate | replicas | reload``: what runs, and how often."""

from __future__ import annotations

import argparse
from typing import Any

from xplatform.cli import words
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, ServerError, UsageError, path_of
from xplatform.cli.table import table

_ABOUT = {
    "list": "Show launched models and their replicas.",
    "terminate": "Stop a model; its running requests may finish.",
    "replicas": "Show, add, remove and move the replicas of a model.",
    "reload": "Start a model's replicas anew; running requests may finish.",
}


_ID_LENGTH = 36


def run(command: str, given: list[str]) -> int:
    work = {"list": _list, "terminate": _terminate, "replicas": _replicas, "reload": _reload}
    return ask(work[command], parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT[command])
    if command == "list":
        made.add_argument("--names", action="store_true", help="their names only, one a line")
    else:
        made.add_argument(
            "-u",
            "--uid",
            "--model-uid",
            dest="uid",
            required=True,
            metavar="UID",
            help="the model's name",
        )
    if command == "replicas":
        one = made.add_mutually_exclusive_group()
        one.add_argument("--add", type=int, metavar="N", help="so many more, for good")
        one.add_argument("--remove", metavar="REPLICA", help="this one (its id or number)")
        one.add_argument("--move", metavar="REPLICA", help="start it elsewhere, then end this one")
        one.add_argument("--scale", metavar="N|MIN-MAX", help="set how many there are: 2, 0-4")
        made.add_argument("--node", metavar="NAME", help="for --add and --move: on this one")
    add_server_flags(made)
    return made


def _list(server: Connection, arguments: argparse.Namespace) -> int:
    answer = server.get("/api/launches")
    launches = answer if isinstance(answer, list) else answer["results"]
    if arguments.json:
        show_json(launches)
    elif arguments.names:
        print("".join(launch["uid"] + "\n" for launch in launches), end="")
    elif not launches:
        print("No model is launched.")
    else:
        print(launch_table(launches))
    return 0


def launch_table(launches: list[Any]) -> str:
    rows = []
    for launch in launches:
        replicas = launch.get("replicas") or [None]
        for number, replica in enumerate(replicas):
            first = number == 0
            rows.append(
                (
                    launch["uid"] if first else "",
                    launch["state"] if first else "",
                    launch["engine"] if first else "",
                    launch["slots"] if first else "",
                    f"{replica['node']} #{replica['epoch']} {replica['state']}" if replica else "-",
                    ((replica or {}).get("message") or launch.get("reason") or "")[:80],
                )
            )
    return table(("UID", "STATE", "ENGINE", "SLOTS", "REPLICA", "NOTE"), rows)


def _terminate(server: Connection, arguments: argparse.Namespace) -> int:
    answer = server.call("DELETE", path_of("api", "launches", arguments.uid))
    if arguments.json:
        show_json(answer)
    else:
        print(f"{arguments.uid} is stopped; running requests may finish.")
    return 0


def _reload(server: Connection, arguments: argparse.Namespace) -> int:
    answer = server.call("POST", path_of("api", "launches", arguments.uid, "relaunch"))
    if arguments.json:
        show_json(answer)
    else:
        print(f"{arguments.uid} starts anew; running requests may finish.")
    return 0


def _replicas(server: Connection, arguments: argparse.Namespace) -> int:
    base = path_of("api", "launches", arguments.uid)
    if arguments.add is not None:
        body: dict[str, Any] = {"count": arguments.add}
        if arguments.node:
            body["placement"] = {"nodes": [arguments.node]}
        launch = server.call("POST", f"{base}/replicas", body)
    elif arguments.scale is not None:
        least, most = _bounds(arguments.scale)
        bounds = {"min_replicas": least, "max_replicas": most}
        launch = server.call("PUT", f"{base}/replicas", bounds)
    elif arguments.remove is not None:
        chosen = _replica_id(server.get(base), arguments.remove)
        launch = server.call("DELETE", base + path_of("replicas", chosen))
    elif arguments.move is not None:
        chosen = _replica_id(server.get(base), arguments.move)
        body = {"node": arguments.node} if arguments.node else {}
        launch = server.call("POST", base + path_of("replicas", chosen, "move"), body)
    else:
        launch = server.get(base)
    if arguments.json:
        show_json(launch)
    else:
        print(replica_table(launch))
    return 0


def replica_table(launch: Any) -> str:
    replicas = launch.get("replicas") or []
    if not replicas:
        return f"{launch['uid']} has no replica; it is {launch['state']}."
    rows = [
        (
            f"#{replica['epoch']}",
            replica["id"],
            replica["state"],
            replica["node"],
            ",".join(replica.get("devices") or ()) or "cpu",
            words.size(replica.get("memory_peak") or replica.get("memory") or None),
            words.age(replica["created"]),
            (replica["message"] or replica.get("leaving") or "")[:60],
        )
        for replica in replicas
    ]
    head = ("NUMBER", "ID", "STATE", "NODE", "DEVICES", "MEMORY", "AGE", "NOTE")
    return table(head, rows)


def _bounds(text: str) -> tuple[int, int]:
    least, dash, most = text.partition("-")
    if not least.isdigit() or (dash and not most.isdigit()):
        raise UsageError(f"--scale {text!r} is neither a number nor two like 0-4.")
    return int(least), int(most or max(1, int(least)))


def _replica_id(launch: Any, given: str) -> str:
    """By id, or by the number that the list shows."""
    number = given.removeprefix("#")
    for replica in launch.get("replicas") or []:
        if given == replica["id"] or number == str(replica["epoch"]):
            return str(replica["id"])
    if len(given) < _ID_LENGTH:
        raise ServerError(f"{launch['uid']} has no replica {given}.", 404)
    # Of an older one that the list does not show any more.
    return given
