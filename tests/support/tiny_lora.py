"""Safetensors files by numpy alone, and what a LoRA of PEFT's is made of."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[np.float32]]


def read(path: Path) -> Tensors:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", entry
        first, last = entry["data_offsets"]
        raw = data[8 + length + first : 8 + length + last]
        found[name] = np.frombuffer(raw, np.float32).reshape(entry["shape"]).copy()
    return found


def write(path: Path, tensors: Tensors) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, tensor in tensors.items():
        raw = np.ascontiguousarray(tensor, np.float32).tobytes()
        offsets = [len(body), len(body) + len(raw)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": offsets}
        body += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


RANK, ALPHA = 4, 6.0


def write_adapter(
    folder: Path, model: Path, seed: int, layers: tuple[str, ...], **config: Any
) -> Path:
    """A LoRA of the layers of ``model`` whose names end in one of ``layers``."""
    random = np.random.default_rng(seed)
    tensors: Tensors = {}
    for name, weight in read(model / "model.safetensors").items():
        layer = name.removesuffix(".weight")
        if layer.endswith(layers):
            out, into = weight.shape
            at = f"base_model.model.{layer}"
            tensors[f"{at}.lora_A.weight"] = _random(random, RANK, into)
            tensors[f"{at}.lora_B.weight"] = _random(random, out, RANK)
    folder.mkdir(parents=True)
    write(folder / "adapter_model.safetensors", tensors)
    form = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(form | config))
    return folder


def write_merged(folder: Path, model: Path, adapter: Path, scale: float = 1.0) -> Path:
    """The model with the adapter added to its weights."""
    shutil.copytree(model, folder)
    tensors, parts = read(model / "model.safetensors"), read(adapter / "adapter_model.safetensors")
    for name, a in parts.items():
        if name.endswith(".lora_A.weight"):
            b = parts[name.replace(".lora_A.", ".lora_B.")]
            layer = name.removeprefix("base_model.model.").replace(".lora_A.weight", ".weight")
            tensors[layer] = tensors[layer] + (b @ a) * (scale * ALPHA / RANK)
    write(folder / "model.safetensors", tensors)
    return folder


def _random(random: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    return (random.standard_normal((rows, columns)) * 0.2).astype(np.float32)
