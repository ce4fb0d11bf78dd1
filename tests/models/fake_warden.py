"""The warden's socket with its real protocol; instead of replicas it starts processes that do
nothing, so that their ends can be watched."""

from __future__ import annotations

import json
import socketserver
import subprocess
import threading
from pathlib import Path
from typing import Any


class FakeWarden:
    def __init__(self, path: Path) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.started: list[tuple[str, list[str]]] = []
        self.environments: list[dict[str, str]] = []
        #: why it was asked to stop all
        self.shutdowns: list[str] = []
        self.stops: list[tuple[str, float]] = []
        self.last_lines: list[str] = ["ValueError: its last words"]
        #: refuse to start, with these words
        self.refuse = ""
        warden = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    answer = warden.answer(json.loads(line))
                    self.wfile.write(json.dumps(answer).encode() + b"\n")

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self._server = Server(str(path), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for process in self.processes.values():
            process.kill()
            process.wait()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request.get("name", "")
        match request["op"]:
            case "list":
                return {"ok": True, "children": [self._show(name) for name in self.processes]}
            case "start" if self.refuse:
                return {"ok": False, "error": self.refuse}
            case "start" if name in self.processes:
                return {"ok": False, "error": f"{name} is running already"}
            case "start":
                self.started.append((name, request["argv"]))
                self.environments.append(request["env"])
                self.processes[name] = subprocess.Popen(["sleep", "1000"])
                return {"ok": True, "pid": self.processes[name].pid}
            case "shutdown":
                self.shutdowns.append(request["why"])
                return {"ok": True}
            case "stop" if name in self.processes:
                self.stops.append((name, request["grace"]))
                if request["grace"] < 5:  # else it drains
                    self.processes[name].terminate()
                return {"ok": True}
            case "forget" if name in self.processes:
                self.processes.pop(name).wait()
                return {"ok": True}
        return {"ok": False, "error": f"there is no child {name}"}

    def _show(self, name: str) -> dict[str, Any]:
        process = self.processes[name]
        code = process.poll()
        return {
            "name": name,
            "pid": process.pid,
            "running": code is None,
            "started": 0.0,
            "ended": None,
            "exit_code": code,
            "last_lines": self.last_lines,
        }
