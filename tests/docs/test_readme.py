"""The quick start of README.md, block by block, against a real server on a fresh home.

A block marked ``quickstart <name>`` is run as it stands there; only the address is the test
server's. ``OUTCOMES`` says what must come of it, and a block without an entry is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs import markdown
from tests.docs.markdown import ROOT, Block
from tests.support.server import API_KEY, Server, serving

pytestmark = [pytest.mark.server, pytest.mark.engine, pytest.mark.slow]

README = ROOT / "README.md"
PRINTED_ADDRESS = "http://127.0.0.1:9997"
BLOCKS = [block for block in markdown.blocks(README) if block.words[:1] == ("quickstart",)]

#: what the output of each block shows (the demo model's words differ from time to time), and the
#: engine's environment that it needs
OUTCOMES: dict[str, tuple[str, str]] = {
    "chat": (r'"role":"assistant","content":"[^"]{10,}.*"completion_tokens":', "llama.cpp"),
    "stream": (r'(?s)"role":"assistant".*"finish_reason":"stop".*data: \[DONE\]', "llama.cpp"),
    "client": (r"\w+ \w+ \w+", "llama.cpp"),
    "catalogue": (r"(?s)llama\.cpp.*ggufv2-Q4_K_M.*GiB", "llama.cpp"),
    "gguf": (r"(?s)my-model is ready after .*my-model +ready +llama\.cpp +4 +local", "llama.cpp"),
    "terminate": (r"my-model is stopped", "llama.cpp"),
    "transformers": (r"my-chat is ready after", "transformers"),
    "embeddings": (
        r'(?s)my-embeddings is ready after.*"object":"embedding","index":1', "transformers",
    ),
}  # fmt: skip


def _name(block: Block) -> str:
    return block.words[1]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def folder(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reader's shell stands: a checkout's ``xplatform`` on the PATH."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copy(ROOT / "apps" / "models" / "demo" / "demo.gguf", folder / "model.gguf")
    programs = folder / "bin"
    programs.mkdir()
    program = programs / "xplatform"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m xplatform "$@"\n')
    program.chmod(0o755)
    return folder


def test_every_block_has_an_outcome() -> None:
    assert [_name(block) for block in BLOCKS] == list(OUTCOMES)


@pytest.mark.parametrize("block", BLOCKS, ids=[_name(block) for block in BLOCKS])
def test_block(
    block: Block, server: Server, folder: Path, engine_environment: Callable[[str], Path]
) -> None:
    wanted, engine = OUTCOMES[_name(block)]
    environment = engine_environment(engine)
    if engine == "transformers":
        _make_models(environment, folder)
    text = block.text.replace(PRINTED_ADDRESS, server.base)
    program = ["sh", "-e"] if block.language == "sh" else [sys.executable]
    done = subprocess.run(
        [*program, "-c", text],
        cwd=folder,
        env={
            **server.environ,
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "XPLATFORM_API_KEY": API_KEY,
        },
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    assert re.search(wanted, done.stdout), done.stdout
    assert '"error"' not in done.stdout


def test_what_is_printed(server: Server) -> None:
    """The block of the README that shows it has the lines that the server prints."""
    shown = next(b.text for b in markdown.blocks(README) if "is ready at" in b.text)
    said = server.said().replace(server.base, PRINTED_ADDRESS)
    labels = re.findall(r"^  ([\w ]+?)  ", shown, re.MULTILINE)
    assert labels == re.findall(r"^  ([\w ]+?)  ", said.partition("Try it")[0], re.MULTILINE)
    assert shown.splitlines()[0].partition("after")[0] in said
    assert "curl" in said
    # The first key came by a variable here, and must not be shown again.
    assert API_KEY not in said.partition("Try it")[0]


def test_printed_curl_is_the_one_of_the_readme(server: Server) -> None:
    printed = server.said().replace(server.base, PRINTED_ADDRESS).partition("Try it:")[2]
    block = next(b.text for b in BLOCKS if _name(b) == "chat")
    squeezed = " ".join(block.replace("\\\n", "").split())
    assert squeezed in " ".join(printed.replace("\\\n", "").split())


def test_make_serve_serves() -> None:
    """Without the minutes of an installation: what ``make serve`` would run in the end."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    done = subprocess.run(
        ["make", "--dry-run", "serve", "ARGS=--port 8000"],
        cwd=ROOT, capture_output=True, text=True, timeout=30,
        # Under `make test` this is a make within a make, which would say so.
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("xplatform serve --port 8000")


def _make_models(environment: Path, folder: Path) -> None:
    """Tiny ones in the hub's format, under the names of the README."""
    if (folder / "my-chat").exists():
        return
    made = folder / "hub"
    subprocess.run(
        [environment / "bin" / "python", ROOT / "tests" / "support" / "tiny_hf.py", "make", made],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    (made / "llama").rename(folder / "my-chat")
    (made / "embedder").rename(folder / "my-embeddings")
