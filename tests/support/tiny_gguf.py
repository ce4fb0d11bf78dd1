"""Tiny GGUF models with seeded random weights, made in a second with numpy: no torch, no download.

They say nothing, but always the same. The vocabulary is byte-level BPE with some words, so that
texts need several tokens and characters beyond ASCII are split over tokens, as in real models.

    python -m tests.support.tiny_gguf FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

CONTEXT = 2048
WIDTH = 64
HEADS, KV_HEADS, LAYERS, HIDDEN = 4, 2, 2, 128

#: ids of the special tokens, which come first in the vocabulary
END_OF_TEXT, TURN, END_OF_TURN = 0, 1, 2
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WORDS = ("hello", "world", "the", "weather", "in", "is", "user", "assistant", "system", "token")

PLAIN_TEMPLATE = """\
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

TOOLS_TEMPLATE = """\
{%- if tools %}<|im_start|>system
# Tools
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
For each call write <tool_call>
{"name": <name>, "arguments": <arguments>}
</tool_call><|im_end|>
{% endif %}
{%- for message in messages %}
{%- if message.role == "tool" %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% else %}<|im_start|>{{ message.role }}
{{ message.content or "" }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

REASONING_TEMPLATE = """\
{%- for message in messages %}<|im_start|>{{ message.role }}
{%- if message.reasoning_content %}
<think>
{{ message.reasoning_content }}
</think>
{% endif %}
{{ message.content }}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{%- if enable_thinking is defined and enable_thinking is false %}
<think>

</think>

{% else %}
{% endif %}
{%- endif %}"""


def _byte_names() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, by byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    names, extra = {}, 0
    for byte in range(256):
        if byte in printable:
            names[byte] = chr(byte)
        else:
            names[byte] = chr(256 + extra)
            extra += 1
    return [names[byte] for byte in range(256)]


def vocabulary() -> tuple[list[str], list[str]]:
    """Tokens and merges."""
    names = _byte_names()
    tokens, merges = [*SPECIALS, *names], []
    space = names[ord(" ")]
    for word in WORDS:
        for start in (word[0], space + word[0]):
            made = start[0]
            for letter in start[1:] + word[1:]:
                if made + letter not in tokens:
                    merges.append(f"{made} {letter}")
                    tokens.append(made + letter)
                made += letter
    return tokens, merges


#: rank of the adapters, which change one matrix of each layer
RANK = 4


def lora(seed: int) -> dict[str, tuple[NDArray[np.float16], NDArray[np.float16]]]:
    """An adapter of ``write_llama``'s model: matrix → (a, b), to which it adds ``b @ a``."""
    random = np.random.default_rng(seed)
    made = {}
    for layer in range(LAYERS):
        a = (random.standard_normal((RANK, HIDDEN)) * 0.5).astype(np.float16)
        b = (random.standard_normal((WIDTH, RANK)) * 0.5).astype(np.float16)
        made[f"blk.{layer}.ffn_down.weight"] = (a, b)
    return made


def write_lora(path: str | Path, seed: int) -> Path:
    """As llama.cpp reads adapters."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(RANK))
    for name, (a, b) in lora(seed).items():
        writer.add_tensor(f"{name}.lora_a", a)
        writer.add_tensor(f"{name}.lora_b", b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Path(path)


def write_llama(
    path: str | Path,
    *,
    template: str | None = PLAIN_TEMPLATE,
    pooling: int | None = None,
    merged: int | None = None,
) -> Path:
    """A Llama of 0.2 million parameters; with ``pooling`` it is an embedding model. ``merged``:
    the seed of an adapter that is added to its weights."""
    added = lora(merged) if merged is not None else {}
    random = np.random.default_rng(0)
    tokens, merges = vocabulary()
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    if pooling is not None:
        writer.add_pooling_type(gguf.PoolingType(pooling))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control if i < len(SPECIALS) else normal for i in range(len(tokens))])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(END_OF_TEXT)
    writer.add_eos_token_id(END_OF_TURN)
    writer.add_pad_token_id(END_OF_TEXT)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)

    def weights(rows: int, columns: int, scale: float) -> NDArray[np.float16]:
        return (random.standard_normal((rows, columns)) * scale).astype(np.float16)

    output = weights(len(tokens), WIDTH, 0.4)
    output[: len(SPECIALS)] = 0  # special tokens hardly ever win, so answers go on
    writer.add_tensor("token_embd.weight", weights(len(tokens), WIDTH, 0.5))
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    kv_width = WIDTH // HEADS * KV_HEADS
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        shapes = {
            "attn_q": (WIDTH, WIDTH),
            "attn_k": (kv_width, WIDTH),
            "attn_v": (kv_width, WIDTH),
            "attn_output": (WIDTH, WIDTH),
            "ffn_gate": (HIDDEN, WIDTH),
            "ffn_up": (HIDDEN, WIDTH),
            "ffn_down": (WIDTH, HIDDEN),
        }
        for name, (rows, columns) in shapes.items():
            tensor = weights(rows, columns, 0.15)
            if pair := added.get(f"{block}{name}.weight"):
                a, b = (matrix.astype(np.float32) for matrix in pair)
                tensor = (tensor + b @ a).astype(np.float16)
            writer.add_tensor(f"{block}{name}.weight", tensor)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}{name}.weight", np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Path(path)


def write_all(folder: str | Path) -> dict[str, Path]:
    """Every variant the tests use, by name."""
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    return {
        "plain": write_llama(root / "plain.gguf"),
        "tools": write_llama(root / "tools.gguf", template=TOOLS_TEMPLATE),
        "reasoning": write_llama(root / "reasoning.gguf", template=REASONING_TEMPLATE),
        "bare": write_llama(root / "bare.gguf", template=None),
        "embedding": write_llama(root / "embedding.gguf", template=None, pooling=1),
    }


if __name__ == "__main__":
    for name, file in write_all(sys.argv[1]).items():
        print(name, file, file.stat().st_size)
