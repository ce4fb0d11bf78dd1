"""Slots of time in the channels' Redis: a hash each, with a field for each source.

Slots of three lengths are written side by side: short ones for what is pushed, longer ones for an
hour, long ones for a day. Each expires by itself, so what it all takes is bounded: see ``Step``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from xplatform.core.config import settings

log = logging.getLogger(__name__)

What = Literal["models", "nodes"]

#: seconds between two beats of a source, which come at multiples of it
BEAT: Final = 2.5
#: a slot is whole this many seconds after its end: by then its last beat has been written
SETTLES: Final = 1.0
_PATIENCE = 2.0
#: while Redis is away only so often is it asked
_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Step:
    """Slots of one length: ``kept / seconds`` of them are there at any time."""

    seconds: float
    kept: int

    @property
    def beats(self) -> int:
        return round(self.seconds / BEAT)

    def slot(self, at: float) -> int:
        return int(at // self.seconds)

    def newest(self, now: float) -> int:
        """The last slot that is whole."""
        return self.slot(now - SETTLES) - 1


LIVE: Final = Step(BEAT, 60)
FINE: Final = Step(5.0, 3700)
COARSE: Final = Step(60.0, 87_000)
STEPS: Final = (LIVE, FINE, COARSE)


def _key(what: What, step: Step, slot: int) -> str:
    return f"xp:pulse:{what}:{step.seconds:g}:{slot}"


class Store:
    """Blocks for a moment; threads may share it. Losing it costs numbers and no more."""

    def __init__(self, url: str) -> None:
        # Here, since commands load this as well and few of them ask a Redis.
        import redis

        self._failure = redis.RedisError
        self._client = redis.Redis.from_url(
            url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE
        )
        self._away_until = 0.0
        self._lock = threading.Lock()

    def write(self, what: What, source: str, slots: Sequence[tuple[Step, int, bytes]]) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            for step, slot, data in slots:
                key = _key(what, step, slot)
                pipe.hset(key, source, data)
                pipe.expire(key, step.kept)
            self._execute(pipe)

    def read(
        self, what: What, step: Step, first: int, last: int, source: str = ""
    ) -> list[dict[str, bytes]]:
        """Of each slot what each source wrote, or this one alone. A gap is an empty dictionary."""
        with self._client.pipeline(transaction=False) as pipe:
            for slot in range(first, last + 1):
                key = _key(what, step, slot)
                if source:
                    pipe.hget(key, source)
                else:
                    pipe.hgetall(key)
            found = self._execute(pipe)
        if found is None:
            return [{} for _ in range(first, last + 1)]
        if source:
            return [{source: data} if data else {} for data in found]
        return [{name.decode(): data for name, data in slot.items()} for slot in found]

    def _execute(self, pipe: Any) -> list[Any] | None:
        """None: it is away."""
        if time.monotonic() < self._away_until:
            return None
        try:
            answers: list[Any] = pipe.execute()
        except self._failure as error:
            with self._lock:
                if not self._away_until:
                    log.warning("the pulse has a gap: %s", error)
                self._away_until = time.monotonic() + _PAUSE
            return None
        self._away_until = 0.0
        return answers


@cache
def store() -> Store:
    """This process's."""
    return Store(settings().channels_url)
