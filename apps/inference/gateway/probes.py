"""What is asked about this process: by load balancers, by Prometheus and by people."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from apps.inference.gateway import cards, metrics
from apps.inference.gateway.http import Exchange
from apps.inference.gateway.hub import Hub
from apps.inference.gateway.memory import Memory
from xplatform import __version__
from xplatform.core.addresses import is_loopback
from xplatform.core.config import Settings
from xplatform.core.sender import TaskSender

#: whoever has one of them was handed on by a proxy, and is not of this machine
_HANDED_ON = (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via")


class Probes:
    def __init__(self, settings: Settings, memory: Memory, hub: Hub, sender: TaskSender) -> None:
        self._settings = settings
        self._memory = memory
        self._hub = hub
        self._sender = sender
        self._began = time.time()

    async def healthz(self, exchange: Exchange) -> None:
        await exchange.answer(b'{"status":"ok"}')

    async def readyz(self, exchange: Exchange) -> None:
        missing = []
        if not self._memory.loaded:
            missing.append("database")
        if not self._hub.channel or not self._sender.connected:
            missing.append("broker")
        if missing:
            body = msgspec.json.encode({"status": "not ready", "waiting_for": missing})
            await exchange.answer(body, 503, headers=((b"retry-after", b"1"),))
        else:
            await exchange.answer(b'{"status":"ready"}')

    async def status(self, exchange: Exchange) -> None:
        """Open to all in short; with a key, what runs of what it may see."""
        status: dict[str, Any] = {
            "status": "ok" if self._memory.loaded else "starting",
            "version": __version__,
            "uptime_s": round(time.time() - self._began, 1),
        }
        if b"authorization" in exchange.headers:
            actor = await self._memory.admit(exchange, "models.read")
            models = self._memory.catalog.seen_by(actor)
            seen = {model.uid for model in models}
            fleet = self._hub.fleet
            status["in_flight"] = sum(ticket.model in seen for ticket in self._hub.all())
            status["broker_connected"] = self._sender.connected
            status["models"] = [cards.card(model, fleet) for model in models]
            status["replicas"] = [
                {
                    "id": beat.replica,
                    "epoch": beat.epoch,
                    "model": beat.model,
                    "state": fleet.state(beat),
                    "slots": beat.slots,
                    "running": beat.running,
                    "adapters": list(beat.adapters),
                    "probe_seconds": beat.probe_seconds,
                }
                for beat in fleet.all()
                # Whoever sees all also sees those of models that are gone.
                if beat.model in seen or (not actor.project and not actor.models)
            ]
        await exchange.answer(msgspec.json.encode(status))

    async def metrics(self, exchange: Exchange) -> None:
        """Its labels name the models of all projects."""
        if not self._settings.metrics_open and not _is_local(exchange):
            await self._memory.admit(exchange, "logs.read")
        body = metrics.render(self._hub, self._memory.catalog)
        await exchange.answer(body, content_type=metrics.CONTENT_TYPE)


def _is_local(exchange: Exchange) -> bool:
    """From this machine itself. (Not by a proxy on it that nobody told us to trust.)"""
    handed_on = any(name in exchange.headers for name in _HANDED_ON)
    return not handed_on and is_loopback(exchange.address)
