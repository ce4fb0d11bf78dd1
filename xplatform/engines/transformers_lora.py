"""LoRA adapters in the transformers engine: any number, each request with its own, in one batch.

PEFT's own layers choose an adapter for a whole forward pass, or for each row of a batch; continuous
batching has one row in which the tokens of all requests stand one behind the other. So the files
are PEFT's, and the arithmetic is here: a hook on each linear layer adds ``scale * B(A(x))`` to the
tokens of those requests that want it. Without adapters there are no hooks.

The requests hold what they need of an adapter, so one that is detached stays until they have ended.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence as Row
from pathlib import Path
from typing import Any

from .base import EngineFault
from .protocol import Adapter

_PREFIX = "base_model.model."
_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<part>[AB])\.weight")


class Lora:
    """One adapter in memory: layer → (A, B), with the scale in B."""

    def __init__(self, adapter: Adapter, layers: dict[str, tuple[Any, Any]]) -> None:
        self.adapter = adapter
        self.layers = layers


class Loras:
    def __init__(self, model: Any) -> None:
        self._model = model
        self._by_name: dict[str, Lora] = {}
        self._hooked: set[str] = set()
        #: of the present step: (adapter, its first token, the one behind its last)
        self._runs: list[tuple[Lora, int, int | None]] = []

    def get(self, name: str) -> Lora | None:
        return self._by_name[name] if name else None

    def set(self, adapters: Row[Adapter]) -> None:
        """All or nothing; raises ``EngineFault``."""
        known = {lora.adapter: lora for lora in self._by_name.values()}
        made = {a.name: known.get(a) or Lora(a, _read(a, self._model)) for a in adapters}
        for lora in made.values():
            for name in lora.layers.keys() - self._hooked:
                self._hook(name)
        self._by_name = made

    def arrange(self, step: Row[tuple[Lora | None, int]]) -> None:
        """What the next forward pass holds: whose tokens, and how many, in their order."""
        runs: list[tuple[Lora, int, int | None]] = []
        first = 0
        for lora, count in step:
            if lora is not None:
                runs.append((lora, first, first + count))
            first += count
        self._runs = runs

    def arrange_all(self, lora: Lora | None) -> None:
        """All tokens of the next forward passes are of one request."""
        self._runs = [] if lora is None else [(lora, 0, None)]

    def _hook(self, name: str) -> None:
        def add(module: Any, inputs: tuple[Any, ...], output: Any) -> Any:
            for lora, first, last in self._runs:
                if (pair := lora.layers.get(name)) is not None:
                    a, b = pair
                    x = inputs[0][..., first:last, :]
                    output[..., first:last, :] += (x @ a) @ b
            return output

        self._model.get_submodule(name).register_forward_hook(add)
        self._hooked.add(name)


def _read(adapter: Adapter, model: Any) -> dict[str, tuple[Any, Any]]:
    folder = Path(adapter.path)
    config = _config(adapter, folder)
    if not (folder / _WEIGHTS).is_file():
        raise _refused(adapter, f"{_WEIGHTS} is missing in {folder}")
    from safetensors.torch import load_file

    try:
        tensors = load_file(folder / _WEIGHTS)
    except Exception as error:
        raise _refused(adapter, f"{_WEIGHTS} cannot be read: {error}") from error
    modules = dict(model.named_modules())
    parts: dict[str, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        match = _KEY.fullmatch(key.removeprefix(_PREFIX))
        if match is None:
            raise _refused(adapter, f"{key} is no LoRA of a linear layer; only these are taken")
        module = modules.get(match["module"])
        if getattr(module, "weight", None) is None:
            raise _refused(adapter, f"the model has no layer {match['module']!r}: another model's?")
        parts.setdefault(match["module"], {})[match["part"]] = tensor
    layers = {}
    for name, pair in parts.items():
        if pair.keys() != {"A", "B"}:
            raise _refused(adapter, f"a half of the layer {name!r} is missing")
        a, b, weight = pair["A"], pair["B"], modules[name].weight
        shape = sorted((a.shape[1], b.shape[0]))
        if a.shape[0] != b.shape[1] or shape != sorted(weight.shape):
            raise _refused(adapter, f"the layer {name!r} has another shape: another model's?")
        to = {"device": weight.device, "dtype": model.dtype}
        scale = adapter.scale * _scale(config, name, int(a.shape[0]))
        layers[name] = (a.T.to(**to).contiguous(), (b.T * scale).to(**to).contiguous())
    return layers


def _config(adapter: Adapter, folder: Path) -> dict[str, Any]:
    if not adapter.path:
        raise _refused(adapter, "its files are not here")
    if folder.suffix == ".gguf":
        raise _refused(adapter, "transformers takes PEFT's format, not GGUF")
    try:
        config = json.loads((folder / _CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise _refused(adapter, f"{folder} has no {_CONFIG} that can be read: {error}") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise _refused(adapter, f"{_CONFIG} tells of no LoRA")
    others = {"use_dora": False, "bias": "none", "modules_to_save": None, "layer_replication": None}
    for name, plain in others.items():
        if config.get(name, plain) not in (plain, None, []):
            raise _refused(adapter, f"{name} of {_CONFIG} is {config[name]!r}, which is not taken")
    return config


def _scale(config: dict[str, Any], layer: str, rank: int) -> float:
    alpha = float(config.get("lora_alpha") or rank)
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(?:.*\.)?{pattern}", layer):
            alpha = float(value)
            break
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _refused(adapter: Adapter, reason: str) -> EngineFault:
    return EngineFault("invalid", f"the adapter {adapter.name!r}: {reason}", param="adapters")
