"""Celery's threads pool, which says when a slot is free.

With ``worker_disable_prefetch`` the consumer fetches when fewer messages than ``num_processes``
are at hand, but looks only when its event loop turns; without the nudge a free slot would wait
for the next timer, up to a second.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from celery.concurrency.thread import TaskPool
from kombu.asynchronous import get_event_loop


class NudgingPool(TaskPool):
    def on_apply(self, *args: Any, **kwargs: Any) -> Any:
        result = super().on_apply(*args, **kwargs)
        result.f.add_done_callback(_slot_free)
        return result


def nudge() -> None:
    """Make the consumer look whether it may fetch."""
    hub = get_event_loop()
    if hub is not None:
        hub.call_soon(_nothing)


def _slot_free(_future: Future[Any]) -> None:
    nudge()


def _nothing() -> None:
    pass
