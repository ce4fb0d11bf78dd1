"""``xplatform engine list | install NAME | remove NAME`` on this machine, and ``xplatform engine
--model-name NAME``: which engines can run a model."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from xplatform import environments
from xplatform.cli import model_flags
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, path_of
from xplatform.cli.flags import add_setting_flags, settings_from
from xplatform.cli.table import table
from xplatform.core.config import Settings
from xplatform.database import database
from xplatform.environments import EnvironmentFailed, EnvironmentInUse, UnknownEngine

_NAMES_SHOWN = 8


def run(_command: str, words: list[str]) -> int:
    if words and words[0].startswith("-") and words[0] not in ("-h", "--help"):
        return ask(_query, query_parser(), words)
    arguments = parser("engine").parse_args(words)
    settings = settings_from(arguments)
    try:
        if arguments.action == "list":
            _list(settings, arguments)
        elif arguments.action == "install":
            _audited(arguments.name, settings, partial(_install, settings, arguments))
        else:
            _remove(settings, arguments)
    except (UnknownEngine, EnvironmentFailed, EnvironmentInUse) as error:
        sys.stderr.write(f"xplatform: {error}\n")
        return 1
    return 0


def parser(_command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "xplatform engine",
        description="Environments that engines run in, one an engine. With --model-name instead of"
        " an action: which engines can run a model, and with which options.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text in (
        ("list", "show the engines and whether they are installed"),
        ("install", "install an engine, or continue where it stopped"),
        ("remove", "remove an engine's environment"),
    ):
        sub = actions.add_parser(action, help=text, description=text.capitalize() + ".")
        if action != "list":
            sub.add_argument("name", help="an engine's name, as 'xplatform engine list' shows it")
        sub.add_argument("--json", action="store_true", help="print JSON, for programs")
        sub.add_argument("--quiet", action="store_true", help="only what went wrong")
        add_setting_flags(sub, ("home", "engine_index"))
    return parser


def query_parser() -> argparse.ArgumentParser:
    made = parser_of("engine", "Which engines can run a model, with which options, or why not.")
    model_flags.add_name(made, "of the catalogue or a registration", required=True)
    kinds = "LLM, embedding, rerank, image, audio, video (default: LLM)"
    model_flags.add_kind(made, kinds, default="llm")
    model_flags.add_engine(made, "only this one")
    model_flags.add_version(made)
    add_server_flags(made)
    return made


def _query(server: Connection, arguments: argparse.Namespace) -> int:
    kind = "LLM" if arguments.kind == "llm" else arguments.kind
    found = server.get(path_of("v1", "engines", kind, arguments.name), timeout=60)
    if arguments.engine:
        found = {e: v for e, v in found.items() if e.lower() == arguments.engine}
    if arguments.json:
        show_json(found)
        return 0
    rows, reasons = [], []
    for engine, sets in found.items():
        if isinstance(sets, str):
            reasons.append(f"{engine}: {sets}")
            continue
        for one in sets:
            if _is_wanted(one, arguments):
                rows.append(_row(engine, one))
    print(table(("ENGINE", "FORMAT", "SIZE", "QUANTIZATIONS"), rows) if rows else "None can.")
    if reasons:
        print("\n" + "\n".join(reasons))
    return 0


def _is_wanted(one: dict[str, Any], arguments: argparse.Namespace) -> bool:
    size = str(one.get("model_size_in_billions") or "").replace("_", ".")
    return (
        (not arguments.format or one.get("model_format") == arguments.format)
        and (not arguments.size or size == arguments.size.replace("_", "."))
        and (not arguments.quantization or arguments.quantization in _quantizations(one))
    )


def _quantizations(one: dict[str, Any]) -> list[str]:
    found = one.get("quantizations") or one.get("quantization") or []
    return [found] if isinstance(found, str) else list(found)


def _row(engine: str, one: dict[str, Any]) -> tuple[str, ...]:
    size = str(one.get("model_size_in_billions") or "-").replace("_", ".")
    names = _quantizations(one)
    more = f", … ({len(names)})" if len(names) > _NAMES_SHOWN else ""
    shown = ", ".join(names[:_NAMES_SHOWN]) + more
    return (engine, str(one.get("model_format") or "-"), size, shown)


def _list(settings: Settings, arguments: argparse.Namespace) -> None:
    found = environments.environments(settings)
    if arguments.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        rows = [(one.name, one.version, one.state, one.summary) for one in found]
        print(table(("NAME", "VERSION", "STATE", "WHAT IT DOES"), rows))


def _install(settings: Settings, arguments: argparse.Namespace) -> None:
    name = arguments.name
    shown = ""
    began = environments.environment_python(name, settings) is None

    def report(stage: str, fraction: float, line: str) -> None:
        nonlocal shown
        text = f"{stage:<11} {fraction:4.0%}  {line}"
        if arguments.json:
            event = {"stage": stage, "fraction": round(fraction, 3), "line": line}
            print(json.dumps(event), flush=True)
        elif text != shown and not arguments.quiet:
            print(text[:160], flush=True)
        shown = text

    if began and arguments.quiet:
        print(f"Installing the engine {name}", flush=True)
    python: Path = environments.install(name, settings, report)
    if not arguments.json and not arguments.quiet:
        print(f"{name} runs in {python}")


def _audited(name: str, settings: Settings, work: Callable[[], None]) -> None:
    if environments.environment_python(name, settings) is not None:
        work()  # changes nothing
        return
    try:
        work()
    except EnvironmentFailed as error:
        _record("install", name, settings, failure=str(error))
        raise
    _record("install", name, settings)


def _record(action: str, name: str, settings: Settings, failure: str = "") -> None:
    """In the audit of the server whose home this is, once it is done: a machine without one, or
    that belongs to a server elsewhere, has no database here to tell."""
    place = database(settings.database, settings.home_path)
    if "sqlite" in place["ENGINE"] and not place["NAME"].exists():
        return
    os.environ["DJANGO_SETTINGS_MODULE"] = "xplatform.settings"
    os.environ["XPLATFORM_HOME"] = str(settings.home_path)
    try:
        import django

        django.setup()
        from apps.audit import api as audit

        with audit.at_the_machine(f"engine {action}"):
            audit.record(
                None, f"engines.{action}", "engine", name,
                after={"node": settings.node_name or socket.gethostname()},
                outcome="failed" if failure else "done", why=failure,
            )  # fmt: skip
    except Exception as error:
        # The engine is there all the same.
        sys.stderr.write(f"xplatform: the audit does not know of this: {error}\n")


def _remove(settings: Settings, arguments: argparse.Namespace) -> None:
    removed = [str(path) for path in environments.remove(arguments.name, settings)]
    if removed:
        _record("remove", arguments.name, settings)
    if arguments.json:
        print(json.dumps({"removed": removed}))
    elif not arguments.quiet:
        print("\n".join(f"removed {path}" for path in removed) or "There was nothing to remove.")
