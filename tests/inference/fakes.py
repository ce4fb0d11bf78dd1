"""A channel layer and a task sender that keep what they are given, with the real ones' methods."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from apps.inference import messages
from xplatform.core.channels import BODY


class FakeLayer:
    """Delivers within one event loop; ``lose`` says which sends vanish."""

    def __init__(self) -> None:
        self.queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self.groups: dict[str, set[str]] = {}
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.lose = lambda channel, message: False
        self._numbers = itertools.count()

    async def new_channel(self, prefix: str = "x.") -> str:
        name = f"{prefix}{next(self._numbers)}"
        self.queues[name] = asyncio.Queue()
        return name

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        self.sent.append((channel, message))
        if not self.lose(channel, message):
            self.queues.setdefault(channel, asyncio.Queue()).put_nowait(message)

    async def receive(self, channel: str) -> dict[str, Any]:
        return await self.queues.setdefault(channel, asyncio.Queue()).get()

    async def group_add(self, group: str, channel: str) -> None:
        self.groups.setdefault(group, set()).add(channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        for channel in self.groups.get(group, ()):
            await self.send(channel, message)

    def to_replicas(self) -> list[messages.ToReplica]:
        return [
            messages.decode_to_replica(message[BODY])
            for _, message in self.sent
            if message["type"] == "web"
        ]


class FakeSender:
    def __init__(self) -> None:
        self.connected = True
        self.tasks: list[tuple[str, str, tuple[Any, ...]]] = []

    def send(self, task: str, queue: str, *args: Any, expires: float = 0.0) -> None:
        self.tasks.append((task, queue, args))

    def envelopes(self) -> list[messages.Envelope]:
        return [messages.decode_envelope(args[0]) for _, _, args in self.tasks]
