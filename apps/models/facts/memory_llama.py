"""Memory of the llama.cpp engines: mapped weights, a cache that is all there from the start, and
buffers by the size of a batch."""

from __future__ import annotations

from typing import Any, Final

from apps.models.facts.facts import Facts
from apps.models.facts.memory_parts import MIB, Ask, Parts, hidden, intermediate, stored_bytes
from xplatform.engines.llama_cpp import ONE_THREAD_BYTES, PROMPT_CACHE_MIB
from xplatform.engines.llama_load import context_of, cpu_batch_of
from xplatform.engines.options import LLAMA_CPP_ALIASES as ALIASES

#: Python, the library and its first allocations: measured
_PROCESS: Final = 41 * MIB
#: … of llama-cpp-python, which brings numpy
_PYTHON_PROCESS: Final = 75 * MIB
#: text, type and score of a token of the vocabulary, in tables of both directions
_PER_WORD: Final = 180
_BUFFERS: Final = 3 * MIB
#: bytes of 32 values in the cache
_CACHE_BLOCK: Final = {
    "f32": 128, "f16": 64, "bf16": 64, "q8_0": 34, "q4_0": 18, "q4_1": 20, "iq4_nl": 18,
    "q5_0": 22, "q5_1": 24,
}  # fmt: skip
_ALIASES: Final = {new: old for old, new in ALIASES.items()}


def llama_cpp(ask: Ask) -> Parts:
    return _parts(ask, ask.slots, _PROCESS, _kept(ask))


def llama_cpp_python(ask: Ask) -> Parts:
    return _parts(ask, 1, _PYTHON_PROCESS, 0)


def _option(ask: Ask, name: str) -> Any:
    return ask.option(name, _ALIASES.get(name, name))


def _parts(ask: Ask, slots: int, process: int, kept: int) -> Parts:
    facts = ask.facts
    context = ask.context or context_of(facts.context_length, facts.kind)
    batch = _batch(ask, context, slots)
    weights = stored_bytes(facts)
    cache = _cache(ask, slots, context, batch)
    activations = _activations(ask, slots, context, batch)
    overhead = process + (facts.vocabulary or 0) * _PER_WORD
    if _option(ask, "mmproj") and not _option(ask, "no_mmproj"):
        weights += facts.projector_bytes
        activations += facts.projector_bytes // 4
    device = 0
    if ask.accelerator:
        share = _on_device(ask)
        embedding = (facts.vocabulary or 0) * hidden(facts) * (facts.bits or 16) / 8
        device = int(share * max(0.0, weights - embedding) + activations)
        if not _option(ask, "no_kv_offload"):
            device += int(share * cache)
    return Parts(
        weights=weights,
        cache=cache,
        cache_least=cache,
        activations=activations,
        overhead=overhead,
        device=device,
        kept=kept if facts.kind != "embedding" else 0,
    )


def _kept(ask: Ask) -> int:
    limit = _option(ask, "cache_ram_mib")
    limit = limit if isinstance(limit, int) else PROMPT_CACHE_MIB
    return 8192 * MIB if limit < 0 else limit * MIB


def _on_device(ask: Ask) -> float:
    """Share of the layers that are on the accelerator; the last is the output."""
    wanted = _option(ask, "n_gpu_layers")
    layers = (ask.facts.layers or 32) + 1
    if not isinstance(wanted, int) or wanted < 0:
        return 1.0
    return min(wanted, layers) / layers


def _batch(ask: Ask, context: int, slots: int) -> int:
    """Tokens of the largest batch, as the adapter sets it."""
    facts = ask.facts
    said = _option(ask, "n_ubatch")
    most = _option(ask, "n_batch")
    if isinstance(said, int) or isinstance(most, int):
        return min(value for value in (said, most) if isinstance(value, int))
    if facts.kind == "embedding":
        return context
    if ask.accelerator:
        return 512
    threads = _option(ask, "n_threads")
    if not isinstance(threads, int):
        small = stored_bytes(facts) < ONE_THREAD_BYTES
        threads = 1 if small else max(1, ask.cores - 1)
    parameters = facts.parameters or int(stored_bytes(facts) * 8 / (facts.bits or 16))
    return cpu_batch_of(parameters, threads, slots)


def _padded(tokens: int) -> int:
    """llama.cpp rounds every slot's cache up."""
    return -(-tokens // 256) * 256


def _cache(ask: Ask, slots: int, context: int, batch: int) -> int:
    facts = ask.facts
    cells = _padded(context) * slots
    window = cells
    if facts.sliding_window and not _option(ask, "swa_full"):
        window = slots * min(_padded(context), _padded(facts.sliding_window + batch))
    values = (facts.cache_values or _guessed_values(facts)) * cells + facts.window_values * window
    if facts.cache_values == 0 and not facts.window_values:
        values = 0
    # Keys and values may be of different types; about one half of all are keys.
    width = sum(
        _CACHE_BLOCK.get(str(_option(ask, name)).lower(), 64) / 32
        for name in ("cache_type_k", "cache_type_v")
    )
    return int(values * width / 2) + slots * facts.state_values * 4


def _guessed_values(facts: Facts) -> int:
    if facts.layers and facts.kv_heads and facts.head_dim:
        return 2 * facts.layers * facts.kv_heads * facts.head_dim
    return 0


def _activations(ask: Ask, slots: int, context: int, batch: int) -> int:
    facts = ask.facts
    cells = _padded(context)
    layer = batch * 4 * (3 * hidden(facts) + 2 * intermediate(facts))
    mask = batch * cells * 6
    if facts.kind == "embedding" and slots > 1:
        mask *= 2  # texts of several slots in one batch: measured
    # results of a slot, the candidates that are sorted, and their copy
    results = slots * (facts.vocabulary or 0) * 16 if facts.kind != "embedding" else 0
    scores = 0
    if str(_option(ask, "flash_attn_type")).lower() in ("disabled", "off", "false"):
        scores = int((facts.heads or 32) * cells * batch * 4 * 1.4)
    return layer + mask + results + scores + _BUFFERS
