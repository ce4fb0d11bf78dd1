"""A further machine for tests: ``xplatform worker``, in a home of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from tests.support.server import ENGINES, ROOT, Server, wait_for

GIB = 1024**3


class Machine:
    """``xplatform worker`` in a home of its own, with made-up devices."""

    def __init__(self, name: str, *devices: dict[str, Any]) -> None:
        # Unix sockets have short paths.
        self.home = Path(tempfile.mkdtemp(prefix=f"xp-{name}-"))
        self.name = name
        if ENGINES.exists():
            (self.home / "engines").symlink_to(ENGINES)
        self._inventory = self.home / "devices.json"
        self.set_devices({}, *devices)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("XPLATFORM", "DJANGO"))}
        self.environ = {
            **clean,
            "XPLATFORM_HOME": str(self.home),
            "XPLATFORM_DEVICES": str(self._inventory),
            "PYTHONPATH": str(ROOT),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.output = self.home / "out"

    def set_devices(self, taken: dict[str, dict[str, int]], *devices: dict[str, Any]) -> None:
        aside = self._inventory.with_suffix(".new")
        aside.write_text(json.dumps({"devices": devices, "taken": taken}))
        aside.replace(self._inventory)

    def start(self, *words: str, **environ: str) -> Machine:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "xplatform", "worker", *words],
                env={**self.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                start_new_session=True,
            )
        return self

    def wait(self, seconds: float = 60.0) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def engines(self) -> list[int]:
        """Processes of engines below it."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if any("engines/__main__.py" in word for word in child.cmdline()):
                    found.append(child.pid)
        return found

    def kill(self) -> list[psutil.Process]:
        """As a power cut does it: all of its processes at once; those that there were."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        had = [root, *root.children(recursive=True)]
        for process in had:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        return had

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def gpu(number: int, gib: int, *, used: int = 0) -> dict[str, Any]:
    return {
        "id": f"cuda:{number}", "kind": "cuda", "index": number, "name": "made up",
        "memory_total": gib * GIB, "memory_used": used * GIB, "capability": "9.0",
    }  # fmt: skip


CPU = {"id": "cpu", "kind": "cpu", "memory_total": 64 * GIB, "memory_used": GIB}


def new_token(server: Server, name: str) -> dict[str, Any]:
    answer = server.post("/api/join-tokens", {"name": name})
    assert answer.status == 201, answer.body
    token: dict[str, Any] = answer.json()
    return token


def node(server: Server, name: str) -> dict[str, Any]:
    found = server.get(f"/api/nodes/{name}")
    return found.json() if found.status == 200 else {}


def wait_up(server: Server, machine: Machine) -> None:
    def up() -> bool:
        assert machine.process is not None
        assert machine.process.poll() is None, machine.said()
        return node(server, machine.name).get("state") == "up"

    wait_for(up, f"{machine.name} to be up", 60)
