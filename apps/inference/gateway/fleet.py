"""Which replicas live, what they can do and whether they have room: from their own beats."""

from __future__ import annotations

import time
from dataclasses import dataclass

from apps.inference.messages import Beat

ReplicaKey = tuple[str, int]


@dataclass(slots=True)
class View:
    beat: Beat
    heard: float


class Fleet:
    def __init__(self, peer_timeout: float) -> None:
        self._peer_timeout = peer_timeout
        self._views: dict[ReplicaKey, View] = {}
        #: model → since when some replica has had a free slot in every beat
        self._idle_since: dict[str, float] = {}

    def hear(self, beat: Beat) -> bool:
        """Take a beat in; True when the replica became ready or ceased to be."""
        now = time.monotonic()
        key = (beat.replica, beat.epoch)
        before = self._views.get(key)
        if beat.state == "stopped":
            self._views.pop(key, None)
        else:
            self._views[key] = View(beat, now)
        was_ready = before is not None and before.beat.state == "ready"
        self._note_idle(beat.model, now)
        return was_ready != (beat.state == "ready")

    def touch(self, key: ReplicaKey) -> None:
        """A frame is as good a sign of life as a beat."""
        if view := self._views.get(key):
            view.heard = time.monotonic()

    def prune(self) -> None:
        limit = time.monotonic() - 10 * self._peer_timeout
        for key in [key for key, view in self._views.items() if view.heard < limit]:
            del self._views[key]

    def alive(self, key: ReplicaKey) -> bool:
        view = self._views.get(key)
        return view is not None and time.monotonic() - view.heard <= self._peer_timeout

    def state(self, beat: Beat) -> str:
        """As it was heard last; ``silent`` when that is too long ago."""
        return beat.state if self.alive((beat.replica, beat.epoch)) else "silent"

    def ready(self, model: str) -> list[Beat]:
        limit = time.monotonic() - self._peer_timeout
        return [
            view.beat
            for view in self._views.values()
            if view.beat.model == model and view.beat.state == "ready" and view.heard >= limit
        ]

    def loading(self, model: str) -> Beat | None:
        limit = time.monotonic() - self._peer_timeout
        for view in self._views.values():
            if view.beat.model == model and view.beat.state == "loading" and view.heard >= limit:
                return view.beat
        return None

    def all(self) -> list[Beat]:
        return [view.beat for view in self._views.values()]

    def slots(self, model: str) -> int:
        return sum(beat.slots for beat in self.ready(model))

    def idle_for(self, model: str) -> float:
        """Seconds for which the model has had a free slot."""
        since = self._idle_since.get(model)
        return 0.0 if since is None else time.monotonic() - since

    def _note_idle(self, model: str, now: float) -> None:
        if any(beat.running < beat.slots for beat in self.ready(model)):
            self._idle_since.setdefault(model, now)
        else:
            self._idle_since.pop(model, None)
