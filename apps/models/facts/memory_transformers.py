"""Memory of the transformers engine: torch itself, weights in the type they are computed in, a
paged cache, and what one step computes."""

from __future__ import annotations

from typing import Final

from apps.models.facts.memory_parts import (
    MIB,
    Ask,
    Parts,
    dtype_bytes,
    hidden,
    intermediate,
    stored_bytes,
)
from xplatform.engines.sentence_embeddings import MAX_BATCH_TOKENS
from xplatform.engines.transformers_model import CACHE_SHARE, batch_tokens

#: Python, torch and transformers without a model: measured
_PROCESS: Final = 385 * MIB
#: … with sentence-transformers
_SENTENCE_PROCESS: Final = 400 * MIB
#: what CUDA takes of an accelerator for itself, and of the machine's memory
_CUDA_DEVICE: Final = 480 * MIB
_CUDA_HOST: Final = 900 * MIB
#: a token of the tokenizer, with its merge
_PER_WORD: Final = 480
_BUFFERS: Final = 4 * MIB
#: quantized formats whose weights stay as they are stored
_PACKED: Final = ("gptq", "awq", "bnb", "fp8", "fp4")


def transformers(ask: Ask) -> Parts:
    return _embedding(ask) if ask.facts.kind == "embedding" else _generation(ask)


def _weights(ask: Ask) -> tuple[int, int, int]:
    """(bytes in memory, bytes of a value that is computed, bytes needed beside while reading)"""
    facts = ask.facts
    stored = stored_bytes(facts)
    saved = facts.dtype or "float32"
    asked = str(ask.option("dtype") or "auto")
    if asked == "auto":
        # Half precision is emulated on most processors.
        asked = saved if ask.accelerator or saved == "float64" else "float32"
    width = dtype_bytes(asked)
    if facts.format in _PACKED:
        return stored, min(width, 2) if ask.accelerator else width, 0
    if asked == saved:
        return stored, width, 0
    parameters = facts.parameters or stored // dtype_bytes(saved)
    # The file stays mapped until all is converted.
    return parameters * width, width, stored


def _generation(ask: Ask) -> Parts:
    facts = ask.facts
    weights, width, loading = _weights(ask)
    context = ask.context or facts.context_length or 4096
    page = ask.number("page_size") or 32
    device = ask.accelerator or "cpu"
    batch = ask.number("max_batch_tokens") or batch_tokens(device)
    values = (facts.cache_values or 0) + facts.window_values
    pages = -(-(context + 1) // page)
    single = ask.option("batching") == "single" or not values
    blocks = ask.number("num_blocks") or (1 if single else ask.slots) * pages
    least = min(blocks, pages if ask.context else 2)
    if ask.free is not None and ask.number("num_blocks") is None and values and not single:
        room = int(max(0, ask.free - weights) * CACHE_SHARE.get(device, 0.4))
        blocks = max(least, min(blocks, room // (page * width * (values + batch))))
    cells = blocks * page
    cache = cells * values * width + ask.slots * facts.state_values * 4
    if single:
        cache *= 2  # it grows by making a larger copy
    heads, size = facts.heads or 0, facts.head_dim or 0
    layer = batch * width * (3 * intermediate(facts) + 8 * hidden(facts))
    mask = 0 if single else batch * (cells + batch) * width
    copies = 2 * heads * size * width * min(cells, (context + 1) * ask.slots)
    results = ask.slots * (facts.vocabulary or 0) * 4 * 3
    overhead = _PROCESS + (facts.vocabulary or 0) * _PER_WORD
    activations = layer + mask + copies + results + _BUFFERS
    return _placed(
        ask,
        Parts(
            weights=weights,
            cache=cache,
            cache_least=least * page * values * width,
            activations=activations,
            overhead=overhead,
            loading=loading,
        ),
    )


def _embedding(ask: Ask) -> Parts:
    facts = ask.facts
    weights, width, loading = _weights(ask)
    context = ask.context or facts.context_length or 512
    texts = ask.number("max_batch_texts") or 64
    tokens = min(MAX_BATCH_TOKENS, texts * context)
    tokens = max(tokens, context)
    layer = tokens * width * (4 * intermediate(facts) + 4 * hidden(facts))
    return _placed(
        ask,
        Parts(
            weights=weights,
            activations=layer + 2 * _BUFFERS,
            overhead=_SENTENCE_PROCESS + (facts.vocabulary or 0) * _PER_WORD,
            loading=loading,
        ),
    )


def _placed(ask: Ask, parts: Parts) -> Parts:
    if not ask.accelerator:
        return parts
    cuda = ask.accelerator in ("cuda", "rocm")
    own = _CUDA_DEVICE if cuda else 0
    return Parts(
        weights=parts.weights,
        cache=parts.cache,
        cache_least=parts.cache_least,
        activations=parts.activations,
        overhead=parts.overhead + own + (_CUDA_HOST if cuda else 0),
        # it is read by the processor and sent over, piece by piece
        loading=0,
        device=parts.weights + parts.cache + parts.activations + own,
    )
