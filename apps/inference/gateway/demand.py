"""What this web process tells the control plane about its requests: how many, not which.

Once a second, for models with something to tell; a model that falls silent is told once more, with
zeros. From this replicas are added and taken away, models stopped when idle, and the time of the
last call is known. A report that is lost is made up for by the next.
"""

from __future__ import annotations

import time
from typing import Any

from apps.inference.gateway.hub import Hub
from apps.inference.gateway.ticket import State
from xplatform.core import queues
from xplatform.core.sender import TaskSender

SECONDS = 1.0
#: older ones would tell of a time that is over
_EXPIRES = 5.0


class Demand:
    def __init__(self, hub: Hub, sender: TaskSender) -> None:
        self._hub = hub
        self._sender = sender
        self._told: set[str] = set()

    def tell(self) -> None:
        models = self._now()
        quiet = self._told - models.keys()
        self._told = set(models)
        for uid in quiet:
            models[uid] = _nothing()
        if models:
            report: dict[str, Any] = {
                "web": self._hub.channel,
                "time": time.time(),
                "models": models,
            }
            self._sender.send(queues.TASK_DEMAND, queues.CONTROL, report, expires=_EXPIRES)

    def _now(self) -> dict[str, dict[str, Any]]:
        now, models = time.monotonic(), {}
        for uid, requests in self._hub.take_opened().items():
            models[uid] = _nothing() | {"requests": requests}
        for ticket in self._hub.all():
            if ticket.state is State.DONE:
                continue
            model = models.setdefault(ticket.model, _nothing())
            if ticket.state is State.QUEUED:
                model["waiting"] += 1
                model["oldest_seconds"] = max(model["oldest_seconds"], now - ticket.queued_at)
            else:
                model["running"] += 1
        return models


def _nothing() -> dict[str, Any]:
    return {"running": 0, "waiting": 0, "oldest_seconds": 0.0, "requests": 0}
