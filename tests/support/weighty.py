"""Random models of some hundred megabytes, made in a second or two: for what memory they take.

Every layer gets the same random weights; a file has them once a layer, so they take their room.
Numpy only: no torch, no download.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from tests.support import tiny_gguf

Matrix = NDArray[Any]


@dataclass(frozen=True)
class Shape:
    width: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 4
    hidden: int = 512
    vocabulary: int = 0
    context: int = 4096

    @property
    def kv_width(self) -> int:
        return self.width // self.heads * self.kv_heads

    def words(self) -> tuple[list[str], list[str]]:
        tokens, merges = tiny_gguf.vocabulary()
        more = range(max(0, self.vocabulary - len(tokens)))
        return [*tokens, *(f"<word{number}>" for number in more)], merges


class _Random:
    def __init__(self, dtype: type[np.floating[Any]]) -> None:
        self.generator = np.random.default_rng(0)
        self.dtype = dtype

    def __call__(self, rows: int, columns: int) -> Matrix:
        values = self.generator.standard_normal((rows, columns), dtype=np.float32)
        values *= 0.5 / np.sqrt(columns)
        return values.astype(self.dtype)


def write_gguf(path: Path, shape: Shape, *, pooling: int | None = None) -> Path:
    """A Llama; with ``pooling`` an embedding model."""
    tokens, merges = shape.words()
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("weighty")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    if pooling is not None:
        writer.add_pooling_type(gguf.PoolingType(pooling))
    else:
        writer.add_chat_template(tiny_gguf.PLAIN_TEMPLATE)
    specials = len(tiny_gguf.SPECIALS)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if i < specials else normal for i in range(len(tokens))])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tiny_gguf.END_OF_TEXT)
    writer.add_eos_token_id(tiny_gguf.END_OF_TURN)
    writer.add_pad_token_id(tiny_gguf.END_OF_TEXT)
    writer.add_add_bos_token(False)
    weights = _Random(np.float16)
    writer.add_tensor("token_embd.weight", weights(len(tokens), shape.width))
    writer.add_tensor("output.weight", weights(len(tokens), shape.width))
    ones = np.ones(shape.width, np.float32)
    writer.add_tensor("output_norm.weight", ones)
    layer = {
        "attn_q": weights(shape.width, shape.width),
        "attn_k": weights(shape.kv_width, shape.width),
        "attn_v": weights(shape.kv_width, shape.width),
        "attn_output": weights(shape.width, shape.width),
        "ffn_gate": weights(shape.hidden, shape.width),
        "ffn_up": weights(shape.hidden, shape.width),
        "ffn_down": weights(shape.width, shape.hidden),
    }
    for number in range(shape.layers):
        for name, matrix in layer.items():
            writer.add_tensor(f"blk.{number}.{name}.weight", matrix)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{number}.{name}.weight", ones)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_llama(folder: Path, shape: Shape, *, half: bool = False) -> Path:
    """The same in the hub's form, in float32, or in bfloat16 as most are published."""
    tokens, merges = shape.words()
    weights = _Random(np.float32)
    ones = np.ones(shape.width, np.float32)
    layer = {
        "self_attn.q_proj": weights(shape.width, shape.width),
        "self_attn.k_proj": weights(shape.kv_width, shape.width),
        "self_attn.v_proj": weights(shape.kv_width, shape.width),
        "self_attn.o_proj": weights(shape.width, shape.width),
        "mlp.gate_proj": weights(shape.hidden, shape.width),
        "mlp.up_proj": weights(shape.hidden, shape.width),
        "mlp.down_proj": weights(shape.width, shape.hidden),
        "input_layernorm": ones,
        "post_attention_layernorm": ones,
    }
    tensors = {
        "model.embed_tokens.weight": weights(len(tokens), shape.width),
        "lm_head.weight": weights(len(tokens), shape.width),
        "model.norm.weight": ones,
        **{
            f"model.layers.{number}.{name}.weight": matrix
            for number in range(shape.layers)
            for name, matrix in layer.items()
        },
    }
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "max_position_embeddings": shape.context,
        "vocab_size": len(tokens),
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "dtype": "bfloat16" if half else "float32",
    }
    if half:
        tensors = {name: _bfloat16(matrix) for name, matrix in tensors.items()}
    byte_level = {"add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "added_tokens": _specials(tiny_gguf.SPECIALS),
        "pre_tokenizer": {"type": "ByteLevel", **byte_level},
        "decoder": {"type": "ByteLevel", **byte_level},
        "model": {
            "type": "BPE",
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": merges,
        },
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tiny_gguf.SPECIALS[0],
        "eos_token": tiny_gguf.SPECIALS[2],
        "pad_token": tiny_gguf.SPECIALS[0],
        "model_max_length": shape.context,
        "chat_template": tiny_gguf.PLAIN_TEMPLATE,
    }
    return _folder(folder, config, tokenizer, settings, tensors)


def write_bert(folder: Path, shape: Shape) -> Path:
    """A BERT as sentence-transformers saves it, with mean pooling."""
    specials = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [*specials, *letters, *(f"##{letter}" for letter in letters)]
    words += [f"word{number}" for number in range(max(0, shape.vocabulary - len(words)))]
    weights = _Random(np.float32)
    zeros, ones = np.zeros(shape.width, np.float32), np.ones(shape.width, np.float32)
    norm = {"weight": ones, "bias": zeros}
    square, wide, back = (
        weights(shape.width, shape.width),
        weights(shape.hidden, shape.width),
        weights(shape.width, shape.hidden),
    )
    tensors: dict[str, Matrix] = {
        "embeddings.word_embeddings.weight": weights(len(words), shape.width),
        "embeddings.position_embeddings.weight": weights(shape.context, shape.width),
        "embeddings.token_type_embeddings.weight": weights(2, shape.width),
        "pooler.dense.weight": square,
        "pooler.dense.bias": zeros,
    }
    tensors |= {f"embeddings.LayerNorm.{name}": value for name, value in norm.items()}
    for number in range(shape.layers):
        start = f"encoder.layer.{number}."
        for name in ("query", "key", "value"):
            tensors[f"{start}attention.self.{name}.weight"] = square
            tensors[f"{start}attention.self.{name}.bias"] = zeros
        tensors[f"{start}attention.output.dense.weight"] = square
        tensors[f"{start}attention.output.dense.bias"] = zeros
        tensors[f"{start}intermediate.dense.weight"] = wide
        tensors[f"{start}intermediate.dense.bias"] = np.zeros(shape.hidden, np.float32)
        tensors[f"{start}output.dense.weight"] = back
        tensors[f"{start}output.dense.bias"] = zeros
        for place in ("attention.output", "output"):
            tensors |= {f"{start}{place}.LayerNorm.{name}": v for name, v in norm.items()}
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.hidden,
        "max_position_embeddings": shape.context,
        "vocab_size": len(words),
        "dtype": "float32",
    }
    mark = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]")]
    tokenizer = {
        "version": "1.0",
        "added_tokens": _specials(specials),
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [mark[0], {"Sequence": {"id": "A", "type_id": 0}}, mark[1]],
            "pair": [mark[0], {"Sequence": {"id": "A", "type_id": 0}}, mark[1],
                     {"Sequence": {"id": "B", "type_id": 1}}, mark[1]],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: number for number, word in enumerate(words)},
        },
    }  # fmt: skip
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "mask_token": "[MASK]",
        "model_max_length": shape.context,
    }
    _folder(folder, config, tokenizer, settings, tensors)
    kind = "sentence_transformers.models"
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": f"{kind}.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{kind}.Pooling"},
    ]
    _write(folder / "modules.json", modules)
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": shape.width, "pooling_mode_mean_tokens": True}
    _write(folder / "1_Pooling" / "config.json", pooling)
    _write(
        folder / "sentence_bert_config.json",
        {"max_seq_length": shape.context, "do_lower_case": False},
    )
    return folder


def _bfloat16(matrix: Matrix) -> Matrix:
    """The upper half of each number."""
    return np.ascontiguousarray((matrix.view(np.uint32) >> 16).astype(np.uint16))


def _specials(names: tuple[str, ...]) -> list[dict[str, Any]]:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return [
        {"id": number, "content": name, "special": True, **plain}
        for number, name in enumerate(names)
    ]


def _folder(
    folder: Path,
    config: dict[str, Any],
    tokenizer: dict[str, Any],
    settings: dict[str, Any],
    tensors: dict[str, Matrix],
) -> Path:
    folder.mkdir(parents=True)
    _write(folder / "config.json", config)
    _write(folder / "tokenizer.json", tokenizer)
    _write(folder / "tokenizer_config.json", settings)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, matrix in tensors.items():
        end = at + matrix.nbytes
        dtype = "BF16" if matrix.dtype == np.uint16 else "F32"
        header[name] = {"dtype": dtype, "shape": list(matrix.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for matrix in tensors.values():
            file.write(matrix.data)
    return folder


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))
