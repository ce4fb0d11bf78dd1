"""Small programs in place of the real ones, and a way to run the warden with them.

``python stand_in.py warden serve --home …`` is ``xplatform serve …`` whose children are the
stand-ins below; the broker is the real one. What they do is chosen by ``STAND_IN_<ROLE>``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def warden(words: list[str]) -> int:
    from xplatform.cli.main import main
    from xplatform.warden import serve

    vars(serve)["python_command"] = command
    return main(words)


def command(*words: str) -> list[str]:
    return [sys.executable, __file__, *words]


def setup(_words: list[str]) -> int:
    mode = os.environ.get("STAND_IN_SETUP", "first")
    if mode == "fail":
        sys.stderr.write("Traceback …\nxplatform: the database is on fire.\n")
        return 1
    if mode == "garbage":
        print("not json")
        return 0
    first = mode == "first"
    admin = {"username": "admin", "password": "first-password" if first else None}
    print(
        json.dumps({"admin": admin, "api_key": "xp-first-key" if first else None, "created": first})
    )
    return 0


def control(_words: list[str]) -> int:
    mode = os.environ.get("STAND_IN_CONTROL", "")
    if mode == "crash":
        sys.stderr.write("the reason is written here\n")
        return 1
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        if self.path.startswith("/slow"):
            for _ in range(int(self.path.partition("=")[2])):
                time.sleep(0.1)
                self.wfile.write(b".")
        if self.path == "/spew":
            sys.stderr.write("x" * 99 + "\n")
            sys.stderr.flush()
        if self.path == "/nodelay":
            value = self.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            self.wfile.write(str(value).encode())
        self.wfile.write(str(os.getpid()).encode())

    def log_message(self, *_: Any) -> None:
        pass


def web(words: list[str]) -> int:
    listener = socket.socket(fileno=int(words[words.index("--fd") + 1]))
    listener.setblocking(True)
    server = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.daemon_threads = False
    server.block_on_close = True

    def drain(*_: Any) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, drain)
    if os.environ.get("STAND_IN_WEB") == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    return 0


def replica(words: list[str]) -> int:
    """``replica MODE``: wait, exit CODE, stubborn, spew MB, engine (has a tied child), stray."""
    match words:
        case ["exit", code]:
            print("about to end", flush=True)
            return int(code)
        case ["stubborn"]:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("stubborn", flush=True)
        case ["spew", megabytes]:
            for number in range(int(megabytes) * 1024):
                print(f"{number:>6} " + "y" * 1016)
            print("end of it", flush=True)
        case ["engine"]:
            subprocess.Popen(command("engine", str(os.getpid())))
        case ["stray"]:
            # Started in a session of its own and tied to nobody.
            subprocess.Popen(
                [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
            )
            return 0
        case ["environment"]:
            print(json.dumps(dict(os.environ)), flush=True)
    while True:
        time.sleep(60)


def engine(words: list[str]) -> int:
    from xplatform.engines.tether import tie_to_parent

    tie_to_parent(int(words[0]))
    while True:
        time.sleep(60)


if __name__ == "__main__":
    roles = {
        "warden": warden, "setup": setup, "control": control, "node-agent": control, "web": web,
        "replica": replica, "engine": engine,
    }  # fmt: skip
    sys.exit(roles[sys.argv[1]](sys.argv[2:]))
