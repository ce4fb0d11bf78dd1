"""The memory of a model engine by engine, as ``xplatform cal-model-mem`` and the API show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from apps.models.facts.correction import correct, correction_key
from apps.models.facts.facts import Facts
from apps.models.facts.matching import NodePicture, machine
from apps.models.facts.memory import estimate, explain
from xplatform.engines import rules
from xplatform.engines.llama_load import context_of

_ACCELERATORS = ("cuda", "rocm", "metal")


def report(
    facts: Facts,
    nodes: Iterable[NodePicture] = (),
    *,
    slots: int,
    context_length: int | None = None,
    options: Mapping[str, Any] | None = None,
    engines: Iterable[str] | None = None,
    ratios: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """{"model", "size", "format", "quantization", "slots", "context_length", "rough", "engines":
    [{"engine", "reason"} or {"engine", "estimate", "rows"}]}. ``ratios``: what was learned, by
    ``correction_key``. An accelerator counts where any of the nodes has one."""
    machines = [machine(node) for node in nodes]
    kinds = {kind for each in machines for kind in each.devices}
    accelerators = [kind for kind in _ACCELERATORS if kind in kinds]
    names = [name for name in rules.RULES if name != "fake"] if engines is None else list(engines)
    return {
        "model": facts.name,
        "size": facts.size,
        "format": facts.format,
        "quantization": facts.quantization,
        "slots": slots,
        "context_length": context_length or context_of(facts.context_length, facts.kind),
        "rough": facts.rough,
        "engines": [
            _entry(
                facts, name, machines, slots, context_length, options or {},
                next((kind for kind in accelerators if rules.uses(name, kind)), ""), ratios or {},
            )
            for name in names
            if name in rules.RULES
        ],
    }  # fmt: skip


def _entry(
    facts: Facts,
    engine: str,
    machines: list[rules.Machine],
    slots: int,
    context_length: int | None,
    options: Mapping[str, Any],
    accelerator: str,
    ratios: Mapping[str, float],
) -> dict[str, Any]:
    asked: list[rules.Machine | None] = [*machines] or [None]
    reasons = [rules.why_not(engine, facts, each) for each in asked]
    if not rules.in_this_version(engine):
        return {"engine": engine, "reason": str(rules.NOT_HERE)}
    if all(reasons):
        return {"engine": engine, "reason": str(reasons[0])}
    found = estimate(facts, engine, slots, context_length, options, accelerator=accelerator)
    found = correct(found, ratios.get(correction_key(facts, engine), 1.0))
    return {
        "engine": engine,
        "estimate": msgspec.to_builtins(found),
        "rows": [[label, size] for label, size in explain(found)],
    }
