"""``<sockets>/warden.sock``: the node agent's way to start and stop replicas, and the web's to
restart a service or to stop the server.

One JSON object a line each way. Only the owner of the home can connect (mode 0600).

======  =======================  ==========================================================
op      with                     answer (``{"ok": true, …}`` or ``{"ok": false, "error": text}``)
======  =======================  ==========================================================
start   name, argv, env          pid
stop    name, grace (seconds)    at once; SIGTERM now, SIGKILL after the grace
list                             children: name, pid, running, started, ended, exit_code,
                                 last_lines (of its output); ended ones stay until forgotten
forget  name                     an ended child is dropped from the list
======  =======================  ==========================================================

========  =====================  ==========================================================
op        with                   answer
========  =====================  ==========================================================
services                         services: names of the processes that are kept running
restart   name, request_id       restart: id, name, status (draining, starting, ready, failed),
                                 started, finished, error. The same request_id twice is one
restarts                         restarts: all of them, oldest first
shutdown  why (or empty)         at once; the server stops as by SIGTERM, or as failed for why
========  =====================  ==========================================================
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xplatform.warden.child import Child
from xplatform.warden.restarts import CannotRestart, Restarts

logger = logging.getLogger(__name__)

#: longest request
LINE_BYTES = 4 * 1024 * 1024
#: ended children that are remembered
KEPT_ENDED = 100


class Refused(Exception):
    """The operation cannot be done; the text goes to the caller."""


class Replicas:
    """The dynamic children. They are not restarted here: the control plane decides that."""

    def __init__(self, start: Callable[[str, list[str], dict[str, str]], Child]) -> None:
        self._start = start
        self.children: dict[str, Child] = {}
        #: set when the warden stops: nothing starts any more
        self.closed = False

    @property
    def running(self) -> list[Child]:
        return [child for child in self.children.values() if child.running]

    def handle(self, request: Any) -> dict[str, Any]:
        try:
            match request:
                case {"op": "start", "name": str(name), "argv": [_, *_] as argv}:
                    return self._op_start(name, argv, request.get("env") or {})
                case {"op": "stop", "name": str(name)}:
                    grace = request.get("grace", 5.0)
                    if not isinstance(grace, int | float):
                        raise Refused("grace is not a number of seconds")
                    self._find(name).stop(float(grace))
                    return {"ok": True}
                case {"op": "list"}:
                    return {"ok": True, "children": [_show(c) for c in self.children.values()]}
                case {"op": "forget", "name": str(name)}:
                    if self._find(name).running:
                        raise Refused(f"{name} is running")
                    del self.children[name]
                    return {"ok": True}
                case _:
                    raise Refused("no such operation, or a field of it is missing")
        except Refused as error:
            return {"ok": False, "error": str(error)}

    def _find(self, name: str) -> Child:
        if (child := self.children.get(name)) is None:
            raise Refused(f"there is no child {name}")
        return child

    def _op_start(self, name: str, argv: list[Any], env: Any) -> dict[str, Any]:
        if not all(isinstance(word, str) for word in argv):
            raise Refused("argv is not a list of texts")
        if not isinstance(env, dict) or not all(isinstance(v, str) for v in env.values()):
            raise Refused("env is not an object of texts")
        if self.closed:
            raise Refused("the server is stopping")
        if (old := self.children.get(name)) is not None and old.running:
            raise Refused(f"{name} is running already")
        try:
            child = self._start(name, argv, env)
        except (OSError, ValueError) as error:
            raise Refused(f"cannot start {name}: {error}") from error
        # Dropped first, so that the list stays in the order of starts.
        self.children.pop(name, None)
        self.children[name] = child
        ended = [name for name, child in self.children.items() if not child.running]
        for forgotten in ended[:-KEPT_ENDED]:
            del self.children[forgotten]
        return {"ok": True, "pid": child.pid}


class Services:
    """The processes that are kept running, and the server as a whole."""

    def __init__(
        self, names: Callable[[], list[str]], restarts: Restarts, shutdown: Callable[[str], None]
    ) -> None:
        self._names = names
        self._restarts = restarts
        self._shutdown = shutdown

    def handle(self, request: Any) -> dict[str, Any] | None:
        """None: this is no operation on services."""
        match request:
            case {"op": "services"}:
                return {"ok": True, "services": self._names()}
            case {"op": "restart", "name": str(name)}:
                try:
                    restart = self._restarts.begin(name, str(request.get("request_id") or ""))
                except CannotRestart as error:
                    return {"ok": False, "error": str(error)}
                return {"ok": True, "restart": restart}
            case {"op": "restarts"}:
                return {"ok": True, "restarts": self._restarts.all()}
            case {"op": "shutdown"}:
                self._shutdown(str(request.get("why") or ""))
                return {"ok": True}
        return None


async def serve(path: Path, replicas: Replicas, services: Services) -> asyncio.Server:
    """Listen; the server's ``close()`` ends it."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    request = json.loads(line)
                except ValueError:
                    request = None
                answer = services.handle(request) or replicas.handle(request)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            # The caller went away, or sent a line past the limit.
            pass
        except Exception:
            logger.exception("control socket")
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    mask = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(connected, path, limit=LINE_BYTES)
    finally:
        os.umask(mask)


def _show(child: Child) -> dict[str, Any]:
    return {
        "name": child.name,
        "pid": child.pid,
        "running": child.running,
        "started": child.started,
        "ended": child.ended or None,
        "exit_code": child.exit_code,
        "last_lines": child.last_lines,
    }
