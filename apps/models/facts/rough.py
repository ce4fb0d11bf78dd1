"""Rough facts of a catalogue's family: what its size and quantization let expect, before any file
of it is there. Good enough to say what fits and to order what is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from apps.models.catalogue.schema import Family, Shape, Spec
from apps.models.facts.facts import Facts
from apps.models.facts.quantization import bits_per_weight

_WORDS: Final = 150_000


@dataclass(frozen=True, slots=True)
class _Typical:
    billions: float
    layers: int
    hidden: int
    kv_heads: int
    head_dim: int
    intermediate: int

    @property
    def heads(self) -> int:
        return max(1, self.hidden // self.head_dim)

    @property
    def vocabulary(self) -> int:
        return _WORDS

    @property
    def experts(self) -> None:
        return None


#: Of models that many use; of two of one size the one whose cache is larger.
_SHAPES: Final = (
    _Typical(0.03, 6, 384, 12, 32, 1536),
    _Typical(0.14, 30, 576, 3, 64, 1536),
    _Typical(0.36, 32, 960, 5, 64, 2560),
    _Typical(0.6, 28, 1024, 8, 128, 3072),
    _Typical(1.1, 22, 2048, 4, 64, 5632),
    _Typical(1.7, 28, 2048, 8, 128, 6144),
    _Typical(3, 28, 3072, 8, 128, 8192),
    _Typical(4, 36, 2560, 8, 128, 9728),
    _Typical(8, 36, 4096, 8, 128, 12288),
    _Typical(14, 40, 5120, 8, 128, 17408),
    _Typical(24, 40, 5120, 8, 128, 32768),
    _Typical(32, 64, 5120, 8, 128, 25600),
    _Typical(72, 80, 8192, 8, 128, 29568),
    _Typical(123, 88, 12288, 8, 128, 28672),
    _Typical(405, 126, 16384, 8, 128, 53248),
)
_ENCODERS: Final = ("embedding", "rerank")


def facts_of_family(family: Family, spec: Spec, quantization: str = "") -> Facts:
    """``quantization``: one of the spec's; empty: its first. What the catalogue knows of layers
    and bytes is taken from there, the rest is guessed from the size."""
    quantization = quantization or spec.quantizations[0]
    parameters = int(float(spec.size) * 1e9) if spec.size else None
    bits = bits_per_weight(spec.format, quantization)
    shape = spec.shape or _guessed(spec)
    weight_bytes = spec.weights.get(quantization) or _bytes(spec, parameters, bits, shape)
    context = spec.context_length or family.context_length
    missing = [] if weight_bytes or parameters else ["weight_bytes"]
    if context is None and family.kind in ("llm", *_ENCODERS):
        missing.append("context_length")
    return Facts(
        name=family.name,
        kind=family.kind,
        architecture=family.architectures[0] if family.architectures else "",
        format=spec.format,
        quantization=quantization,
        bits=bits,
        dtype="float16" if spec.format == "ggufv2" else "bfloat16",
        parameters=parameters,
        weight_bytes=weight_bytes,
        context_length=context,
        dimensions=family.dimensions,
        stop=family.stop,
        stop_token_ids=family.stop_token_ids,
        abilities=family.abilities,
        template_source="catalogue" if family.chat_template else "",
        remote_code=family.remote_code,
        missing=tuple(missing),
        rough=True,
        **(_layers(shape, family.kind in _ENCODERS) if shape else {}),
    )


def _layers(shape: Shape | _Typical, encoder: bool) -> dict[str, Any]:
    heads = shape.heads or max(1, shape.hidden // (shape.head_dim or 64))
    head_dim = shape.head_dim or shape.hidden // heads
    kv_heads = shape.kv_heads or heads
    every = getattr(shape, "attention_every", None) or 1
    return {
        "layers": shape.layers,
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": head_dim,
        "hidden": shape.hidden,
        "intermediate": shape.intermediate,
        "vocabulary": shape.vocabulary,
        "experts": shape.experts,
        "active_experts": getattr(shape, "experts_per_token", None),
        "cache_values": 0 if encoder else shape.layers // every * 2 * kv_heads * head_dim,
    }


def _guessed(spec: Spec) -> _Typical | None:
    """A mixture of experts is about as deep as a dense model of the geometric mean of all and
    active weights."""
    if not spec.size or float(spec.size) <= 0:
        return None
    size = float(spec.size)
    dense = math.sqrt(size * float(spec.active)) if spec.active and float(spec.active) else size
    return min(_SHAPES, key=lambda shape: abs(math.log(shape.billions / dense)))


def _bytes(
    spec: Spec, parameters: int | None, bits: float | None, shape: Shape | _Typical | None
) -> int | None:
    """Packed formats of the hub leave the table of words (and the output) in half precision;
    the bits of a GGUF are already those of the whole file."""
    if parameters is None or bits is None:
        return None
    packed = parameters * bits / 8
    if bits < 9 and shape is not None and spec.format not in ("ggufv2", "mlx"):
        table = min(shape.vocabulary * shape.hidden, parameters // 3)
        packed += table * (16 - bits) / 8
    return int(packed)
