"""Headers of safetensors files: exact bytes and parameters without reading a weight."""

from __future__ import annotations

import math
import struct
from typing import Any, Final

import msgspec

from apps.models.facts.repository import Files

_MAX_HEADER: Final = 100 << 20
#: Of models in more files than this the parameters are computed from their bytes.
_MOST_FILES: Final = 8
_BYTES: Final = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
    "U16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1, "F8_E8M0": 1, "F4": 0.5,
}  # fmt: skip
_DTYPES: Final = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}
#: Tensors that go with quantized weights and are no weights themselves.
_BESIDE: Final = (
    "scales", "qzeros", "g_idx", "absmax", "quant_map", "weight_scale", "weight_scale_inv",
    "weight_shape", "weight_zero_point", "input_scale", "output_scale", "weight_g_idx",
    "weight_scale_2", "_blocks_scale", "weight_global_scale", "input_global_scale", "SCB",
)  # fmt: skip


def weights_of(files: Files, folder: str = "") -> list[str]:
    """The files of weights that a loader takes: those of the index, else the usual names; makers
    often put the same weights a second time beside them, in another form."""
    prefix = f"{folder}/" if folder else ""
    here = [
        path for path in files.sizes if path.startswith(prefix) and "/" not in path[len(prefix) :]
    ]
    for stem in ("model", "diffusion_pytorch_model", "pytorch_model"):
        ending = "bin" if stem == "pytorch_model" else "safetensors"
        index = files.object(f"{prefix}{stem}.{ending}.index.json").get("weight_map")
        if isinstance(index, dict):
            named = sorted({f"{prefix}{name}" for name in index.values() if isinstance(name, str)})
            return [name for name in named if name in files]
        whole = f"{prefix}{stem}.{ending}"
        if whole in files:
            return [whole]
    found = sorted(path for path in here if path.endswith(".safetensors"))
    found = [path for path in found if "adapter_" not in path] or found
    return found or sorted(
        path for path in here if path.endswith(".bin") and "training" not in path
    )


def parameters_of(files: Files, weights: list[str], bits: float | None) -> tuple[int | None, str]:
    """(parameters, dtype of most of them). ``bits``: of a packed weight, from the configuration;
    packed weights count as many as they hold."""
    if not weights or len(weights) > _MOST_FILES:
        return None, ""
    count, dtypes = 0, dict[str, int]()
    for path in weights:
        header = read_header(files, path)
        if header is None:
            return None, ""
        names = header.keys()
        for name, entry in header.items():
            number = _elements(name, entry, bits, names)
            count += number
            dtypes[entry["dtype"]] = dtypes.get(entry["dtype"], 0) + number
    most = max(dtypes, key=lambda dtype: dtypes[dtype], default="")
    return count or None, _DTYPES.get(most, "")


def read_header(files: Files, path: str) -> dict[str, Any] | None:
    """Tensor → {dtype, shape, …}; None for what is no safetensors file."""
    if not path.endswith(".safetensors") or files.sizes.get(path, 0) < 8:
        return None
    (length,) = struct.unpack("<Q", files.repository.read(path, 0, 8))
    if not 2 <= length <= min(_MAX_HEADER, files.sizes[path] - 8):
        return None
    try:
        header = msgspec.json.decode(files.repository.read(path, 8, length), type=dict[str, Any])
    except msgspec.MsgspecError:
        return None
    header.pop("__metadata__", None)
    valid = all(
        isinstance(entry, dict)
        and entry.get("dtype") in _BYTES
        and isinstance(entry.get("shape"), list)
        and all(isinstance(size, int) and size >= 0 for size in entry["shape"])
        for entry in header.values()
    )
    return header if valid else None


def _elements(name: str, entry: dict[str, Any], bits: float | None, names: Any) -> int:
    last = name.rpartition(".")[2]
    if last in _BESIDE or name.endswith(("_scales", ".absmax", ".quant_state.bitsandbytes__nf4")):
        return 0
    if "quant_state" in name or "quant_map" in name:
        return 0
    count: int = math.prod(entry["shape"])
    stem = name.rpartition(".")[0]
    if last == "biases" and f"{stem}.scales" in names:
        return 0  # MLX's zero points
    packed = entry["dtype"] in ("I32", "U32", "U8", "I8") and (
        last in ("qweight", "weight_packed")
        or f"{stem}.scales" in names
        or f"{name}.absmax" in names
        or name.endswith("_blocks")
        or f"{name}_scale_2" in names
    )
    if packed and bits and bits < 16:
        return int(count * _BYTES[entry["dtype"]] * 8 / _width(bits))
    return count


def _width(bits: float) -> int:
    """The stored width: names say 4 or 8, averages with scales are a little above."""
    return max(1, int(bits))
