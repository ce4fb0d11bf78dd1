"""One server for most modules here, with a hub and a network of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.files.conftest import content
from tests.files.hub import Hub
from tests.support import tiny_gguf
from tests.support.server import Server, free_port, serving

MIB = 1 << 20
SIZE = 12 * MIB
#: slow enough for people, and for a busy machine
SLOW = MIB // 4


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """``acme/<name>`` has the file ``<name>.gguf``. That of ``llama`` is a model, the others are
    nothing but large."""
    llama = tiny_gguf.write_llama(tmp_path_factory.mktemp("hub") / "llama.gguf").read_bytes()
    files = {
        name: content(SIZE, seed) for seed, name in enumerate(("first", "second", "third", "gated"))
    }
    files["llama"] = llama + bytes(SIZE)
    made = Hub({f"acme/{name}": {f"{name}.gguf": data} for name, data in files.items()})
    yield made
    made.close()


@pytest.fixture(scope="package")
def server(hub: Hub) -> Iterator[Server]:
    listen = f"127.0.0.1:{free_port()}"
    flags = ("--no-demo", "--fetch-allow", "127.0.0.1", "--broker-listen", listen)
    # Nothing of whoever runs the tests.
    with serving(
        *flags, XPLATFORM_HF_ENDPOINT=hub.url, HF_HOME="/nonexistent", NO_PROXY="*"
    ) as running:
        yield running


def register(server: Server, name: str) -> None:
    """A family whose files are the hub's."""
    spec: dict[str, Any] = {
        "format": "ggufv2", "size": "0.01", "file": f"{name}.gguf",
        "repositories": [{"hub": "huggingface", "id": f"acme/{name}"}],
    }  # fmt: skip
    family = {"name": f"our-{name}", "kind": "llm", "abilities": ["chat"], "specs": [spec]}
    made = server.post("/api/registrations", {"family": family})
    assert made.status == 201, made.body
