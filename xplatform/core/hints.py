"""Hints inside one web process: whoever waits for a change is woken when one is heard of.

The gateway's hub is the one receiver of this process (see ``xplatform.core.channels``); it tells
here what it hears, so that a hundred sockets cost no further receiver. A hint says "look again"
and carries nothing: listeners read the truth, and look from time to time anyhow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: this process is about to end: whoever waits for long ends its wait now
STOPPING: Final = "stopping"
MODELS: Final = "models"
EVENTS: Final = "events"
KEYS: Final = "keys"
LIMITS: Final = "limits"

_stopping = False
_listeners: dict[str, set[asyncio.Event]] = {}


def tell(kind: str) -> None:
    """Only in the event loop's thread."""
    global _stopping
    _stopping = _stopping or kind == STOPPING
    for event in _listeners.get(kind, ()):
        event.set()


@contextmanager
def listening(*kinds: str) -> Iterator[asyncio.Event]:
    """An event that is set at each hint of these kinds; the listener clears it, then looks."""
    event = asyncio.Event()
    if _stopping and STOPPING in kinds:
        event.set()
    for kind in kinds:
        _listeners.setdefault(kind, set()).add(event)
    try:
        yield event
    finally:
        for kind in kinds:
            _listeners[kind].discard(event)
