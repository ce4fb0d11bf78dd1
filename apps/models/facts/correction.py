"""What earlier launches teach the memory estimate.

An engine's libraries, an architecture and a format make estimates wrong in the same way, so one
ratio of measured to estimated bytes is kept for each such key (``MemorySample``). Pure: the
control plane stores it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from apps.models.facts.facts import Facts
from apps.models.facts.memory import Estimate, estimate

#: A peak further off than this is no lesson: the replica had hardly begun, or leaks.
_BELIEVED: Final = (0.25, 4.0)
#: No correction goes further than this.
_BOUNDS: Final = (0.6, 2.0)
#: A new measurement counts as one of this many at least.
_MEMORY: Final = 8
#: What was too little counts more: it is what kills a launch.
_UPWARDS: Final = 0.5


def correction_key(facts: Facts, engine: str) -> str:
    family = facts.family or facts.architecture or "unknown"
    return f"{engine}/{facts.kind or 'llm'}/{family}/{facts.format or 'unknown'}"[:200]


def learn(old_ratio: float, count: int, measured: int, estimated: int, kept: int = 0) -> float:
    """The new ratio, after ``count`` measurements made the old one.

    ``measured``: peak bytes of a replica with its engine, on all devices and in the machine.
    ``estimated``: ``Estimate.total`` **before** correction; ``kept``: its old prompts, which may
    be there or not and so are no reason to correct anything.
    """
    if measured <= 0 or estimated <= 0:
        return old_ratio
    if measured > estimated:
        measured = max(estimated, measured - kept)
    seen = measured / estimated
    if not _BELIEVED[0] <= seen <= _BELIEVED[1]:
        return old_ratio
    share = 1 / min(count + 1, _MEMORY)
    if seen > old_ratio:
        share = max(share, _UPWARDS)
    return _bounded(old_ratio + (seen - old_ratio) * share)


def correct(found: Estimate, ratio: float) -> Estimate:
    """With the learned ratio. What is known exactly, the weights, is never corrected away."""
    ratio = _bounded(ratio)
    total = max(int(found.total * ratio), found.weights + found.worker)
    factor = total / found.total
    device = int(found.device * factor)
    return msgspec.structs.replace(
        found,
        total=total,
        device=device,
        host=total - device,
        least=min(total, int(found.least * factor)),
        correction=round(ratio, 4),
    )


def _bounded(ratio: float) -> float:
    return min(max(ratio, _BOUNDS[0]), _BOUNDS[1])


def expectation(
    facts: Facts,
    engine: str,
    slots: int,
    context_length: int | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    accelerator: str = "cuda",
    ratio: float = 1.0,
) -> dict[str, Any]:
    """What a launch's record and placement need (``Model.estimate``): bytes on an accelerator with
    those in the machine's memory beside it, and those without any accelerator, corrected."""
    arguments = (facts, engine, slots, context_length, options)
    alone = correct(estimate(*arguments), ratio)
    with_device = correct(estimate(*arguments, accelerator=accelerator), ratio)
    return {
        "key": correction_key(facts, engine),
        "device": with_device.device,
        "host": with_device.host,
        "host_alone": alone.total,
        "weights": alone.weights,
        "cache": alone.cache,
        "kept": alone.kept,
        "least": alone.least,
        "correction": alone.correction,
        "rough": facts.rough,
    }
