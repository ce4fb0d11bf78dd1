"""Services that are started anew on somebody's word: with a new program, or to be fresh.

One after the other: of several web processes, all but one answer at any time. An operation is
remembered, so that whoever asked can see how far it is, also when it was itself that was restarted.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from xplatform.warden.child import Child

logger = logging.getLogger(__name__)

#: operations that are remembered
KEPT = 100
#: a process that lives this long has started
SETTLED = 1.0
#: from the end of the old process to that of the attempt
START_SECONDS = 60.0
_LOOK_SECONDS = 0.05


class Service(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def child(self) -> Child | None: ...


class CannotRestart(Exception):
    """There is no such service, or it is being restarted; the text goes to the caller."""


@dataclass(slots=True)
class Restart:
    id: str
    #: what was asked for: a service, or the common beginning of several (``web``)
    name: str
    #: draining, starting, ready, failed
    status: str
    started: float
    finished: float | None = None
    error: str = ""


class Restarts:
    def __init__(self, services: Mapping[str, Service], drain: float) -> None:
        """``drain``: seconds from SIGTERM to SIGKILL."""
        self._services = services
        self._drain = drain
        self._operations: dict[str, Restart] = {}
        #: they must be held, or they are collected
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, name: str, request_id: str = "") -> dict[str, Any]:
        """The same ``request_id`` twice is one operation. Raises CannotRestart."""
        if known := self._operations.get(request_id):
            return asdict(known)
        services = self._find(name)
        for other in self._operations.values():
            if other.finished is None and other.name == name:
                raise CannotRestart(f"{name} is being restarted already")
        operation = Restart(request_id or secrets.token_hex(8), name, "draining", time.time())
        self._operations[operation.id] = operation
        for old in list(self._operations)[:-KEPT]:
            del self._operations[old]
        task = asyncio.ensure_future(self._run(operation, services))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asdict(operation)

    def all(self) -> list[dict[str, Any]]:
        return [asdict(operation) for operation in self._operations.values()]

    def _find(self, name: str) -> list[Service]:
        found = [
            service
            for service in self._services.values()
            if service.name == name or service.name.rpartition("-")[0] == name
        ]
        if not found:
            there = ", ".join(self._services)
            raise CannotRestart(f"there is no service {name}; there are: {there}")
        return found

    async def _run(self, operation: Restart, services: list[Service]) -> None:
        logger.info("%s is restarted on demand", operation.name)
        for service in services:
            operation.status = "draining"
            old = service.child
            if old is not None and old.running:
                old.stop(self._drain)
                await old.gone.wait()
            operation.status = "starting"
            if not await self._started(service, old):
                operation.status = "failed"
                operation.error = f"{service.name} did not start again within {START_SECONDS:.0f} s"
                break
        else:
            operation.status = "ready"
        operation.finished = time.time()

    async def _started(self, service: Service, old: Child | None) -> bool:
        """The supervisor starts what ended; here is only waited for it."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            new = service.child
            if new is not None and new is not old and new.running and new.lifetime >= SETTLED:
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False
