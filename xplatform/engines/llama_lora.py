"""LoRA adapters in llama.cpp: all are loaded at the start, and each request says which it wants.

llama.cpp batches requests with different adapters, but cannot load one later.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .base import EngineFault
from .protocol import Adapter


class Loras:
    """Immutable: a change makes another one."""

    def __init__(self, adapters: Sequence[Adapter]) -> None:
        #: what llama.cpp knows by its number
        self._loaded = [lora_file(adapter) for adapter in adapters]
        self._scales = {a.name: (number, a.scale) for number, a in enumerate(adapters)}

    def params(self) -> list[Any]:
        """For ``CommonParams``: none of them applies by itself."""
        import xllamacpp

        return [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in self._loaded]

    def body(self, adapter: str) -> dict[str, Any]:
        """The part of a request that chooses ``adapter``, or none."""
        if not self._loaded:
            return {}
        chosen, scale = self._scales.get(adapter, (-1, 0.0))
        return {
            "lora": [
                {"id": number, "scale": scale if number == chosen else 0.0}
                for number in range(len(self._loaded))
            ]
        }

    def changed(self, adapters: Sequence[Adapter]) -> Loras:
        """Names and scales may change, and adapters go; a new file needs another start."""
        scales = {}
        for adapter in adapters:
            path = lora_file(adapter)
            if path not in self._loaded:
                raise EngineFault(
                    "unsupported", "llama.cpp loads adapters only when it starts", param="adapters"
                )
            scales[adapter.name] = (self._loaded.index(path), adapter.scale)
        made = Loras(())
        made._loaded, made._scales = self._loaded, scales
        return made


def lora_file(adapter: Adapter) -> str:
    """The adapter's GGUF file; raises ``EngineFault``."""
    if not adapter.path:
        raise EngineFault(
            "invalid", f"the files of the adapter {adapter.name!r} are not here", param="adapters"
        )
    path = Path(adapter.path)
    if path.is_dir():
        files = sorted(path.glob("*.gguf"))
        if len(files) == 1:
            return str(files[0])
        if not files and (path / "adapter_config.json").exists():
            raise EngineFault(
                "invalid",
                f"the adapter {adapter.name!r} is in PEFT's format; llama.cpp needs it as GGUF "
                "(its convert_lora_to_gguf.py makes one); transformers takes it as it is",
                param="adapters",
            )
        count = len(files) or "no"
        raise EngineFault(
            "invalid",
            f"the adapter {adapter.name!r}: there are {count} .gguf files in {path}, not one",
            param="adapters",
        )
    if not path.is_file():
        raise EngineFault(
            "invalid", f"the adapter {adapter.name!r}: there is no file {path}", param="adapters"
        )
    return str(path)
