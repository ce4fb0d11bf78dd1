"""Asking the warden of this machine; blocking, for the node agent and the web. Standard library
only."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class WardenError(Exception):
    """The warden refused, or cannot be reached."""


class WardenAway(WardenError):
    """There is no warden, or it does not answer."""


@dataclass(frozen=True, slots=True)
class ChildReport:
    """A child as the warden sees it; times are seconds since the epoch."""

    name: str
    pid: int
    running: bool
    started: float
    ended: float | None
    #: as ``subprocess`` tells it: negative for the signal that killed it
    exit_code: int | None
    #: the end of what it wrote to stdout and stderr
    last_lines: list[str]


@dataclass(frozen=True, slots=True)
class RestartReport:
    """How far the restart of a service is."""

    id: str
    name: str
    #: draining, starting, ready, failed
    status: str
    started: float
    finished: float | None
    error: str


class WardenClient:
    """A connection an operation: nothing to heal after the warden was restarted; thread-safe."""

    def __init__(self, path: Path | str, timeout: float = 10.0) -> None:
        self._path = str(path)
        self._timeout = timeout

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> int:
        """Start a child; its pid."""
        reply = self._ask(op="start", name=name, argv=list(argv), env=dict(env or {}))
        return int(reply["pid"])

    def stop(self, name: str, grace: float) -> None:
        """SIGTERM now, SIGKILL after ``grace`` seconds; does not wait."""
        self._ask(op="stop", name=name, grace=grace)

    def list(self) -> list[ChildReport]:
        return [ChildReport(**child) for child in self._ask(op="list")["children"]]

    def forget(self, name: str) -> None:
        """Drop an ended child from the list."""
        self._ask(op="forget", name=name)

    def services(self) -> Sequence[str]:
        """The processes that are kept running: broker, web, control, …"""
        return [str(name) for name in self._ask(op="services")["services"]]

    def restart(self, name: str, request_id: str = "") -> RestartReport:
        """Of a service, or of several with this beginning, one after the other. Does not wait."""
        reply = self._ask(op="restart", name=name, request_id=request_id)
        return RestartReport(**reply["restart"])

    def restarts(self) -> Sequence[RestartReport]:
        """Oldest first."""
        return [RestartReport(**restart) for restart in self._ask(op="restarts")["restarts"]]

    def shutdown(self, why: str = "") -> None:
        """Stop the whole server in order; with a reason it ends as failed, and says it."""
        self._ask(op="shutdown", why=why)

    def _ask(self, **request: Any) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(self._timeout)
                connection.connect(self._path)
                connection.sendall(json.dumps(request).encode() + b"\n")
                with connection.makefile("rb") as answer:
                    line = answer.readline()
        except OSError as error:
            raise WardenAway(f"The warden at {self._path} cannot be reached: {error}.") from error
        if not line:
            raise WardenAway(f"The warden at {self._path} ended the connection.")
        reply: dict[str, Any] = json.loads(line)
        if not reply.get("ok"):
            raise WardenError(str(reply.get("error")))
        return reply
