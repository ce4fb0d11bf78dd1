"""``xplatform registrations | register | unregister``: what can be launched by a name."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from xplatform.cli import model_flags
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, ServerError, UsageError, path_of
from xplatform.cli.table import table

_ABOUT = {
    "registrations": "Show the models that can be launched by a name: the catalogue's, and those"
    " that people registered.",
    "register": "Add a model of your own to the catalogue: a JSON file in the catalogue's form, or"
    " in Xinference's.",
    "unregister": "Take a model of your own out of the catalogue; what runs of it runs on.",
}


def run(command: str, given: list[str]) -> int:
    work = {"registrations": _list, "register": _register, "unregister": _unregister}
    return ask(work[command], parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT[command])
    model_flags.add_kind(made, "LLM, embedding, rerank, image, audio, video, flexible")
    if command == "registrations":
        made.add_argument("words", nargs="*", metavar="WORD", help="only those that match")
        made.add_argument("--own", action="store_true", help="only what people registered")
    elif command == "register":
        made.add_argument("-f", "--file", required=True, metavar="FILE", help="the JSON file")
        made.add_argument("--shared", action="store_true", help="for all projects")
        made.add_argument("--edit", action="store_true", help="make a new version of it")
        made.add_argument("-p", "--persist", action="store_true", help=argparse.SUPPRESS)
    else:
        model_flags.add_name(made, required=True)
    add_server_flags(made)
    return made


def _list(server: Connection, arguments: argparse.Namespace) -> int:
    text = " ".join(arguments.words)
    own = [
        entry
        for entry in server.get("/api/registrations", kind=arguments.kind)
        if all(word.lower() in json.dumps(entry["family"]).lower() for word in arguments.words)
    ]
    rest: list[Any] = []
    if not arguments.own:
        found = server.get("/api/catalogue", kind=arguments.kind, search=text or None)
        rest = [family for family in found if not family["registered"]]
    if arguments.json:
        show_json({"registrations": own, "catalogue": rest})
        return 0
    print(registration_table(own, rest) if own or rest else "There is none.")
    return 0


def registration_table(own: list[Any], catalogue: list[Any]) -> str:
    rows = [_own_row(entry) for entry in own] + [_row(family) for family in catalogue]
    return table(("TYPE", "NAME", "SIZES", "FORMATS", "ABILITIES", "FROM"), rows)


def _own_row(entry: Any) -> tuple[object, ...]:
    family = entry["family"]
    specs = family.get("specs") or ()
    short = {
        "kind": entry["kind"],
        "name": entry["name"],
        "sizes": sorted({spec.get("size", "") for spec in specs} - {""}),
        "formats": sorted({spec["format"] for spec in specs}),
        "abilities": family.get("abilities") or [],
    }
    whose = entry["owner"] or "somebody"
    shared = ", shared" if entry["shared"] else ""
    return (*_row(short)[:-1], f"{whose}, v{entry['version']}{shared}")


def _row(family: Any) -> tuple[object, ...]:
    sizes = family["sizes"]
    shown = ",".join(sizes[:6]) + ("…" if len(sizes) > 6 else "")
    return (
        family["kind"],
        family["name"],
        shown,
        ",".join(family["formats"]),
        ",".join(family["abilities"])[:40],
        "catalogue",
    )


def _register(server: Connection, arguments: argparse.Namespace) -> int:
    family = _read(arguments.file)
    body = {"family": family, "edit": arguments.edit}
    if arguments.shared:
        body["shared"] = True
    if arguments.kind:
        body["kind"] = arguments.kind
    elif "kind" not in family:
        raise UsageError(f"{arguments.file} does not say its type; --model-type does.")
    made = server.call("POST", "/api/registrations", body)
    if arguments.json:
        show_json(made)
    else:
        print(
            f"{made['name']} is registered (version {made['version']});"
            f" 'xplatform launch --model-name {made['name']}' starts it."
        )
    return 0


def _read(file: str) -> dict[str, Any]:
    path = Path(file).expanduser()
    try:
        family = json.loads(path.read_text())
    except OSError as error:
        raise ServerError(f"{file} cannot be read: {error.strerror}.", 404) from None
    except ValueError as error:
        raise UsageError(f"{file} is no JSON: {error}.") from None
    if not isinstance(family, dict):
        raise UsageError(f"{file} holds no JSON object.")
    return family


def _unregister(server: Connection, arguments: argparse.Namespace) -> int:
    kind = arguments.kind or _kind_of(server, arguments.name)
    server.call("DELETE", path_of("api", "registrations", kind, arguments.name))
    if arguments.json:
        show_json({"unregistered": arguments.name, "kind": kind})
    else:
        print(f"{arguments.name} is registered no longer.")
    return 0


def _kind_of(server: Connection, name: str) -> str:
    kinds = [e["kind"] for e in server.get("/api/registrations") if e["name"] == name]
    if not kinds:
        raise ServerError(f"There is no registration {name!r}.", 404)
    if len(kinds) > 1:
        raise UsageError(f"Say with --model-type which {name!r}: {', '.join(kinds)}.")
    return str(kinds[0])
