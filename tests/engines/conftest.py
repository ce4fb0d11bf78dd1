"""Engine processes that the tests of the llama.cpp engines share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.driver import EngineProcess
from tests.engines.llama_cases import DEMO, loaded
from tests.support.tiny_gguf import write_all


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny random models by variant."""
    return write_all(tmp_path_factory.mktemp("gguf"))


@pytest.fixture(scope="module")
def plain(gguf: dict[str, Path]) -> Iterator[EngineProcess]:
    """A random model with a plain chat template in llama.cpp, two slots of 512 tokens."""
    with loaded(gguf["plain"], slots=2, context_length=512) as engine:
        yield engine


@pytest.fixture(scope="module")
def demo() -> Iterator[EngineProcess]:
    """The trained demo model, which can call tools."""
    with loaded(DEMO, slots=2) as engine:
        yield engine
