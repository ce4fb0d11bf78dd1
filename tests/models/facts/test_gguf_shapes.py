"""What a token leaves in the cache, for the kinds of attention that GGUF headers tell of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from apps.models.facts import Facts, read_facts
from xplatform.core.errors import InvalidValue


def header(path: Path, arch: str, kept: dict[str, Any], **plain: Any) -> Facts:
    """Facts of a file with this header and one small tensor."""
    writer = gguf.GGUFWriter(str(path / "m.gguf"), arch)
    values = {f"{arch}.{name}": value for name, value in kept.items()}
    for name, value in {**values, **plain}.items():
        if isinstance(value, bool):
            writer.add_bool(name, value)
        elif isinstance(value, int):
            writer.add_uint32(name, value)
        elif isinstance(value, list):
            writer.add_array(name, value)
        else:
            writer.add_string(name, value)
    writer.add_tensor("token_embd.weight", np.ones((4, 8), np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return read_facts(path / "m.gguf")


BASE = {
    "block_count": 6,
    "context_length": 8192,
    "embedding_length": 64,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
}


def test_plain(tmp_path: Path) -> None:
    facts = header(tmp_path, "qwen3", {**BASE, "attention.key_length": 32,
                                       "attention.value_length": 32})  # fmt: skip
    assert (facts.cache_values, facts.window_values) == (6 * 2 * 64, 0)
    assert (facts.kv_heads, facts.head_dim) == (2, 32)


def test_without_key_length_heads_share_the_width(tmp_path: Path) -> None:
    assert header(tmp_path, "llama", BASE).cache_values == 6 * 2 * 2 * 16


@pytest.mark.parametrize(
    ("arch", "more", "full"),
    [
        ("gemma3", {}, 1),
        ("gpt-oss", {}, 3),
        ("gemma4", {"attention.sliding_window_pattern": [True, True, False] * 2}, 2),
        ("other", {"attention.sliding_window_pattern": 3}, 2),
        ("mistral-like", {}, 6),
    ],
)
def test_windows(tmp_path: Path, arch: str, more: dict[str, Any], full: int) -> None:
    facts = header(tmp_path, arch, {**BASE, "attention.sliding_window": 1024, **more})
    width = 2 * 2 * 16
    assert (facts.cache_values, facts.window_values) == (full * width, (6 - full) * width)
    assert facts.sliding_window == 1024


def test_layers_that_share_a_cache(tmp_path: Path) -> None:
    facts = header(tmp_path, "gemma3n", {**BASE, "attention.shared_kv_layers": 2})
    assert facts.cache_values == 4 * 2 * 2 * 16


def test_latent_attention_keeps_keys_only(tmp_path: Path) -> None:
    facts = header(
        tmp_path,
        "deepseek2",
        {
            **BASE,
            "attention.head_count_kv": 1,
            "attention.key_length": 576,
            "attention.value_length": 512,
            "attention.key_length_mla": 192,
        },
    )
    assert facts.cache_values == 6 * 576


def test_state_instead_of_a_cache(tmp_path: Path) -> None:
    state = {"ssm.inner_size": 128, "ssm.state_size": 16, "ssm.conv_kernel": 4}
    facts = header(tmp_path, "qwen3next", {**BASE, **state, "full_attention_interval": 3})
    assert facts.cache_values == 2 * 2 * 2 * 16
    assert facts.state_values == 4 * (3 * 128 + 16 * 128)
    mixed = {**BASE, **state, "attention.head_count_kv": [0, 0, 2, 0, 0, 2]}
    facts = header(tmp_path, "granitehybrid", mixed)
    assert facts.cache_values == 2 * 2 * 2 * 16
    assert facts.state_values == 4 * (3 * 128 + 16 * 128)


@pytest.mark.parametrize(
    ("arch", "more", "kind"),
    [
        ("bert", {}, "embedding"),
        ("qwen3", {"pooling_type": 3}, "embedding"),
        ("qwen3", {"pooling_type": 4}, "rerank"),
        ("gemma-embedding", {}, "embedding"),
        ("flux", {}, "image"),
        ("wan", {}, "video"),
        ("qwen3", {}, "llm"),
        ("t5encoder", {}, ""),
    ],
)
def test_kinds(tmp_path: Path, arch: str, more: dict[str, int], kind: str) -> None:
    assert header(tmp_path, arch, {**BASE, **more}).kind == kind


def test_what_goes_with_a_model_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="a projector"):
        header(tmp_path, "clip", {})
    with pytest.raises(InvalidValue, match="a LoRA adapter"):
        header(tmp_path, "llama", BASE, **{"general.type": "adapter"})
