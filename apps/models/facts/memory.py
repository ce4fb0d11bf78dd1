"""How much memory a replica of a model takes, before it is loaded.

    facts + engine + slots × context + options ─→ weights   as they lie in memory
                                               ─→ cache     keys and values of all slots
                                               ─→ activations  of the largest batch
                                               ─→ overhead  libraries, tokenizer, buffers
                                               ─→ split over accelerator and machine

Each engine's adapter decides what it allocates; the functions here follow them line by line and
are tested against the resident peak of real engine processes. ``correction`` learns the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from apps.models.facts.facts import Facts
from apps.models.facts.memory_llama import llama_cpp, llama_cpp_python
from apps.models.facts.memory_parts import Ask, Parts
from apps.models.facts.memory_transformers import transformers
from xplatform.core.errors import InvalidValue
from xplatform.engines.options import OPTIONS

MIB: Final = 1 << 20
#: the replica's own process, which supervises the engine: measured
WORKER_BYTES: Final = 58 * MIB


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes. ``total`` is the peak while all slots are at work with full contexts."""

    weights: int
    cache: int
    activations: int
    #: the engine's process without a model: interpreter, libraries, tokenizer
    overhead: int
    #: the replica's process beside it
    worker: int = WORKER_BYTES
    #: needed beside the weights only while they are read; the cache comes later
    loading: int = 0
    total: int
    #: of ``total``: on the accelerators, and in the machine's memory
    device: int
    host: int
    #: what it runs with at least, slower: with the smallest cache that the engine accepts
    least: int
    #: what the machine's memory may hold of old prompts in time; not in ``total``
    kept: int = 0
    #: share of the total that was learned from earlier launches; 1: none
    correction: float = 1.0
    #: made from guessed facts
    rough: bool = False


_ENGINES: Final[dict[str, Callable[[Ask], Parts]]] = {
    "llama.cpp": llama_cpp,
    "llama-cpp-python": llama_cpp_python,
    "transformers": transformers,
    "fake": lambda ask: Parts(
        overhead=20 * MIB, activations=int(ask.number("memory_mb") or 0) * MIB
    ),
}


def estimate(
    facts: Facts,
    engine: str,
    slots: int,
    context_length: int | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    accelerator: str = "",
    free: int | None = None,
    cores: int | None = None,
) -> Estimate:
    """``context_length``: tokens a request; None: what the engine's adapter takes by itself.
    ``accelerator``: kind of the devices it is to run on (cuda, rocm, metal); empty: the processor.
    ``free``: bytes free there, which bound a cache that takes what it gets. ``cores``: of the
    machine. Raises InvalidValue for an engine that is not there, MissingField where neither the
    bytes of the weights nor their number are known.
    """
    if engine not in _ENGINES:
        raise InvalidValue(
            f"`engine` {engine[:50]!r} has no memory estimate; there are: {', '.join(_ENGINES)}.",
            param="engine",
        )
    if engine != "fake" and not facts.weight_bytes and not facts.parameters:
        facts.need("weight_bytes")
    defaults = {option.name: option.default for option in OPTIONS.get(engine, ())}
    ask = Ask(
        facts=facts,
        slots=max(1, slots),
        context=context_length,
        options={name.replace("-", "_"): value for name, value in (options or {}).items()},
        defaults=defaults,
        accelerator=accelerator,
        free=free,
        cores=cores or 4,
    )
    return _whole(_ENGINES[engine](ask), facts)


def _whole(parts: Parts, facts: Facts) -> Estimate:
    working = parts.cache + parts.activations
    peak = max(working, parts.loading)
    total = parts.overhead + WORKER_BYTES + parts.weights + peak
    least = total - peak + max(min(parts.cache, parts.cache_least) + parts.activations,
                               parts.loading)  # fmt: skip
    return Estimate(
        weights=parts.weights,
        cache=parts.cache,
        activations=parts.activations,
        overhead=parts.overhead,
        loading=parts.loading,
        total=total,
        device=min(parts.device, total),
        host=total - min(parts.device, total),
        least=least,
        kept=parts.kept,
        rough=facts.rough,
    )


def explain(found: Estimate) -> list[tuple[str, int]]:
    """Rows of a table for people, the total last."""
    rows = [
        ("weights", found.weights),
        ("cache of all requests", found.cache),
        ("activations", found.activations),
        ("engine", found.overhead),
        ("replica process", found.worker),
    ]
    extra = found.loading - found.cache - found.activations
    if extra > 0:
        rows.append(("more while loading", extra))
    learned = found.total - sum(size for _, size in rows)
    if learned:
        rows.append((f"learned from earlier launches (× {found.correction:.2f})", learned))
    rows.append(("total", found.total))
    if found.device:
        rows += [("on the accelerator", found.device), ("in the machine's memory", found.host)]
    if found.least < found.total:
        rows.append(("least, with a smaller cache", found.least))
    if found.kept:
        rows.append(("old prompts, in time (not in the total)", found.kept))
    return rows
