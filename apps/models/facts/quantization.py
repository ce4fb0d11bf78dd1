"""What a quantization's name means: how many bits a weight takes."""

from __future__ import annotations

import re
from typing import Final

#: Measured by llama.cpp's makers over a whole model of eight billion weights (the tensors of one
#: file are of several types), scales included.
_GGUF_BITS: Final = {
    "TQ1_0": 1.69, "TQ2_0": 2.06,
    "IQ1_S": 2.00, "IQ1_M": 2.15,
    "IQ2_XXS": 2.38, "IQ2_XS": 2.59, "IQ2_S": 2.74, "IQ2_M": 2.93,
    "IQ3_XXS": 3.25, "IQ3_XS": 3.50, "IQ3_S": 3.66, "IQ3_M": 3.76,
    "IQ4_XS": 4.46, "IQ4_NL": 4.68,
    "Q2_K_S": 2.97, "Q2_K": 3.16, "Q2_K_L": 3.3,
    "Q3_K_S": 3.64, "Q3_K_M": 4.00, "Q3_K_L": 4.30, "Q3_K_XL": 4.4, "Q3_K": 4.00,
    "Q4_0": 4.66, "Q4_1": 5.14, "Q4_K_S": 4.67, "Q4_K_M": 4.89, "Q4_K_L": 5.0, "Q4_K": 4.89,
    "Q5_0": 5.56, "Q5_1": 6.04, "Q5_K_S": 5.57, "Q5_K_M": 5.70, "Q5_K_L": 5.8, "Q5_K": 5.70,
    "Q6_K": 6.56, "Q6_K_L": 6.7, "Q8_0": 8.50, "Q8_K": 8.50,
    "MXFP4": 4.25, "MXFP4_MOE": 4.4,
    "F16": 16.0, "BF16": 16.0, "F32": 32.0, "FP16": 16.0, "FP32": 32.0,
}  # fmt: skip

#: numbers of ``general.file_type``
_GGUF_FILE_TYPES: Final = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M",
    30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
}  # fmt: skip

#: longest first: Q4_K_M before Q4_K
_NAMES: Final = "|".join(sorted(map(re.escape, _GGUF_BITS), key=len, reverse=True))
_IN_FILE_NAME: Final = re.compile(
    rf"(?:^|[-._/])((?:UD-)?(?:Q[2-8]_K_XL|{_NAMES}))(?=$|[-._/])", re.IGNORECASE
)

#: bits of one weight in the formats that keep the layers' names of the hub
_BITS_OF_FORMAT: Final = {"fp8": 8.0, "fp4": 4.5, "bnb": 4.5, "gptq": 4.25, "awq": 4.25}


def gguf_quantization(file_name: str, file_type: int | None) -> str:
    """The name in the file's own name (makers' variants like ``UD-Q4_K_XL`` are only there), else
    what the header says."""
    found = _IN_FILE_NAME.findall(file_name)
    if found:
        name = str(found[-1])
        return name if name.upper().startswith("UD-") else name.upper()
    return _GGUF_FILE_TYPES.get(file_type, "") if file_type is not None else ""


def bits_per_weight(format: str, quantization: str) -> float | None:
    """On average, scales included. None for a name that says nothing."""
    name = quantization.strip().upper()
    if format == "ggufv2":
        name = name.removeprefix("UD-")
        bits = _GGUF_BITS.get(name)
        if bits is None and name.endswith("_XL"):
            bits = _GGUF_BITS.get(name.removesuffix("_XL") + "_M")
        return bits if bits is not None else _GGUF_BITS.get(_bare(name))
    if name in ("", "NONE"):
        return _BITS_OF_FORMAT.get(format, 16.0)
    if name in ("FP32", "F32", "FLOAT32"):
        return 32.0
    if name in ("FP16", "BF16", "F16", "FLOAT16", "BFLOAT16"):
        return 16.0
    number = re.search(r"(\d+)", name)
    if number is None or not 1 <= int(number[1]) <= 32:
        return None
    bits = float(number[1])
    if "FP8" in name or format == "fp8":
        return 8.0
    if "FP4" in name or format == "fp4":
        return 4.25 if "MX" in name else 4.5
    if format == "mlx":
        return bits + 0.5  # a scale and a bias of 16 bits for 64 weights
    if format in ("gptq", "awq"):
        return bits + 0.25  # a scale and a zero point for 128 weights
    if format == "bnb":
        return bits + (0.5 if bits < 8 else 0.1)
    return bits


def _bare(name: str) -> str:
    """``Q4_K_M_FOO`` of some maker counts as ``Q4_K_M``."""
    while "_" in name and name not in _GGUF_BITS:
        name = name.rpartition("_")[0]
    return name
