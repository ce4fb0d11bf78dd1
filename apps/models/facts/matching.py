"""Engine match: which engines run a model on which node, in the platform's own terms."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from apps.models.facts.facts import Facts
from xplatform.core.errors import InvalidValue
from xplatform.engines import rules
from xplatform.engines.registry import ENGINES
from xplatform.engines.rules import EngineMatch, Machine

NodePicture = Machine | Mapping[str, Any]


def machine(node: NodePicture) -> Machine:
    """Of a node as it is recorded: {"name", "devices": {"devices": [Device…]} or [Device…],
    "engines": {name: version}, "labels"}. What it does not say is taken for a plain Linux."""
    if isinstance(node, Machine):
        return node
    told = node.get("devices") or {}
    devices = told.get("devices", ()) if isinstance(told, Mapping) else told
    kinds, capability = {"cpu"}, 0.0
    for device in devices or ():
        kind, able = _kind_of(device)
        kinds.add(kind)
        if kind == "cuda":
            capability = max(capability, able)
    if isinstance(told, Mapping) and told.get("gpus"):
        kinds.add("cuda")  # the form of the first nodes
    said = told.get("system") if isinstance(told, Mapping) else None
    labels = node.get("labels") or {}
    system = str(said or labels.get("system") or ("darwin" if "metal" in kinds else "linux"))
    engines = node.get("engines") or {}
    return Machine(
        name=str(node.get("name") or node.get("node") or ""),
        system=system.lower(),
        devices=frozenset(kinds),
        capability=capability,
        engines=tuple(sorted((str(name), str(version)) for name, version in engines.items())),
    )


def _kind_of(device: Any) -> tuple[str, float]:
    told = device if isinstance(device, Mapping) else msgspec.to_builtins(device)
    try:
        able = float(told.get("capability") or 0)
    except ValueError:
        able = 0.0
    return str(told.get("kind") or "cpu"), able


def match(
    facts: Facts, node: NodePicture, engines: Iterable[str] | None = None
) -> list[EngineMatch]:
    """Every engine with its options, or with the reason why it cannot run this model there; those
    that can come first. Without ``engines`` all but the fake one are asked."""
    return rules.match(facts, machine(node), engines)


def check_engine(engine: str, facts: Facts, nodes: Iterable[NodePicture] = ()) -> None:
    """Raise InvalidValue (400) when the engine cannot run the model: not this kind or format of
    model at all, or on none of the nodes. Before anything is fetched or started."""
    if engine not in ENGINES:
        close = difflib.get_close_matches(engine, ENGINES, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        known = ", ".join(ENGINES)
        if engine in rules.RULES:
            raise _refused(engine, "it is not in this version of xplatform", facts, nodes)
        raise InvalidValue(
            f"`engine` {engine[:50]!r} is not known.{hint} There are: {known}.", param="engine"
        )
    reason = rules.why_not(engine, facts)
    if reason is not None:
        raise _refused(engine, f"it {reason}", facts, nodes)
    reasons = {}
    for node in nodes:
        picture = machine(node)
        reason = rules.why_not(engine, facts, picture)
        if reason is None:
            return
        reasons[picture.name] = reason
    if reasons:
        told = "; ".join(f"on {name} it {reason}" for name, reason in reasons.items())
        raise _refused(engine, told, facts, nodes)


def _refused(engine: str, reason: str, facts: Facts, nodes: Iterable[NodePicture]) -> InvalidValue:
    able = able_engines(facts, nodes)
    hint = f" It can be run by: {', '.join(able)}." if able else ""
    name = facts.name or "this model"
    return InvalidValue(
        f"`engine` {engine!r} cannot run {name}: {reason}.{hint}",
        param="engine",
        data={"engines": able},
    )


def able_engines(facts: Facts, nodes: Iterable[NodePicture] = ()) -> list[str]:
    """Engines of this version that can run it, on any of the nodes (on any machine without)."""
    machines = [machine(node) for node in nodes]
    return [
        name
        for name in ENGINES
        if name != "fake"
        and (
            any(rules.why_not(name, facts, picture) is None for picture in machines)
            if machines
            else rules.why_not(name, facts) is None
        )
    ]
