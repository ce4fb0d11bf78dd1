"""A real ``xplatform serve`` in a home of its own, for the length of a block."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from bench import processes

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
#: environments of the engines, made by ``make bench``
ENGINES = Path(os.environ.get("XPLATFORM_TEST_ENGINES", ROOT / "build" / "test-home" / "engines"))
KEY = "xp-bench-key-that-is-long-enough-for-anybody-01"


class Server:
    """``root`` is the warden, whose children are all the rest."""

    def __init__(self, home: Path, *flags: str) -> None:
        self.home = home
        self.flags = flags
        self.key = KEY
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._output = home / "serve.out"
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("XPLATFORM", "DJANGO"))},
            "XPLATFORM_HOME": str(home),
            "XPLATFORM_PORT": str(self.port),
            "XPLATFORM_API_KEY": KEY,
            "XPLATFORM_ADMIN_PASSWORD": "bench-admin-password-1",
            "PYTHONPATH": str(ROOT),
        }

    # -- life ---------------------------------------------------------------------------------

    @property
    def root(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, timeout: float = 90.0) -> float:
        """Seconds from the command to the first yes of ``/readyz``."""
        self.home.mkdir(parents=True, exist_ok=True)
        if ENGINES.exists() and not (self.home / "engines").exists():
            (self.home / "engines").symlink_to(ENGINES)
        began = time.perf_counter()
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "xplatform", "serve", *self.flags],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                start_new_session=True,
            )
        process = self._process

        def ready() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"serve ended with {process.returncode}: {self.said()}")
            return self.status("/readyz") == 200

        wait_for(ready, "the server to be ready", timeout, 0.01)
        return time.perf_counter() - began

    def stop(self, timeout: float = 20.0) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout)
        for pid in processes.of_home(self.home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def said(self) -> str:
        return self._output.read_text(errors="replace")[-2000:] if self._output.exists() else ""

    def pid(self, role: str) -> int:
        return wait_for(lambda: processes.pids(self.root, role), f"a process {role}")[0]

    def kill(self, role: str, number: signal.Signals = signal.SIGKILL) -> int:
        pid = self.pid(role)
        os.kill(pid, number)
        return pid

    # -- HTTP ---------------------------------------------------------------------------------

    def call(
        self, method: str, path: str, body: Any = None, timeout: float = 60.0
    ) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Bearer {KEY}")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def status(self, path: str) -> int:
        """0: nobody answers."""
        try:
            return self.call("GET", path, timeout=2.0)[0]
        except OSError:
            return 0

    def state(self, uid: str) -> str:
        """As the web process sees it, which is what requests meet."""
        status, body = self.call("GET", f"/v1/models/{uid}")
        return str(json.loads(body).get("state", "")) if status == 200 else ""

    def load_of(self, uid: str) -> dict[str, int]:
        """Requests in flight in the web process, and running in the model's replica."""
        status, body = self.call("GET", "/status")
        if status != 200:
            return {}
        said = json.loads(body)
        running = sum(r["running"] for r in said["replicas"] if r["model"] == uid)
        return {"in_flight": said["in_flight"], "running": running}

    # -- models -------------------------------------------------------------------------------

    def launch(self, uid: str, *, wait: bool = True, **values: Any) -> None:
        status, body = self.call("POST", "/api/launches", {"uid": uid, **values})
        if status not in (200, 201, 202):
            raise RuntimeError(f"launch of {uid}: HTTP {status} {body[:300]!r}")
        if wait:
            wait_for(lambda: self.state(uid) == "ready", f"{uid} to be ready", 60)

    def launch_fake(self, uid: str, slots: int, *, wait: bool = True, **options: Any) -> None:
        self.launch(
            uid, wait=wait, engine="fake", model_path="/dev/null", slots=slots, options=options
        )

    def terminate(self, uid: str) -> None:
        self.call("DELETE", f"/api/launches/{uid}")
        wait_for(lambda: not self._engines_of(uid), f"{uid} to be gone", 20)

    def _engines_of(self, uid: str) -> bool:
        return any(
            b["model"] == uid for b in json.loads(self.call("GET", "/status")[1])["replicas"]
        )


def wait_for(look: Callable[[], T], what: str, timeout: float = 20.0, pause: float = 0.02) -> T:
    deadline = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError):
            if found := look():
                return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(pause)


@contextlib.contextmanager
def serving(*flags: str) -> Iterator[Server]:
    """A server of which nothing is left behind."""
    # Unix sockets have short paths, so the home lies right under the temporary folder.
    home = Path(tempfile.mkdtemp(prefix="xp-bench-"))
    server = Server(home, *flags)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def engine_python(name: str) -> Path | None:
    """The Python of an engine's environment, when it is installed."""
    from xplatform.engines.registry import ENGINES as KNOWN

    folder = ENGINES / f"{name}-{KNOWN[name].version}"
    python = folder / "bin" / "python"
    return python if (folder / ".complete").exists() and python.exists() else None


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
