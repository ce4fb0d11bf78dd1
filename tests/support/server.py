"""A real server for tests: ``xplatform serve`` in a home of its own, and its processes by role."""

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

import psutil

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
#: environments of the engines, made by ``make test``; every test home shares them
ENGINES = Path(os.environ.get("XPLATFORM_TEST_ENGINES", ROOT / "build" / "test-home" / "engines"))
API_KEY = "xp-test-key-that-is-long-enough-for-anybody-0001"

#: variables that are not handed on: settings, and what test modules set for themselves
_OWN = ("XPLATFORM", "XINFERENCE", "DJANGO", "HF_", "MODELSCOPE_")

#: role → words of its command line
_ROLES = {
    "broker": ("valkey-server",),
    "web": (" web",),
    "control": (" control",),
    "node": (" node-agent",),
    "replica": (" replica ",),
    "engine": ("engines/__main__.py",),
}


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """One running ``xplatform serve``."""

    def __init__(
        self, home: Path, port: int, *flags: str, tls: bool = False, **environ: str
    ) -> None:
        self.home, self.port, self.flags = home, port, flags
        self.base = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith(_OWN)},
            "XPLATFORM_HOME": str(home),
            "XPLATFORM_PORT": str(port),
            "XPLATFORM_API_KEY": API_KEY,
            "XPLATFORM_ADMIN_PASSWORD": "test-admin-password-1",
            "PYTHONPATH": str(ROOT),
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.output = home / "serve.out"

    # -- life ---------------------------------------------------------------------------------

    def start(self, timeout: float = 90.0) -> Server:
        self.home.mkdir(parents=True, exist_ok=True)
        if ENGINES.exists() and not (self.home / "engines").exists():
            (self.home / "engines").symlink_to(ENGINES)
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "xplatform", "serve", *self.flags],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                start_new_session=True,
            )
        self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout: float = 60.0) -> None:
        assert self.process is not None
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"serve ended with {self.process.returncode}: {self.said()}")
            with contextlib.suppress(OSError):
                if self.get("/readyz", timeout=2).status == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"serve was not ready within {timeout} s: {self.said()}")

    def stop(self, timeout: float = 20.0) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill_all()
                raise
        return self.process.returncode

    def kill_all(self) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def said(self) -> str:
        return self.output.read_text(errors="replace")[-4000:] if self.output.exists() else ""

    # -- processes ----------------------------------------------------------------------------

    def processes(self) -> list[psutil.Process]:
        assert self.process is not None
        try:
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def pids(self, role: str) -> list[int]:
        """Processes of this server (also orphans: by the home in their environment)."""
        words = _ROLES[role]
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                line = " ".join(process.cmdline()) + " "
                if all(word in line for word in words):
                    found.append(process.pid)
        return found

    def pid(self, role: str) -> int:
        pids = wait_for(lambda: self.pids(role), f"a {role} process")
        return pids[0]

    def kill(self, role: str, number: int = signal.SIGKILL) -> int:
        pid = self.pid(role)
        os.kill(pid, number)
        return pid

    def replica_pid(self, uid: str) -> int:
        """The process of a model's replica."""

        def find() -> int:
            wanted = str(self.replica(uid).get("id", "nobody"))
            for pid in self.pids("replica"):
                with contextlib.suppress(psutil.Error):
                    if wanted in " ".join(psutil.Process(pid).cmdline()):
                        return pid
            return 0

        return wait_for(find, f"the replica of {uid}")

    def engine_pid(self, uid: str) -> int:
        """The engine below a model's replica."""

        def find() -> int:
            with contextlib.suppress(psutil.Error):  # it is just being replaced
                children = psutil.Process(self.replica_pid(uid)).children()
                return next((child.pid for child in children), 0)
            return 0

        return wait_for(find, f"the engine of {uid}")

    def orphans(self) -> dict[int, str]:
        """Processes of this home, whoever their parent is: pid → command line."""
        mark = f"XPLATFORM_HOME={self.home}"
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                line = " ".join(process.cmdline())
                environ = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
                # Engines do not get our environment, and Valkey writes its title over its own.
                if f"{self.home}/" in line or mark.encode() in environ:
                    found[process.pid] = line
        return found

    def memory_mb(self, role: str) -> float:
        """Resident memory of a role's processes."""
        pids = self.pids(role)
        return sum(psutil.Process(pid).memory_info().rss for pid in pids) / (1 << 20)

    # -- HTTP ---------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = API_KEY,
        headers: dict[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Answer:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        if key is not None:
            request.add_header("Authorization", f"Bearer {key}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return Answer(response.status, _lower(response.headers), response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, _lower(error.headers), error.read())

    def get(self, path: str, **kwargs: Any) -> Answer:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, body: Any, **kwargs: Any) -> Answer:
        return self.request("POST", path, body, **kwargs)

    def launch(self, uid: str, *, engine: str = "fake", wait: bool = True, **values: Any) -> None:
        """Launch a model; by default the fake engine's, which needs no file."""
        body = {"uid": uid, "engine": engine, "model_path": "/dev/null", **values}
        answer = self.post("/api/launches", body)
        assert answer.status in (200, 201, 202), answer.body
        if wait:
            wait_for(lambda: self.state(uid) == "ready", f"{uid} to be ready", 30)

    def replica(self, uid: str) -> dict[str, Any]:
        """The live replica of a model, as its web process hears of it."""
        status = self.get("/status").json()
        return next(
            (
                r
                for r in sorted(status["replicas"], key=lambda r: -r["epoch"])
                if r["model"] == uid and r["state"] not in ("stopped", "silent")
            ),
            {},
        )

    def busy(self, uid: str) -> int:
        """Slots that are taken, by the replica's own word (at most a second old)."""
        return int(self.replica(uid).get("running", 0))

    def launch_state(self, uid: str) -> dict[str, Any]:
        state: dict[str, Any] = self.get(f"/api/launches/{uid}").json()
        return state

    def state(self, uid: str) -> str:
        """As the web tier sees it, which is what requests meet."""
        answer = self.get(f"/v1/models/{uid}")
        return str(answer.json().get("state", "")) if answer.status == 200 else ""

    def chat(self, model: str, text: str = "hello", **values: Any) -> Answer:
        body = {"model": model, "messages": [{"role": "user", "content": text}], **values}
        return self.post("/v1/chat/completions", body)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def wait_for(look: Callable[[], T], what: str, timeout: float = 20.0) -> T:
    deadline = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError):
            if found := look():
                return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def serving(
    *flags: str, home: Path | None = None, tls: bool = False, **environ: str
) -> Iterator[Server]:
    """A server for the length of a block; nothing of it is left behind. ``tls``: it speaks TLS,
    with a certificate that SSL_CERT_FILE names."""
    # Unix sockets have short paths, so homes of tests lie right under /tmp.
    made = home or Path(tempfile.mkdtemp(prefix="xp-"))
    server = Server(made, free_port(), *flags, tls=tls, **environ)
    try:
        yield server.start()
    finally:
        left = server.processes()
        if server.process is not None:
            with contextlib.suppress(Exception):
                server.stop()
        for pid in {process.pid for process in left} | set(server.orphans()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if home is None:
            shutil.rmtree(made, ignore_errors=True)
