"""The command as people run it, and a small server that answers like ``/api``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest

ROOT = Path(__file__).parents[2]


class Run(Protocol):
    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def xplatform(tmp_path: Path) -> Run:
    """Runs ``python -m xplatform …`` on a home of its own."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("XPLATFORM_", "XINFERENCE_"))
        }
        return subprocess.run(
            [sys.executable, "-m", "xplatform", *words],
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            env={
                **clean,
                "PYTHONPATH": str(ROOT),
                "XPLATFORM_HOME": str(tmp_path / "home"),
                # Where logins are kept.
                "XDG_CONFIG_HOME": str(tmp_path / "config"),
                **environment,
            },
        )

    return run


class ApiServer:
    """Answers from a list of ``(status, body)`` per method and path; the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], list[tuple[int, Any]]] = {}
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                outer.requests.append((self.command, self.path, dict(self.headers), body))
                queue = outer.answers.get((self.command, self.path)) or [(404, "not json")]
                status, content = queue.pop(0) if len(queue) > 1 else queue[0]
                data = (
                    content.encode() if isinstance(content, str) else json.dumps(content).encode()
                )
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def api() -> Iterator[ApiServer]:
    server = ApiServer()
    yield server
    server.close()
