"""Which idle models go so that another one fits. Pure.

Only what is ready, idle and not pinned goes, and only a launch that starts again by itself when
it is called; the cheapest to load again go first. A busy or loading replica never goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace

from apps.models.control.placement import Need, Place, Room, place

#: a model that was called within this many seconds is not idle
IDLE = 5.0
#: of a model that never told how long it takes to start
_UNKNOWN_START = 30.0


@dataclass(frozen=True, slots=True)
class Idle:
    """A replica that may go."""

    replica: str
    uid: str
    place: Place
    start_seconds: float | None
    #: seconds since its model was last called
    quiet: float

    @property
    def cost(self) -> float:
        """Long to start and often called is dear."""
        start = _UNKNOWN_START if self.start_seconds is None else self.start_seconds
        return start / max(1.0, self.quiet)


def make_room(
    need: Need, rooms: Iterable[Room], idle: Sequence[Idle], own: Mapping[str, int]
) -> tuple[Idle, ...] | None:
    """Whom to push out, all on one node; nobody, when it fits as soon as those have ended that are
    ending already; None: it would not help."""
    best: tuple[Idle, ...] | None = None
    there: dict[str, list[Idle]] = {}
    for item in idle:
        there.setdefault(item.place.node, []).append(item)
    for room in rooms:
        chosen = _cheapest(need, room, there.get(room.name, ()), own)
        if chosen is not None and (best is None or _cost(chosen) < _cost(best)):
            best = chosen
    return best


def _cheapest(
    need: Need, room: Room, idle: Sequence[Idle], own: Mapping[str, int]
) -> tuple[Idle, ...] | None:
    if not idle and not room.ending:
        return None
    trial = _copy(room)
    for going in room.ending:
        trial.give_back(going)
    if isinstance(place(need, [trial], own), Place):
        return ()
    gone: list[Idle] = []
    for item in sorted(idle, key=lambda item: (item.cost, item.replica)):
        trial.give_back(item.place)
        gone.append(item)
        if isinstance(place(need, [trial], own), Place):
            break
    else:
        return None
    # One that was cheap may not have helped: on another device, or less than it took.
    for item in sorted(gone, key=lambda item: -item.cost):
        trial.take(item.place)
        if isinstance(place(need, [trial], own), Place):
            gone.remove(item)
        else:
            trial.give_back(item.place)
    return tuple(gone)


def _copy(room: Room) -> Room:
    return replace(room, slots=[copy(slot) for slot in room.slots])


def _cost(chosen: Sequence[Idle]) -> float:
    return sum(item.cost for item in chosen)
