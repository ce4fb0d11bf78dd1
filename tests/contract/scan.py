"""One look at the whole document through somebody's eyes: schemathesis makes the requests, and
what comes back is held against the document, and read for what belongs to somebody else."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_plus

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events, from_schema

from tests.contract.examples import add_examples
from tests.contract.world import MARK, SUPERUSER, THEIR_NAMES, World
from tests.support.server import Server

#: They end or replace processes of this server: what came after would meet nobody.
_ENDS: Final = r"^/v1/(clusters|(api|supervisor|workers/\{worker_address\})/relaunch)$"
_CHECKS: Final = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_schema_conformance", "negative_data_rejection",
)  # fmt: skip
#: of one operation always
_FIRST: Final = 3
#: by a proxy: this machine itself may read more
_ELSEWHERE: Final = {"X-Forwarded-For": "192.0.2.9"}
#: no request waits longer for news
_PATIENCE: Final = "1"
_THEIRS: Final = re.compile(rf"{MARK}[\w -]*|\b(?:{'|'.join(THEIR_NAMES)})\b")


_WRONG_TYPE: Final = re.compile(
    r"in body - (?:(\w+): Incorrect type|violates `type` at /properties/(\w+) )"
)


@dataclass(frozen=True)
class Effort:
    """How much of what schemathesis can think of is really asked."""

    #: one in so many of an operation's cases, beginning where: each person asks others
    one_in: int
    turn: int
    #: by chance, of the operation's schema and against it
    examples: int


@dataclass
class Found:
    calls: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    #: operations that answered with a 2xx at least once
    worked: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def scan(server: Server, world: World, who: str, effort: Effort) -> Found:
    config = SchemathesisConfig.from_dict(_settings(server, world.keys.get(who), effort))
    document = server.get("/docs/openapi.json").json()
    add_examples(document, world)
    schema = schemathesis.openapi.from_dict(document, config=config).exclude(path_regex=_ENDS)
    seen: Counter[str] = Counter()
    turns = Turns(world)

    @schema.hook  # type: ignore[untyped-decorator]
    def filter_case(context: Any, case: Any) -> bool:
        if case.meta is None or case.meta.phase.name != "coverage":
            return True
        number = seen[case.operation.label] = seen[case.operation.label] + 1
        return number <= _FIRST or number % effort.one_in == effort.turn

    @schema.hook  # type: ignore[untyped-decorator]
    def map_case(context: Any, case: Any) -> Any:
        if case.meta is None or case.meta.phase.name != "examples":
            turns.name_things(case)
        return case

    @schema.hook  # type: ignore[untyped-decorator]
    def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
        return not _is_lenience(failure, case)

    found = Found()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            found.asked.add(event.label)
            found.problems += _read(event, found, who)
        elif isinstance(event, events.NonFatalError):
            found.problems.append(f"{who}, {event.label}: {event.info.format()}")
        elif isinstance(event, events.FatalError):
            raise event.exception
    return found


def _settings(server: Server, key: str | None, effort: Effort) -> dict[str, Any]:
    nothing_learned = {"responses": False}
    return {
        # What is asked is the same each time.
        "seed": 20261121,
        "base-url": server.base,
        "headers": {**_ELSEWHERE, **({"Authorization": f"Bearer {key}"} if key else {})},
        "request-timeout": 60,
        "continue-on-failure": True,
        "generation": {
            "deterministic": True,
            "no-shrink": True,
            "database": "none",
            "max-examples": effort.examples,
            "with-security-parameters": False,
        },
        "phases": {
            "stateful": {"enabled": False},
            "coverage": {"unexpected-methods": [], "extra-data-sources": nothing_learned},
            "fuzzing": {
                "enabled": effort.examples > 0,
                "extra-data-sources": nothing_learned,
                "error-feedback": {"enabled": False},
            },
        },
        "checks": {"enabled": False, **{name: {"enabled": True} for name in _CHECKS}},
    }


class Turns:
    """What paths name is there in most cases: ours, theirs, then whatever schemathesis thought of.
    What ends things is asked of theirs alone: ours are still needed."""

    def __init__(self, world: World) -> None:
        self._all = {name: itertools.cycle([*values, ""]) for name, values in world.names.items()}
        self._theirs = {
            name: itertools.cycle([values[-1], ""]) for name, values in world.names.items()
        }

    def name_things(self, case: Any) -> None:
        query = case.query or {}
        if str(query.get("wait", "")).isdecimal():
            query["wait"] = _PATIENCE
        where = (case.meta.components if case.meta else {}).get(ParameterLocation.PATH)
        if not case.path_parameters or where is None or where.mode.is_negative:
            return
        ends = case.method == "DELETE" or case.path.endswith("/archive")
        turns = self._theirs if ends else self._all
        for name in case.path_parameters:
            if name in turns and (value := next(turns[name])):
                case.path_parameters[name] = value


def _is_lenience(failure: Any, case: Any) -> bool:
    """Requests against the document that are taken all the same, and may be."""
    if type(failure).__name__ != "AcceptedNegativeData":
        return False
    if any(tag.startswith("Xinference") for tag in case.operation.tags or ()):
        return True  # its clients send what they like; the forms are theirs
    said = _WRONG_TYPE.search(failure.message)
    if said and isinstance(case.body, dict):
        # REST framework reads 0 as false and 7 as "7". What is no scalar it refuses, which the
        # next case asks.
        return not isinstance(case.body.get(said[1] or said[2]), dict | list)
    # An empty parameter is as good as none.
    return any(value == "" for value in (case.query or {}).values())


def _read(event: events.ScenarioFinished, found: Found, who: str) -> Iterator[str]:
    for id, exchange in event.recorder.interactions.items():
        request, answer = exchange.request, exchange.response
        if answer is None:
            yield f"{who}: no answer to {request.method} {request.uri}"
            continue
        found.calls += 1
        found.statuses[answer.status_code] += 1
        if answer.status_code < 300:
            found.worked.add(event.label)
        if who != SUPERUSER and (leak := _leak(request, answer)):
            yield f"{who} was told {leak!r} by {request.method} {request.uri}"
        for check in event.recorder.checks.get(id, ()):
            if check.failure_info is not None:
                failure = check.failure_info.failure
                yield (
                    f"{who}, {event.label}: {check.name}, {answer.status_code}: {failure.title}."
                    f" {failure.message}\n  {check.failure_info.code_sample[:500]}"
                )


def _leak(request: Any, answer: Any) -> str:
    """A word of the other project that was not said by the caller first."""
    text = (answer.content or b"").decode("utf-8", "replace")
    asked = unquote_plus(request.uri) + (request.body or b"").decode("utf-8", "replace")
    for word in _THEIRS.findall(text):
        # The audit tells an admin what their own people asked for, by names that they knew.
        if word not in asked and not (word in THEIR_NAMES and "/audit" in request.uri):
            return str(word)
    return ""
