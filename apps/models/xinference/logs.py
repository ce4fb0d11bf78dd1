"""The newest lines of all processes' logs, in the form that Xinference reads from Elasticsearch."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.models.nodes.ask import ask_node
from apps.models.xinference.face import Face, Paging, documented, form, list_of, query, said
from apps.models.xinference.placing import node_of
from apps.models.xinference.stored import nodes
from xplatform.core.errors import InvalidValue, NodeSilent, NotFound

#: of each process, and the processes of a node: what a node is asked for at once
_LINES, _PROCESSES = 500, 12
_PAGING = Paging(most=500, usually=200)
_ASK_SECONDS = 3.0
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
#: as ``xplatform.core.logs`` writes it
_LINE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d:\d\d\.\d{3}) (?P<level>[A-Z]+) +"
    r"(?P<module>[^:\s]+): (?P<message>.*)"
)


class LogsFace(Face):
    @documented(
        "The newest lines of logs",
        tag="cluster",
        answer=form(hits=list_of({"type": "object"}), total="integer"),
        query=[
            query("q", "With these words in the message, in any case of letters."),
            query("level", f"Of these levels, with commas between: {', '.join(_LEVELS)}."),
            query("module", "By these loggers."),
            query("node", "Of these nodes."),
            query("log_type", "Of these processes: web, control, warden, node, replica."),
            *_PAGING.query,
        ],
    )
    def get(self, request: Request) -> Response:
        given = request.query_params
        size, first = _PAGING.read(request)
        levels = {level.upper() for level in _words(given.get("level", ""))}
        if unknown := levels.difference(_LEVELS):
            raise InvalidValue(
                f"`level` {min(unknown)[:50]!r} is none of {', '.join(_LEVELS)}.", param="level"
            )
        wanted = {"level": levels, "module": _words(given.get("module", ""))}
        processes = _words(given.get("log_type", ""))
        words = given.get("q", "").lower()
        named = sorted(_words(given.get("node", "")))
        asked = [node_of(name, "node").name for name in named] or [one.name for one in nodes(None)]
        found = [
            hit
            for node in asked
            for hit in _hits(node, processes)
            if words in hit["message"].lower()
            and all(not values or hit[name] in values for name, values in wanted.items())
        ]
        found.sort(key=lambda hit: str(hit["@timestamp"]), reverse=True)
        return said({"hits": found[first : first + size], "total": len(found)})


def _words(text: str) -> set[str]:
    return {word.strip() for word in text.split(",") if word.strip()}


def _hits(node: str, processes: Collection[str]) -> Iterator[dict[str, Any]]:
    """Of the newest processes of a node; none of one that does not answer."""
    try:
        logs = ask_node(node, "logs.list", timeout=_ASK_SECONDS)["logs"]
        folders = {
            one["folder"]: _type(one["process"])
            for one in logs
            if "log" in one["files"] and (not processes or _type(one["process"]) in processes)
        }
        for folder in list(folders)[:_PROCESSES]:
            question = {"folder": folder, "file": "log", "lines": _LINES}
            try:
                lines = ask_node(node, "logs.tail", question, _ASK_SECONDS)["lines"]
            except NotFound:
                continue  # pruned since
            for hit in _read(lines):
                yield {**hit, "node": node, "log_type": folders[folder], "folder": folder}
    except NodeSilent:
        return


def _type(process: str) -> str:
    """``replica-<id>-<epoch>`` → replica."""
    return process.partition("-")[0]


def _read(lines: list[str]) -> Iterator[dict[str, Any]]:
    """Records; what follows one without a time of its own, as tracebacks do, belongs to it."""
    record: dict[str, Any] | None = None
    for line in lines:
        begun = _record(line)
        if begun is None:
            if record is not None:
                record["message"] += f"\n{line}"
            continue
        if record is not None:
            yield record
        record = begun
    if record is not None:
        yield record


def _record(line: str) -> dict[str, Any] | None:
    if found := _LINE.fullmatch(line):
        return {
            "@timestamp": f"{found['day']}T{found['time']}",
            "level": found["level"],
            "module": found["module"],
            "message": found["message"],
        }
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
        text = "\n".join(str(fields[name]) for name in ("message", "exception") if name in fields)
        return {
            "@timestamp": fields["time"].rstrip("Z"),
            "level": fields["level"].upper(),
            "module": fields["logger"],
            "message": text,
        }
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
