"""The shape of a transformer from ``config.json``, whose makers call the same thing by many names.

The cache is counted as transformers lays it out: keys and values of every head that it keeps.
"""

from __future__ import annotations

from typing import Any, Final

_LAYERS: Final = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers")
_HEADS: Final = (
    "num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads",
)  # fmt: skip
_KV_HEADS: Final = (
    "num_key_value_heads", "num_kv_heads", "n_head_kv", "n_kv_heads", "multi_query_group_num",
)  # fmt: skip
_HEAD_DIM: Final = ("head_dim", "attention_head_dim", "kv_channels", "d_kv")
_HIDDEN: Final = ("hidden_size", "n_embd", "d_model", "dim", "hidden_dim")
_INTERMEDIATE: Final = (
    "intermediate_size", "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size", "decoder_ffn_dim",
)  # fmt: skip
_VOCABULARY: Final = ("vocab_size", "padded_vocab_size", "n_vocab")
_CONTEXT: Final = (
    "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_sequence_length",
    "n_ctx", "max_length_of_positions", "max_target_positions",
)  # fmt: skip
_EXPERTS: Final = (
    "num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts",
)  # fmt: skip
_ACTIVE: Final = (
    "num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k", "top_k_experts",
)  # fmt: skip
_TEXT_PARTS: Final = (
    "text_config", "llm_config", "language_config", "language_model_config", "llama_config",
    "text_model_config", "decoder",
)  # fmt: skip
_FULL: Final = ("full_attention", "attention", "full")
_WINDOWS: Final = ("sliding_attention", "chunked_attention", "local", "sliding")


def text_part(config: dict[str, Any]) -> dict[str, Any]:
    """The language model inside a model of several parts; else all of it."""
    thinker = config.get("thinker_config")
    outer = thinker if isinstance(thinker, dict) else config
    for name in _TEXT_PARTS:
        part = outer.get(name)
        if isinstance(part, dict) and part:
            return part
    return outer


def first(config: dict[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def read_shape(config: dict[str, Any]) -> dict[str, Any]:
    """Fields of Facts."""
    text = text_part(config)

    def number(names: tuple[str, ...]) -> int | None:
        found = first(text, names)
        return found if found is not None else first(config, names)

    layers, heads, hidden = number(_LAYERS), number(_HEADS), number(_HIDDEN)
    kv_heads = number(_KV_HEADS) or heads
    if text.get("multi_query") is True and not text.get("new_decoder_architecture"):
        kv_heads = 1  # falcon's first generation and GPT-BigCode
    head_dim = number(_HEAD_DIM) or (hidden // heads if hidden and heads else None)
    window = number(("sliding_window", "attention_chunk_size"))
    if text.get("use_sliding_window") is False:
        window = None
    cache = windowed = 0
    known = bool(layers and kv_heads and head_dim)
    if layers and kv_heads and head_dim:
        full, sliding = _attention_layers(text, layers, window)
        width = _width(text, heads or kv_heads, kv_heads, head_dim)
        cache, windowed = full * width, sliding * width
    return {
        "context_length": number(_CONTEXT),
        "layers": layers,
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": head_dim,
        "hidden": hidden,
        "intermediate": number(_INTERMEDIATE),
        "vocabulary": number(_VOCABULARY),
        "cache_values": cache if known else None,
        "window_values": windowed,
        "state_values": _state(text, layers or 0),
        "sliding_window": window if windowed else None,
        "experts": number(_EXPERTS),
        "active_experts": number(_ACTIVE),
    }


def _width(text: dict[str, Any], heads: int, kv_heads: int, head_dim: int) -> int:
    """Keys and values of one token in one layer."""
    rotary = first(text, ("qk_rope_head_dim",))
    if rotary is not None and first(text, ("kv_lora_rank",)):
        # Latent attention: transformers keeps what it has expanded for all heads.
        nope = first(text, ("qk_nope_head_dim",)) or head_dim
        value = first(text, ("v_head_dim",)) or head_dim
        return heads * (nope + rotary + value)
    return 2 * kv_heads * head_dim


def _attention_layers(text: dict[str, Any], layers: int, window: int | None) -> tuple[int, int]:
    """(layers that keep all tokens, layers that keep a window)."""
    types = text.get("layer_types") or text.get("layers_block_type")
    if isinstance(types, list) and types:
        full = sum(1 for kind in types[:layers] if kind in _FULL)
        sliding = sum(1 for kind in types[:layers] if kind in _WINDOWS)
        return (full, sliding) if window else (full + sliding, 0)
    interval = first(text, ("full_attention_interval", "attn_layer_period"))
    if interval:
        return layers // interval, 0
    if _state(text, layers) and "num_attention_heads" not in text:
        return 0, 0
    if not window:
        return layers, 0
    pattern = first(text, ("sliding_window_pattern",))
    if pattern:
        return layers // pattern, layers - layers // pattern
    begins = text.get("max_window_layers")
    if isinstance(begins, int) and text.get("use_sliding_window") is True:
        return min(begins, layers), max(0, layers - begins)
    return 0, layers


def _state(text: dict[str, Any], layers: int) -> int:
    """Values of a sequence's state in Mamba and gated delta networks, over all their layers."""
    if heads := first(text, ("linear_num_value_heads",)):
        key = first(text, ("linear_key_head_dim",)) or 128
        value = first(text, ("linear_value_head_dim",)) or 128
        key_heads = first(text, ("linear_num_key_heads",)) or heads
        kernel = first(text, ("linear_conv_kernel_dim",)) or 4
        convolution = (2 * key_heads * key + heads * value) * (kernel - 1)
        interval = first(text, ("full_attention_interval",)) or 4
        return (layers - layers // interval) * (heads * key * value + convolution)
    size = first(text, ("state_size", "ssm_state_size", "mamba_d_state"))
    hidden = first(text, _HIDDEN)
    if not size or not hidden:
        return 0
    expand = text.get("expand") or text.get("mamba_expand") or 2
    inner = first(text, ("intermediate_size",)) if "state_size" in text else None
    inner = inner or int(hidden * (expand if isinstance(expand, int | float) else 2))
    kernel = first(text, ("conv_kernel", "mamba_d_conv")) or 4
    return layers * inner * (size + kernel)
