"""A Valkey of the tests' own, which they may kill and start again."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import wait_for
from xplatform.warden import broker


class Valkey:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "broker.sock"
        self.url = f"unix://{self.path}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                str(broker.program()), "--port", "0", "--unixsocket", str(self.path),
                "--save", "", "--appendonly", "no", "--loglevel", "warning",
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(self._answers, "Valkey to answer")

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self, frozen: bool) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
            return True


@pytest.fixture(scope="module")
def shared_valkey() -> Iterator[Valkey]:
    with tempfile.TemporaryDirectory(prefix="xp-") as folder:
        valkey = Valkey(Path(folder))
        valkey.start()
        yield valkey
        valkey.kill()


@pytest.fixture
def valkey(shared_valkey: Valkey) -> Iterator[Valkey]:
    """Empty."""
    import redis

    with redis.Redis.from_url(shared_valkey.url) as client:
        client.flushall()
    yield shared_valkey
    if not shared_valkey.runs:
        shared_valkey.start()
