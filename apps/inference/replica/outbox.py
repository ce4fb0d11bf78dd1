"""Frames from a replica to the web processes it works for.

Per destination: a running number, what has piled up since the last send (it goes as one frame),
and a window of what was sent, for those who missed some of it.
"""

from __future__ import annotations

import asyncio
import collections
import logging
import secrets
import time
from typing import Any

from apps.inference import messages
from apps.inference.messages import Frames, Gone, Resend, Tail
from xplatform.core.channels import BODY
from xplatform.engines.protocol import Delta

log = logging.getLogger(__name__)

#: window of one destination: this many frames, and at most this many bytes
WINDOW_FRAMES = 4096
WINDOW_BYTES = 8 << 20
_RETRY_SECONDS = 0.2


class Destination:
    """One web process, by the name of its channel."""

    def __init__(self, outbox: Outbox, channel: str) -> None:
        self.channel = channel
        self.stream = secrets.randbits(48)
        self.seq = 0
        self.heard = time.monotonic()
        #: keys of its requests that run here
        self.keys: set[str] = set()
        self._outbox = outbox
        self._started: list[str] = []
        self._deltas: list[Delta] = []
        self._lost: list[str] = []
        self._reason = ""
        self._window: collections.deque[tuple[int, bytes]] = collections.deque()
        self._window_bytes = 0
        self._wake = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._send_all())

    def started(self, key: str) -> None:
        self._started.append(key)
        self._wake.set()

    def delta(self, delta: Delta) -> None:
        self._deltas.append(delta)
        self._wake.set()

    def lost(self, keys: list[str], reason: str) -> None:
        self._lost.extend(keys)
        self._reason = reason
        self._wake.set()

    async def _send_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not (self._deltas or self._started or self._lost):
                continue
            self.seq += 1
            frames = Frames(
                self._outbox.replica,
                self._outbox.epoch,
                self.stream,
                self.seq,
                tuple(self._started),
                tuple(self._deltas),
                tuple(self._lost),
                self._reason,
            )
            self._started, self._deltas, self._lost, self._reason = [], [], [], ""
            data = messages.encode(frames)
            self._keep(self.seq, data)
            await self._outbox.publish(self.channel, data)

    def _keep(self, seq: int, data: bytes) -> None:
        self._window.append((seq, data))
        self._window_bytes += len(data)
        while len(self._window) > WINDOW_FRAMES or (
            self._window_bytes > WINDOW_BYTES and len(self._window) > 1
        ):
            self._window_bytes -= len(self._window.popleft()[1])

    async def tail(self) -> None:
        tail = Tail(
            self._outbox.replica, self._outbox.epoch, self.stream, self.seq, tuple(self.keys)
        )
        await self._outbox.publish(self.channel, messages.encode(tail))

    async def resend(self, first: int, last: int) -> None:
        kept = [(seq, data) for seq, data in self._window if first <= seq <= last]
        if not kept or kept[0][0] != first:
            gone = Gone(self._outbox.replica, self._outbox.epoch, self.stream, self.seq + 1)
            await self._outbox.publish(self.channel, messages.encode(gone))
            return
        for _, data in kept:
            await self._outbox.publish(self.channel, data)


class Outbox:
    """All destinations of one replica. Lives in the core's event loop."""

    def __init__(self, layer: Any, replica: str, epoch: int) -> None:
        self._layer = layer
        self.replica = replica
        self.epoch = epoch
        self.destinations: dict[str, Destination] = {}

    def to(self, channel: str) -> Destination:
        destination = self.destinations.get(channel)
        if destination is None:
            destination = self.destinations[channel] = Destination(self, channel)
        return destination

    def forget(self, channel: str) -> None:
        if destination := self.destinations.pop(channel, None):
            destination.task.cancel()

    async def publish(self, channel: str, data: bytes) -> None:
        """At most once: a failure is logged, and healed when the receiver asks again."""
        try:
            await self._layer.send(channel, {"type": "frames", BODY: data})
        except Exception as error:
            log.warning("a frame could not be sent: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def resend(self, request: Resend) -> None:
        destination = self.destinations.get(request.reply)
        if destination is None or destination.stream != request.stream:
            gone = Gone(self.replica, self.epoch, request.stream, 0)
            await self.publish(request.reply, messages.encode(gone))
        else:
            await destination.resend(request.first, request.last)
