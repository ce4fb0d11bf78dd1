"""A warden with stand-in children, as a real process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.warden import stand_in
from xplatform.warden.client import WardenClient

ROOT = Path(__file__).parents[2]
STAND_IN = str(Path(stand_in.__file__))


T = TypeVar("T")


def until(check: Callable[[], T], seconds: float = 10.0) -> T:
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {seconds} s")
        time.sleep(0.02)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Warden:
    """``xplatform serve`` (or ``node``) on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.output = home.with_name(home.name + ".out")

    def run(self, *flags: str, command: str = "serve", **environment: str) -> None:
        words = [sys.executable, STAND_IN, "warden", command, "--home", str(self.home)]
        if command == "serve":
            words += ["--port", str(self.port)]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("XPLATFORM_")}
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [*words, *flags],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**clean, "PYTHONPATH": str(ROOT), **environment},
            )

    def start(self, *flags: str, **environment: str) -> None:
        self.run(*flags, **environment)
        until(lambda: self.ended() or "is ready at" in self.text())
        assert not self.ended(), self.text()

    def text(self) -> str:
        return self.output.read_text()

    def ended(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None

    def code(self, seconds: float = 12.0) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def client(self) -> WardenClient:
        return WardenClient(self.home / "run" / "warden.sock")

    def get(self, path: str, timeout: float = 10.0) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as r:
            content: bytes = r.read()
            return content

    def processes(self) -> dict[int, str]:
        """All processes under this home, the warden left out: pid → command line."""
        found = {}
        mark = b"XPLATFORM_HOME=" + os.fsencode(self.home) + b"\0"
        # Valkey writes its title over its environment.
        title = f"unixsocket:{self.home}/"
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if line and (title in line or mark in (folder / "environ").read_bytes() + b"\0"):
                    found[int(folder.name)] = line
            except OSError:
                continue
        return found

    def pid_of(self, word: str) -> int | None:
        return next((pid for pid, line in self.processes().items() if word in line), None)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def warden() -> Iterator[Warden]:
    # A short path: below a long one the sockets lie elsewhere, and pytest's grow with its runs.
    with tempfile.TemporaryDirectory(prefix="warden-") as folder:
        server = Warden(Path(folder) / "home")
        yield server
        server.end()
