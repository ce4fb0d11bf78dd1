"""``xplatform cached | remove-cache | download``: model files on the nodes."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from xplatform.cli import model_flags, words
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, ServerError, UsageError, path_of
from xplatform.cli.progress import Progress
from xplatform.cli.table import table

_ABOUT = {
    "cached": "Show the model files that the nodes keep.",
    "remove-cache": "Remove model files from the nodes; what is in use stays.",
    "download": "Fetch a model's files ahead of its launch, or pause, resume and cancel that."
    " Without a name: what is under way.",
}
_POLL_SECONDS = 0.5
_OPEN = ("queued", "running", "paused")


def run(command: str, given: list[str]) -> int:
    work = {"cached": _cached, "remove-cache": _remove, "download": _download}
    return ask(work[command], parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT[command])
    model_flags.add_name(made, "of the catalogue, or a repository (owner/name)")
    made.add_argument("--node", "--worker-ip", dest="node", metavar="NAME", help="on this one only")
    if command == "download":
        model_flags.add_kind(made, "LLM, embedding, …")
        model_flags.add_version(made)
        made.add_argument("--hub", choices=("huggingface", "modelscope"), help="where it lies")
        made.add_argument("--revision", metavar="NAME", help="branch, tag or commit")
        what = made.add_mutually_exclusive_group()
        for action in ("pause", "resume", "cancel"):
            what.add_argument(f"--{action}", metavar="ID", help=f"{action} this download")
        made.add_argument("--no-wait", action="store_true", help="return at once")
    if command == "remove-cache":
        made.add_argument("--id", metavar="ID", help="this entry, as 'xplatform cached' shows it")
        made.add_argument(
            "-y", "--yes", "--check", dest="yes", action="store_true", help="do not ask"
        )
    add_server_flags(made)
    return made


# --- cache -----------------------------------------------------------------------------------


def _cached(server: Connection, arguments: argparse.Namespace) -> int:
    found = _entries(server, arguments)
    if arguments.json:
        show_json(found)
    elif not found:
        print("No node keeps any model files.")
    else:
        print(cached_table(found))
    return 0


def _entries(server: Connection, arguments: argparse.Namespace) -> list[Any]:
    entries = []
    for node in server.get("/api/files", node=arguments.node, timeout=60)["nodes"]:
        for entry in node["cached"]:
            if not arguments.name or arguments.name.lower() in entry["name"].lower():
                entries.append({**entry, "node": node["node"]})
    return entries


def cached_table(entries: list[Any]) -> str:
    rows = [
        (
            entry["node"],
            entry["id"],
            entry["hub"],
            entry["name"],
            (entry.get("revisions") or [""])[0] or entry.get("commit", "")[:12],
            words.size(entry["size"] + entry.get("partial", 0)),
            words.age(entry.get("last_used")),
            ", ".join(entry.get("used_by") or ()),
        )
        for entry in entries
    ]
    return table(("NODE", "ID", "HUB", "NAME", "REVISION", "SIZE", "USED", "BY"), rows)


def _remove(server: Connection, arguments: argparse.Namespace) -> int:
    if not (arguments.name or arguments.id):
        raise UsageError("Say what: --model-name or --id.")
    chosen = [e for e in _entries(server, arguments) if arguments.id in (None, e["id"])]
    if not chosen:
        raise ServerError("No node keeps such files.", 404)
    if not arguments.yes:
        if not sys.stdin.isatty():
            raise UsageError("--yes says that these files are to be removed.")
        print(cached_table(chosen))
        if not input("Remove them? [y/N] ").strip().lower().startswith("y"):
            print("Nothing was removed.")
            return 1
    for entry in chosen:
        server.call("DELETE", path_of("api", "files", entry["node"], entry["id"]), timeout=120)
    if arguments.json:
        show_json(chosen)
    else:
        total = sum(entry["size"] for entry in chosen)
        print(f"{words.size(total)} are removed.")
    return 0


# --- downloads -------------------------------------------------------------------------------


def _download(server: Connection, arguments: argparse.Namespace) -> int:
    for action in ("pause", "resume", "cancel"):
        if chosen := getattr(arguments, action):
            node = arguments.node or _node_of(server, chosen)
            answer = server.call("POST", path_of("api", "downloads", node, chosen, action))
            if arguments.json:
                show_json(answer)
            else:
                print(f"{chosen}: {answer['state']}.")
            return 0
    if not arguments.name:
        return _show(server, arguments)
    body = {"name": arguments.name}
    for name in ("node", "kind", "format", "quantization", "hub", "revision"):
        if given := getattr(arguments, name):
            body[name] = given
    if arguments.size:
        body["size"] = arguments.size.replace("_", ".")
    started = server.call("POST", "/api/downloads", body, timeout=120)
    if arguments.no_wait:
        if arguments.json:
            show_json(started)
        else:
            print(f"{started['name']} is being fetched by {started['node']} ({started['id']}).")
        return 0
    return _wait(server, arguments, started)


def _wait(server: Connection, arguments: argparse.Namespace, started: Any) -> int:
    progress = Progress(quiet=arguments.json)
    download = started
    try:
        while download["state"] in ("queued", "running"):
            progress.show(_fraction(download), download_line(download))
            time.sleep(_POLL_SECONDS)
            download = _find(server, started["node"], started["id"]) or download
    except KeyboardInterrupt:
        progress.clear()
        sys.stderr.write(
            f"\nxplatform: it goes on; 'xplatform download --pause {started['id']}' holds it.\n"
        )
        return 130
    progress.clear()
    if arguments.json:
        show_json(download)
    elif download["state"] == "done":
        print(f"{download['name']} is on {started['node']} ({words.size(download['total'])}).")
    if download["state"] in ("done", "paused"):
        return 0
    why = download.get("error") or "no reason was given"
    raise ServerError(f"{download['name']} is {download['state']}: {_sentence(why)}")


def _sentence(error: Any) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def _show(server: Connection, arguments: argparse.Namespace) -> int:
    found = _downloads(server, arguments.node)
    if arguments.json:
        show_json(found)
        return 0
    rows = [
        (
            download["node"],
            download["id"],
            download["name"],
            download["state"],
            f"{words.size(download['done'])} of {words.size(download['total'] or None)}",
            f"{words.size(download['speed'])}/s" if download.get("speed") else "",
            _sentence(download["error"])[:60] if download.get("error") else "",
        )
        for download in found
    ]
    head = ("NODE", "ID", "NAME", "STATE", "DONE", "SPEED", "NOTE")
    print(table(head, rows) if rows else "Nothing is being fetched.")
    return 0


def _downloads(server: Connection, node: str | None) -> list[Any]:
    answer = server.get("/api/files", node=node, timeout=60)
    return [{**d, "node": one["node"]} for one in answer["nodes"] for d in one["downloads"]]


def _find(server: Connection, node: str, chosen: str) -> Any:
    return next((d for d in _downloads(server, node) if d["id"] == chosen), None)


def _node_of(server: Connection, chosen: str) -> str:
    for download in _downloads(server, None):
        if download["id"] == chosen:
            return str(download["node"])
    raise ServerError(f"There is no download {chosen!r}.", 404)


def _fraction(download: Any) -> float | None:
    return download["done"] / download["total"] if download["total"] else None


def download_line(download: Any) -> str:
    text = f"{download['state']} {words.size(download['done'])}"
    if download["total"]:
        text += f" of {words.size(download['total'])}"
    if download.get("speed"):
        text += f", {words.size(download['speed'])}/s"
    return text
