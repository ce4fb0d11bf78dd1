"""Write a trained Llama folder as one GGUF file, with its tokenizer and chat template.

python export_gguf.py /tmp/demo ../apps/models/demo/demo.gguf
"""

import argparse
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import load_file

FILE_TYPES = {
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
}
NAME = "xplatform-demo"


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def add_shape(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    rope = config.get("rope_parameters") or config
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(rope.get("rope_theta", 10_000.0))
    writer.add_vocab_size(config["vocab_size"])


def add_tokenizer(writer: gguf.GGUFWriter, source: Path, size: int) -> None:
    tokenizer = read_json(source / "tokenizer.json")
    settings = read_json(source / "tokenizer_config.json")
    texts = [f"[PAD{i}]" for i in range(size)]
    kinds = [gguf.TokenType.UNUSED] * size
    for text, token in tokenizer["model"]["vocab"].items():
        texts[token], kinds[token] = text, gguf.TokenType.NORMAL
    for added in tokenizer["added_tokens"]:
        special = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
        texts[added["id"]], kinds[added["id"]] = added["content"], special
    merges = tokenizer["model"]["merges"]

    writer.add_tokenizer_model("gpt2")
    # The pre-tokenizer of llama.cpp that splits as train.py does: single digits, then GPT-2.
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_bos_token_id(texts.index(settings["bos_token"]))
    writer.add_eos_token_id(texts.index(settings["eos_token"]))
    writer.add_pad_token_id(texts.index(settings["pad_token"]))
    writer.add_add_bos_token(False)
    writer.add_chat_template((source / "chat_template.jinja").read_text(encoding="utf-8"))


def interleave(weights: np.ndarray, heads: int) -> np.ndarray:
    """Reorder a query or key matrix from the halves of Transformers' RoPE to llama.cpp's pairs."""
    rows, columns = weights.shape
    halves = weights.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def add_tensors(
    writer: gguf.GGUFWriter, source: Path, config: dict[str, Any], file_type: str
) -> None:
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    for name, stored in load_file(source / "model.safetensors").items():
        weights = stored.astype(np.float32)
        if name.endswith("q_proj.weight"):
            weights = interleave(weights, config["num_attention_heads"])
        elif name.endswith("k_proj.weight"):
            weights = interleave(weights, config["num_key_value_heads"])
        target = names.get_name(name, try_suffixes=(".weight",))
        if target is None:
            raise ValueError(f"{name} has no place in a GGUF file of a Llama model")
        if weights.ndim == 1:
            writer.add_tensor(target, weights)
        elif file_type == "f16":
            writer.add_tensor(target, weights.astype(np.float16))
        else:
            q8_0 = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(target, gguf.quants.quantize(weights, q8_0), raw_dtype=q8_0)


def export(source: Path, target: Path, file_type: str) -> None:
    config = read_json(source / "config.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_name(NAME)
    writer.add_description("A tiny demo model for trying xplatform; not for real work.")
    writer.add_license("apache-2.0")
    writer.add_file_type(FILE_TYPES[file_type])
    add_shape(writer, config)
    add_tokenizer(writer, source, config["vocab_size"])
    add_tensors(writer, source, config, file_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="folder written by train.py")
    parser.add_argument("target", type=Path, help="GGUF file to write")
    parser.add_argument("--type", choices=sorted(FILE_TYPES), default="q8_0")
    options = parser.parse_args()
    export(options.source, options.target, options.type)
    print(f"{options.target}: {options.target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
