"""Every engine: what it serves, and what of it is on which node. Each node says what it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final, Literal

import msgspec

from apps.models.facts import machine
from apps.models.nodes.ask import ask_node, ask_nodes
from apps.models.pictures import NodeInfo, nodes
from xplatform.core.errors import Conflict, NodeSilent, NotFound, PlatformError
from xplatform.engines import rules
from xplatform.engines.reason import Reason
from xplatform.engines.registry import ENGINES
from xplatform.files.disk import gigabytes
from xplatform.structs import Told

#: to be asked for by name only; for tests
_HIDDEN: Final = ("fake",)
_LIST_SECONDS = 5.0
_REMOVE_SECONDS = 120.0

NodeState = Literal["ready", "partial", "missing", "installing", "unknown"]


class EngineEnvironment(msgspec.Struct, frozen=True):
    """On a node's disk."""

    version: str
    #: a launch would use it
    current: bool
    state: Literal["ready", "partial"]
    #: bytes; null: it is not whole
    size: int | None
    in_use: bool


class EngineInstallation(msgspec.Struct, frozen=True):
    """The last one that was asked for on the node; those that launches need are told there."""

    stage: str
    #: 0 to 1
    fraction: float
    line: str
    #: why it failed
    error: str
    done: bool


class EngineOnNode(msgspec.Struct, frozen=True):
    node: str
    #: false: the node did not answer, or not so that it can be understood; ``why`` says which
    answered: bool
    #: of the environment that a launch would use; of a node that did not answer: as it told last
    state: NodeState
    environments: list[EngineEnvironment]
    installation: EngineInstallation | None
    #: why it runs no model there, or cannot be installed; empty: it can
    why: str
    #: the same for other languages, if they can say it
    reasons: list[Told]


class EngineInfo(msgspec.Struct, frozen=True):
    name: str
    summary: str
    #: of the environment that this version of the program makes; empty: it has none of this engine
    version: str
    available: bool
    #: of models
    kinds: list[str]
    formats: list[str]
    nodes: list[EngineOnNode]


class InstallFailure(msgspec.Struct, frozen=True):
    node: str
    why: str


class Installing(msgspec.Struct, frozen=True):
    #: where it began
    nodes: list[str]
    #: where it did not
    failed: list[InstallFailure]


class _Entry(msgspec.Struct, frozen=True):
    name: str
    state: Literal["ready", "partial", "missing", "built in"]
    environments: list[EngineEnvironment]
    installation: EngineInstallation | None
    #: bytes
    needs: int


class _Told(msgspec.Struct, frozen=True):
    """A node's answer."""

    engines: list[_Entry]
    #: bytes
    free: int


def engines() -> list[EngineInfo]:
    """Those of this version first. Asks all nodes that are up, at once; what one of them does not
    tell takes nothing from the others."""
    machines = nodes()
    up = [node.name for node in machines if node.state == "up"]
    answers = ask_nodes(up, "engines.environments", _LIST_SECONDS)
    told = {node: _read(node, answer) for node, answer in answers.items()}
    names = [name for name in rules.RULES if name not in _HIDDEN]
    found = [_info(name, machines, told) for name in names]
    return sorted(found, key=lambda one: not one.available)


def install(engine: str, node: str = "") -> Installing:
    """Begins on this node, or on all that are up. Raises NotFound, Conflict, and what the node
    answers; of several what the first one does when it begins on none."""
    _check(engine)
    names = [node] if node else [one.name for one in nodes() if one.state == "up"]
    if not names:
        raise Conflict("No machine is up that could install it.")
    begun, failed = [], []
    first: PlatformError | None = None
    for name in names:
        try:
            ask_node(name, "engines.install", {"name": engine})
            begun.append(name)
        except PlatformError as error:
            first = first or error
            failed.append(InstallFailure(name, error.message))
    if first is not None and not begun:
        raise first
    return Installing(begun, failed)


def remove(engine: str, node: str, version: str) -> None:
    """Raises NotFound, Conflict (something runs in it), and what nodes answer."""
    _check(engine)
    args = {"name": engine, "version": version}
    answer = ask_node(node, "engines.drop", args, _REMOVE_SECONDS)
    if not answer["removed"]:
        raise NotFound(
            f"Node {node[:100]!r} has no environment {version[:100]!r} of {engine}.",
            param="version",
        )


def _check(engine: str) -> None:
    if engine not in ENGINES or engine in _HIDDEN:
        known = ", ".join(name for name in ENGINES if name not in _HIDDEN)
        raise NotFound(
            f"There is no engine {engine[:50]!r} in this version; there are: {known}.",
            param="engine",
        )


def _info(
    name: str,
    machines: Iterable[NodeInfo],
    told: Mapping[str, _Told | PlatformError],
) -> EngineInfo:
    entry, rule = ENGINES.get(name), rules.RULES[name]
    return EngineInfo(
        name=name,
        summary=entry.summary if entry else "",
        version=entry.version if entry else "",
        available=entry is not None,
        kinds=list(rule.kinds),
        formats=list(rule.formats),
        nodes=[_on(name, node, told.get(node.name)) for node in machines] if entry else [],
    )


def _read(node: str, answer: dict[str, Any] | PlatformError) -> _Told | PlatformError:
    if isinstance(answer, PlatformError):
        return answer
    try:
        return msgspec.convert(answer, _Told)
    except msgspec.ValidationError as error:
        return NodeSilent(node, f"what it says cannot be understood ({error})")


def _on(engine: str, node: NodeInfo, told: _Told | PlatformError | None) -> EngineOnNode:
    reason = rules.why_not_on(engine, machine(asdict(node)))
    why, reasons = (f"It {reason}.", [reason]) if reason else ("", [])
    if told is None:
        told = NodeSilent(node.name, "it is not heard of")
    if isinstance(told, PlatformError):
        # What it told last is better than nothing.
        last: NodeState = "ready" if engine in node.engines else "unknown"
        said = f"{why} {told.message}".strip()
        known = [*reasons, told.reason] if told.reason else []
        return EngineOnNode(node.name, False, last, [], None, said, _on_the_wire(known))
    entry = next((one for one in told.engines if one.name == engine), None)
    if entry is None:
        text = f"The version of node {node.name} has no such engine."
        known = [Reason("node_lacks_engine", text, node=node.name)]
        return EngineOnNode(node.name, True, "missing", [], None, text, _on_the_wire(known))
    installation = entry.installation
    state: NodeState = "ready" if entry.state == "built in" else entry.state
    if installation and not installation.done:
        state = "installing"
    elif installation and installation.error and state != "ready":
        why = why or installation.error
    elif state != "ready" and told.free < entry.needs and not why:
        little = Reason(
            "no_disk_for_engine",
            f"An installation needs about {gigabytes(entry.needs)}, and"
            f" {gigabytes(told.free)} are free.",
            needs=entry.needs,
            free=told.free,
        )
        why, reasons = str(little), [little]
    return EngineOnNode(
        node.name, True, state, entry.environments, installation, why, _on_the_wire(reasons)
    )


def _on_the_wire(reasons: Iterable[Reason]) -> list[Told]:
    return [Told(**one.told()) for one in reasons]
