"""``xplatform status | stop-cluster | vllm-models``."""

from __future__ import annotations

import argparse
import sys

from xplatform.cli import words
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, UsageError
from xplatform.cli.launches import launch_table
from xplatform.cli.table import table

_ABOUT = {
    "status": "Show the server, its nodes and what runs.",
    "stop-cluster": "Stop the server, with all models.",
    "vllm-models": "Show the models of the catalogue that vLLM can run.",
}


def run(command: str, given: list[str]) -> int:
    work = {"status": _status, "stop-cluster": _stop, "vllm-models": _vllm_models}
    return ask(work[command], parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT[command])
    if command == "stop-cluster":
        made.add_argument(
            "-y", "--yes", "--check", dest="yes", action="store_true", help="do not ask"
        )
    add_server_flags(made)
    return made


def _status(server: Connection, arguments: argparse.Namespace) -> int:
    status = server.get("/status")
    nodes = server.get("/api/nodes")
    launches = server.get("/api/launches")
    if arguments.json:
        show_json({**status, "endpoint": server.endpoint, "nodes": nodes, "launches": launches})
        return 0
    running = f"{status['in_flight']} requests" if "in_flight" in status else ""
    print(
        f"xplatform {status['version']} at {server.endpoint}, up for"
        f" {words.duration(status['uptime_s'])}. {running}\n".rstrip(" ")
    )
    print(node_table(nodes), end="\n\n")
    print(launch_table(launches) if launches else "No model is launched.")
    return 0


def node_table(nodes: list[dict[str, object]]) -> str:
    head = ("NODE", "STATE", "REPLICAS", "DEVICES", "MEMORY", "HEARD", "VERSION")
    return table(head, [_node_row(node) for node in nodes])


def _node_row(node: dict[str, object]) -> tuple[object, ...]:
    state = str(node["state"])
    if node.get("draining"):
        state += ", draining"
    elif node.get("cordoned"):
        state += ", cordoned"
    told = node.get("devices")
    devices = (told.get("devices") if isinstance(told, dict) else None) or []
    memory = [
        f"{words.size(d.get('memory_used'))} of {words.size(d.get('memory_total'))}"
        for d in devices
    ]
    return (
        node["name"],
        state,
        node["replicas"],
        ", ".join(d["id"] for d in devices) or "-",
        "; ".join(memory) or "-",
        words.age(str(node["heartbeat"])),
        node["version"],
    )


def _stop(server: Connection, arguments: argparse.Namespace) -> int:
    if not arguments.yes:
        if not sys.stdin.isatty():
            raise UsageError("This stops the server and all models; --yes says that it is meant.")
        answer = input(f"Stop {server.endpoint} with all its models? [y/N] ")
        if not answer.strip().lower().startswith("y"):
            print("Nothing was stopped.")
            return 1
    answer = server.call("DELETE", "/v1/clusters")
    if arguments.json:
        show_json(answer)
    else:
        print(f"{server.endpoint} stops.")
    return 0


def _vllm_models(server: Connection, arguments: argparse.Namespace) -> int:
    found = server.get("/v1/models/vllm-supported")
    if arguments.json:
        show_json(found)
        return 0
    names = found if isinstance(found, list) else [n for part in found.values() for n in part]
    for name in sorted(str(name) for name in names):
        print(name)
    return 0
