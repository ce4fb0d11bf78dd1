"""A hub, a node's files, and content that compresses to nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.files.hub import Hub
from xplatform.core.config import Settings
from xplatform.files import Files, Patience, Source

#: no test waits long for a second attempt
QUICK = Patience(first=0.01, most=0.05, tries=6)


def content(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def wait_for(look: Callable[[], Any], timeout: float = 30.0) -> Any:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")


@pytest.fixture(autouse=True)
def _no_other_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the caches, tokens nor settings of whoever runs the tests."""
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "MODELSCOPE_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub(
        {
            "acme/small": {
                "config.json": b'{"model_type": "llama"}',
                "model.safetensors": content(300_000),
                "pytorch_model.bin": content(300_000, 2),
                "README.md": b"# small",
                ".gitattributes": b"*.bin lfs",
            },
            "acme/big": {"config.json": b"{}", "model.gguf": content(6 << 20, 3)},
        }
    )
    yield made
    made.close()


@pytest.fixture
def make_settings(hub: Hub, tmp_path: Path) -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        return Settings(
            **{
                "home": str(tmp_path / "home"),
                "hf_endpoint": hub.url,
                "modelscope_endpoint": hub.url,
                **changes,
            }
        )

    return make


@pytest.fixture
def make_files(make_settings: Callable[..., Settings]) -> Callable[..., Files]:
    def make(patience: Patience = QUICK, **changes: Any) -> Files:
        return Files(make_settings(**changes), patience)

    return make


@pytest.fixture
def files(make_files: Callable[..., Files]) -> Files:
    return make_files()


SMALL = Source("huggingface", "acme/small")
BIG = Source("huggingface", "acme/big", entry="model.gguf")
