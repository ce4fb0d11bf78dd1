"""Writes ``tiny-llm.gguf``: a random Llama of 2 layers, for load tests.

Same shape as the model behind the recorded figures (hidden 64, 2,048 tokens, about 330,000
weights, F16), made with numpy alone. Its words are syllables, and everything but them gets a
logit of 0, so that an answer always runs to ``max_tokens`` and each token is a piece of text.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

LAYERS, HIDDEN, FEED_FORWARD, HEADS, KV_HEADS = 2, 64, 128, 4, 2
CONTEXT = 2048
VOCABULARY = 2048
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' "
    "+ '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def make(path: Path) -> Path:
    """Does nothing when it is there."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    _write(half)
    half.replace(path)
    return path


def _write(path: Path) -> None:
    import gguf
    import numpy as np

    tokens, merges, plain = _vocabulary()
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny-llm")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    kinds = gguf.TokenType
    writer.add_token_types([kinds.CONTROL] * 3 + [kinds.NORMAL] * (len(tokens) - 3))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)

    numbers = np.random.default_rng(0)

    def weights(rows: int, columns: int, scale: float = 0.02) -> Any:
        return (numbers.standard_normal((rows, columns)) * scale).astype(np.float16)

    ones = np.ones(HIDDEN, dtype=np.float32)
    output = weights(len(tokens), HIDDEN, 0.6)
    output[:plain] = 0
    writer.add_tensor("token_embd.weight", weights(len(tokens), HIDDEN))
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", output)
    wide = HIDDEN // HEADS * KV_HEADS
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        writer.add_tensor(block + "attn_norm.weight", ones)
        writer.add_tensor(block + "ffn_norm.weight", ones)
        for name, rows, columns in (
            ("attn_q", HIDDEN, HIDDEN),
            ("attn_k", wide, HIDDEN),
            ("attn_v", wide, HIDDEN),
            ("attn_output", HIDDEN, HIDDEN),
            ("ffn_gate", FEED_FORWARD, HIDDEN),
            ("ffn_up", FEED_FORWARD, HIDDEN),
            ("ffn_down", HIDDEN, FEED_FORWARD),
        ):
            writer.add_tensor(f"{block}{name}.weight", weights(rows, columns))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _vocabulary() -> tuple[list[str], list[str], int]:
    """Tokens, merges, and how many tokens at the front are no syllables."""
    tokens = _SPECIAL + list(_byte_letters())
    plain = len(tokens)
    space = "Ġ"
    merges: list[str] = []
    syllables = [c + v for c in "bcdfghklmnprstvwz" for v in "aeiou"]
    for syllable in syllables:
        merges.append(f"{syllable[0]} {syllable[1]}")
        tokens.append(syllable)
    for syllable in syllables:
        merges.append(f"{space} {syllable}")
        tokens.append(space + syllable)
    pairs = [(space + a, b) for a in syllables for b in syllables]
    random.Random(0).shuffle(pairs)
    for first, second in pairs[: VOCABULARY - len(tokens)]:
        merges.append(f"{first} {second}")
        tokens.append(first + second)
    return tokens, merges, plain


def _byte_letters() -> list[str]:
    """GPT-2's letter for each of the 256 bytes."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) for byte in shown] + [chr(256 + i) for i in range(len(hidden))]
