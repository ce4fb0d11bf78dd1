"""``xplatform cal-model-mem``: what a model takes, before it is launched."""

from __future__ import annotations

import argparse
from typing import Any

from xplatform.cli import model_flags, words
from xplatform.cli.client import add_server_flags, ask, parser_of, show_json
from xplatform.cli.connection import Connection, UsageError
from xplatform.cli.table import table

_ABOUT = "Estimate the memory that one replica of a model takes, engine by engine."
_VERSION = ("size", "format", "quantization")
_PARTS = ("weights", "cache", "activations", "overhead", "total")


def run(command: str, given: list[str]) -> int:
    return ask(_work, parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT)
    model_flags.add_name(made, "of the catalogue, a registration, or a repository (owner/name)")
    made.add_argument(
        "-mp",
        "--model-path",
        dest="path",
        metavar="PATH",
        help="a file or folder on a node instead",
    )
    model_flags.add_kind(made, "LLM, embedding, …")
    model_flags.add_engine(made, "for this one only")
    model_flags.add_version(made, "billions of parameters: 7, 0.5 or 0_5")
    made.add_argument("-c", "--context-length", type=int, metavar="N", help="tokens of a request")
    made.add_argument("--slots", type=int, metavar="N", help="requests that run at once")
    made.add_argument("--node", metavar="NAME", help="where the path is")
    add_server_flags(made)
    return made


def _work(server: Connection, arguments: argparse.Namespace) -> int:
    if not (arguments.name or arguments.path):
        raise UsageError("Say of what: --model-name or --model-path.")
    answer = server.get(
        "/api/estimate",
        name=arguments.name,
        path=arguments.path,
        kind=arguments.kind,
        engine=arguments.engine,
        size=arguments.size.replace("_", ".") if arguments.size else None,
        format=arguments.format,
        quantization=arguments.quantization,
        context_length=arguments.context_length,
        slots=arguments.slots,
        node=arguments.node,
        timeout=60,
    )
    if arguments.json:
        show_json(answer)
    else:
        print(estimate_text(answer))
    return 0


def estimate_text(answer: Any) -> str:
    context = answer["context_length"]
    lines = [
        f"{answer['model']}, {answer['slots']} requests at once,"
        f" {f'{context} tokens each' if context else 'with the context that the engine takes'}"
    ]
    able = [entry for entry in answer["engines"] if entry["estimate"]]
    if able:
        head = ("ENGINE", "VERSION", *(part.upper() for part in _PARTS), "ACCELERATOR", "HOST")
        lines.append("\n" + table(head, [_row(entry) for entry in able]))
        if any(entry["estimate"].get("rough") for entry in able):
            lines.append("\nRough: from its size; nobody has read the model's files yet.")
    reasons = [f"{e['engine']}: {e['reason']}" for e in answer["engines"] if not e["estimate"]]
    if reasons:
        lines.append("\n" + "\n".join(reasons))
    return "\n".join(lines)


def _row(entry: Any) -> tuple[str, ...]:
    found = entry["estimate"]
    version = "-".join(part for name in _VERSION if (part := entry.get(name)))
    return (
        entry["engine"],
        version or "-",
        *(words.size(found[part]) for part in _PARTS),
        words.size(found["device"]) if found["device"] else "-",
        words.size(found["host"]),
    )
