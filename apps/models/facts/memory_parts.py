"""What the estimates of all engines have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.models.facts.facts import Facts
from apps.models.facts.quantization import bits_per_weight

MIB: Final = 1 << 20
_WIDTHS: Final = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class Ask:
    """One question for an estimate."""

    facts: Facts
    slots: int
    context: int | None
    options: Mapping[str, Any]
    defaults: Mapping[str, Any]
    accelerator: str
    free: int | None
    cores: int

    def option(self, *names: str) -> Any:
        """What is asked for by any of its names, else the default."""
        for name in names:
            if self.options.get(name) is not None:
                return self.options[name]
        return self.defaults.get(names[0])

    def number(self, *names: str) -> int | None:
        value = self.option(*names)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Parts:
    weights: int = 0
    cache: int = 0
    #: the smallest cache that the engine runs with
    cache_least: int = 1 << 62
    activations: int = 0
    overhead: int = 0
    loading: int = 0
    #: of all of it: on the accelerator
    device: int = 0
    kept: int = 0


def stored_bytes(facts: Facts) -> int:
    """Of the weights as they lie on the disk."""
    if facts.weight_bytes:
        return facts.weight_bytes
    bits = facts.bits or bits_per_weight(facts.format, facts.quantization) or 16.0
    return int((facts.parameters or 0) * bits / 8)


def dtype_bytes(dtype: str) -> int:
    return _WIDTHS.get(dtype, 2)


def hidden(facts: Facts) -> int:
    """Width of a layer; of an unknown model one that goes with its size."""
    if facts.hidden:
        return facts.hidden
    return 1024 if (facts.parameters or 0) < 2e9 else 4096


def intermediate(facts: Facts) -> int:
    wide = facts.intermediate or 4 * hidden(facts)
    return wide * (facts.active_experts or 1) if facts.experts else wide
