"""The newest numbers, for all sockets of this web process that asked for them: read once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from apps.models.pulse.points import ModelPoint, NodePoint, total
from apps.models.pulse.series import (
    Sight,
    Which,
    device_numbers,
    merged_models,
    merged_nodes,
    model_numbers,
    node_numbers,
)
from apps.models.pulse.store import BEAT, LIVE, SETTLES, store

log = logging.getLogger(__name__)

#: beats that one message is made of: of a single one the rates would jump about
_BEATS = 2
#: a node that was heard in so many has not vanished
_NODE_BEATS = 4


@dataclass(frozen=True, slots=True)
class Newest:
    #: Unix time up to which it goes
    at: float = 0.0
    models: dict[Which, ModelPoint] = field(default_factory=dict)
    nodes: dict[str, NodePoint] = field(default_factory=dict)

    def message(self, sight: Sight) -> dict[str, Any]:
        """What somebody sees of it."""
        seen = {which: point for which, point in self.models.items() if sight.sees(which)}
        return {
            "type": "pulse",
            "at": self.at,
            "total": _numbers(total(seen.values())),
            "models": [
                {"project": project, "model": uid, **_numbers(point)}
                for (project, uid), point in sorted(seen.items())
            ],
            "nodes": [
                {
                    "node": name,
                    **node_numbers(point),
                    "devices": [
                        {"id": key, **device_numbers(device)}
                        for key, device in sorted(point.devices.items())
                    ],
                }
                for name, point in sorted(self.nodes.items())
                if sight.nodes
            ],
        }


def _numbers(point: ModelPoint) -> dict[str, Any]:
    return model_numbers(point, LIVE, _BEATS)


def read_newest() -> Newest | None:
    """Blocks. None: nobody has told anything."""
    last = LIVE.newest(time.time())
    models: dict[Which, ModelPoint] = {}
    nodes: dict[str, NodePoint] = {}
    heard = False
    for slot in store().read("models", LIVE, last - _BEATS + 1, last):
        if (merged := merged_models(slot)) is not None:
            heard = True
            for which, point in merged.items():
                models.setdefault(which, ModelPoint(which[0])).add(point)
    for slot in store().read("nodes", LIVE, last - _NODE_BEATS + 1, last + 1):
        nodes |= merged_nodes(slot)
    return Newest((last + 1) * LIVE.seconds, models, nodes) if heard or nodes else None


class Live:
    """Belongs to one event loop; reads while somebody follows."""

    def __init__(self) -> None:
        self._newest: Newest | None = None
        self._moved = asyncio.Condition()
        self._followers = 0
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """``after`` works inside of this block."""
        self._followers += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers and self._task is not None:
                self._task.cancel()
                self._task = None
                # Whoever comes next is not told how it was when the last one left.
                self._newest = None

    async def after(self, at: float) -> Newest:
        """The newest, as soon as it is newer than this."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._newest and self._newest.at > at)
            assert self._newest is not None
            return self._newest

    async def _run(self) -> None:
        while True:
            try:
                newest = await asyncio.to_thread(read_newest)
                if newest is not None:
                    async with self._moved:
                        self._newest = newest
                        self._moved.notify_all()
            except Exception:
                log.exception("the pulse cannot be read")
            # Right after the beats have settled.
            now = time.time() - SETTLES
            await asyncio.sleep(BEAT - now % BEAT + 0.05)


_lives: dict[asyncio.AbstractEventLoop, Live] = {}


def live() -> Live:
    """This process's."""
    loop = asyncio.get_running_loop()
    if loop not in _lives:
        # A process has one loop; tests have one after the other.
        _lives.clear()
        _lives[loop] = Live()
    return _lives[loop]
