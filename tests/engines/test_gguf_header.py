"""The reader of GGUF headers: right on models, calm on rubbish."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tiny_gguf import CONTEXT, WIDTH, write_llama
from xplatform.engines.gguf_header import read_header


def test_header(gguf: dict[str, Path]) -> None:
    header = read_header(gguf["embedding"])
    assert header.architecture == "llama"
    assert header.context_length == CONTEXT
    assert header.embedding_length == WIDTH
    assert header.pooling_type == 1
    assert header.chat_template is None
    assert header.vocabulary_size and header.vocabulary_size > 256
    assert header.parameters > 100_000


def test_the_header_survives_rubbish(gguf: dict[str, Path], tmp_path: Path) -> None:
    """Whatever is in the file: a header or a ``ValueError``, nothing else and no long wait."""
    data = gguf["plain"].read_bytes()[:20_000]
    path = tmp_path / "rubbish.gguf"
    for number in range(400):
        broken = bytearray(data)
        for step in range(1 + number % 5):
            place = (number * 7919 + step * 104_729) % (600 if number % 2 else len(broken))
            broken[place] = (number * 31 + step) % 256
        path.write_bytes(broken[: len(broken) - number * 40])
        with pytest.raises(ValueError, match="rubbish"):
            read_header(path)


def test_a_models_own_sampling_defaults(tmp_path: Path) -> None:
    from xplatform.engines.llama_requests import sampling_defaults

    header = read_header(write_llama(tmp_path / "m.gguf"))
    assert sampling_defaults(header)["temperature"] == 1.0
    header.metadata["general.sampling.temp"] = 0.6
    header.metadata["general.sampling.top_k"] = 20
    defaults = sampling_defaults(header)
    assert (defaults["temperature"], defaults["top_k"], defaults["top_p"]) == (0.6, 20, 1.0)
