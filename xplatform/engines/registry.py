"""Which engines there are: name → module, class and what its environment needs.

Adding an engine is a module, a requirements file and a line here. Nothing heavy is imported:
adapters import their libraries inside ``load``.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Engine


@dataclass(frozen=True, slots=True)
class EngineEntry:
    name: str
    module: str
    cls: str
    #: version of the environment; a new one makes a new environment beside the old
    version: str
    #: file in ``requirements/`` or None: runs in the server's own environment
    requirements: str | None
    summary: str


ENGINES: dict[str, EngineEntry] = {
    entry.name: entry
    for entry in (
        EngineEntry(
            "llama.cpp", "llama_cpp", "LlamaCpp", "2026.10.11549", "llama.cpp.txt",
            "GGUF models on CPU, CUDA and Metal; continuous batching (xllamacpp)",
        ),
        EngineEntry(
            "llama-cpp-python", "llama_cpp_python", "LlamaCppPython", "0.3.36",
            "llama-cpp-python.txt",
            "GGUF models through llama-cpp-python; one request at a time",
        ),
        EngineEntry(
            "transformers", "transformers_engine", "Transformers", "5.23.0", "transformers.txt",
            "nearly every model on the hub; continuous batching; embeddings",
        ),
        EngineEntry(
            "fake", "fake", "Fake", "1", None,
            "no model: tokens at a set speed and failures on request, for tests and benchmarks",
        ),
    )
}  # fmt: skip


def engine_class(name: str) -> type[Engine]:
    entry = ENGINES[name]
    module = importlib.import_module(f".{entry.module}", __package__)
    cls: type[Engine] = getattr(module, entry.cls)
    return cls
