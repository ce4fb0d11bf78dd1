"""``xplatform nodes``: the machines of the cluster, and the tokens with which they join."""

from __future__ import annotations

import argparse
from typing import Any

from xplatform.cli import words
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, UsageError, path_of
from xplatform.cli.overview import node_table
from xplatform.cli.table import table

_ABOUT = "The machines of the cluster, and the tokens with which new ones join."

_ACTIONS = {
    "list": "show the nodes (the default)",
    "show": "show one with its devices and engines",
    "cordon": "give it no new replicas",
    "uncordon": "give it replicas again",
    "drain": "move its replicas away and give it no new ones",
    "remove": "forget a node that is gone",
    "labels": "show or set its labels: NAME=VALUE, and NAME= to take one away",
    "token": "make, list and revoke join tokens",
}


def run(command: str, given: list[str]) -> int:
    # `xplatform nodes --json` is the list's.
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given = ["list", *given]
    return ask(_work, parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT)
    actions = made.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text in _ACTIONS.items():
        sub = actions.add_parser(
            action, help=text, description=text.capitalize() + ".", allow_abbrev=False
        )
        if action == "token":
            sub.add_argument(
                "what",
                choices=("create", "list", "revoke"),
                metavar="WHAT",
                help="create, list or revoke",
            )
            sub.add_argument(
                "id", nargs="?", metavar="NAME|ID", help="create: what it is for; revoke: its id"
            )
            sub.add_argument("--name", metavar="TEXT", default="", help="what it is for")
            sub.add_argument("--expires", metavar="WHEN", help="2030-01-31, or with a time")
        elif action != "list":
            sub.add_argument("name", metavar="NODE", help="its name")
        if action == "labels":
            sub.add_argument("labels", nargs="*", metavar="NAME=VALUE", help="set these")
        add_server_flags(sub)
    return made


def _work(server: Connection, arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "list":
            nodes = server.get("/api/nodes")
            _show(arguments, nodes, node_table(nodes) if nodes else "There is no node.")
        case "show":
            node = _find(server, arguments.name)
            _show(arguments, node, _details(node))
        case "cordon" | "uncordon" | "drain":
            node = server.call("POST", path_of("api", "nodes", arguments.name, arguments.action))
            done = {
                "cordon": "gets no new replicas",
                "uncordon": "gets replicas again",
                "drain": "is being drained: its replicas move away",
            }
            _show(arguments, node, f"{arguments.name} {done[arguments.action]}.")
        case "remove":
            answer = server.call("DELETE", path_of("api", "nodes", arguments.name))
            _show(arguments, answer, f"{arguments.name} is forgotten.")
        case "labels":
            _labels(server, arguments)
        case "token":
            _token(server, arguments)
    return 0


def _show(arguments: argparse.Namespace, value: Any, text: str) -> None:
    if arguments.json:
        show_json(value)
    else:
        print(text)


def _find(server: Connection, name: str) -> Any:
    nodes = server.get("/api/nodes")
    for node in nodes:
        if node["name"] == name:
            return node
    names = ", ".join(node["name"] for node in nodes) or "none"
    raise UsageError(f"There is no node {name!r}; there are: {names}.")


def _details(node: Any) -> str:
    lines = [node_table([node])]
    if labels := node.get("labels"):
        lines.append("labels   " + ", ".join(f"{k}={v}" for k, v in labels.items()))
    if engines := node.get("engines"):
        lines.append("engines  " + ", ".join(f"{k} {v}" for k, v in engines.items()))
    devices = (node.get("devices") or {}).get("devices") or []
    rows = [
        (
            d["id"],
            d["kind"],
            d.get("name", ""),
            f"{words.size(d.get('memory_used'))} of {words.size(d.get('memory_total'))}",
            "-" if d.get("utilization") is None else f"{d['utilization']:.0f} %",
            "-" if d.get("temperature") is None else f"{d['temperature']:.0f} °C",
        )
        for d in devices
    ]
    if rows:
        lines.append("\n" + table(("DEVICE", "KIND", "NAME", "MEMORY", "BUSY", "HEAT"), rows))
    return "\n".join(lines)


def _labels(server: Connection, arguments: argparse.Namespace) -> None:
    path = path_of("api", "nodes", arguments.name)
    if not arguments.labels:
        labels = _find(server, arguments.name).get("labels") or {}
    else:
        changes: dict[str, str | None] = {}
        for text in arguments.labels:
            name, equals, value = text.partition("=")
            if not name or not equals:
                raise UsageError(f"{text!r} is not of the form NAME=VALUE.")
            changes[name] = value or None
        labels = server.call("PATCH", path, {"labels": changes})["labels"]
    _show(arguments, labels, "\n".join(f"{k}={v}" for k, v in labels.items()) or "No labels.")


def _token(server: Connection, arguments: argparse.Namespace) -> None:
    path = "/api/join-tokens"
    if arguments.what == "create":
        body = {"name": arguments.name or arguments.id or "made by xplatform nodes"}
        if arguments.expires:
            body["expires"] = arguments.expires
        made = server.call("POST", path, body)
        token = made.get("token") or made.get("key")
        _show(
            arguments,
            made,
            f"{token}\n\nIt is shown this once. On the new machine:\n\n"
            f"  xplatform worker --join {server.endpoint} --token {token}",
        )
    elif arguments.what == "revoke":
        if not arguments.id:
            raise UsageError("Which one? 'xplatform nodes token list' shows their ids.")
        answer = server.call("DELETE", path_of("api", "join-tokens", arguments.id))
        _show(arguments, answer, f"{arguments.id} lets nobody in any more.")
    else:
        found = server.get(path)
        rows = [
            (
                t["id"],
                t["name"],
                t.get("prefix", ""),
                t.get("state", ""),
                words.age(t.get("created")),
                words.age(t.get("last_used")),
            )
            for t in found
        ]
        text = table(("ID", "NAME", "TOKEN", "STATE", "AGE", "USED"), rows)
        _show(arguments, found, text if found else "There is no join token.")
