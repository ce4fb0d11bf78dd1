"""How many replicas a launch should have now, between its two bounds. Pure.

Up: as soon as more requests wait than the ready replicas have slots, or the first of them waits
too long; not while replicas that were asked for are still on their way. Down: one by one when
fewer were enough for a while. To the lower bound: when nobody called for ``idle_seconds``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from xplatform.engines.reason import Reason

#: requests that wait, per slot of ready replicas
WAITING_PER_SLOT = 1.0
#: seconds that the first of them waits
LONGEST_WAIT = 2.0
#: between two steps up; between the last need of all replicas and a step down
COOL_UP, COOL_DOWN = 5.0, 60.0
#: what a web process told is good for so long
DEMAND_EXPIRES = 5.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of a launch now, by all web processes together."""

    running: int = 0
    waiting: int = 0
    #: how long the first of those has been waiting
    oldest: float = 0.0

    @property
    def any(self) -> bool:
        return self.running + self.waiting > 0

    def replicas(self, slots: int) -> int:
        """How many could work on all of it at once."""
        return math.ceil((self.running + self.waiting) / max(1, slots))


NOTHING = Demand()


@dataclass(frozen=True, slots=True)
class Scale:
    """A running launch. Times are Unix seconds."""

    wanted: int
    least: int
    most: int
    ready: int
    #: requests that run at once in one replica
    slots: int
    idle_seconds: float | None = None
    #: the last request, and since when requests could be heard of at all
    called: float = 0.0
    #: all replicas were last needed
    busy: float = 0.0
    #: ``wanted`` was last changed
    scaled: float = 0.0
    #: made room for another model
    pushed_out: bool = False
    #: a replica is on its way: nobody could have called it yet
    loading: bool = False


def wanted(launch: Scale, demand: Demand, now: float) -> tuple[int, Reason | None]:
    """The number, and why it is another one than before."""
    least = 0 if launch.pushed_out else launch.least
    if demand.any and launch.wanted == 0:
        return max(1, launch.least), Reason("was_called", "called")
    if launch.wanted < least:
        return least, Reason("at_least", f"at least {least} are to run", count=least)
    if launch.wanted > launch.most:
        most = launch.most
        return most, Reason("at_most", f"at most {most} are to run", count=most)
    if demand.any:
        return _by_load(launch, demand, now)
    idle = launch.idle_seconds is not None and now - launch.called >= launch.idle_seconds
    if idle and launch.wanted > least and not launch.loading:
        text = f"not called for {launch.idle_seconds:g} seconds"
        return least, Reason("not_called", text, seconds=launch.idle_seconds or 0)
    return _down(launch, demand, now)


def _by_load(launch: Scale, demand: Demand, now: float) -> tuple[int, Reason | None]:
    room = launch.wanted < launch.most and launch.ready >= launch.wanted
    many = demand.waiting > WAITING_PER_SLOT * launch.slots * launch.ready
    late = demand.waiting > 0 and demand.oldest > LONGEST_WAIT
    if room and (many or late) and now - launch.scaled >= COOL_UP:
        # At most twice as many at once: what waits may be a burst.
        aim = min(launch.most, 2 * launch.wanted, demand.replicas(launch.slots))
        return max(launch.wanted + 1, aim), _why(demand)
    return _down(launch, demand, now)


def _why(demand: Demand) -> Reason:
    text = f"{demand.waiting} requests wait, the first for {demand.oldest:.1f} s"
    return Reason("requests_wait", text, count=demand.waiting, seconds=round(demand.oldest, 1))


def _down(launch: Scale, demand: Demand, now: float) -> tuple[int, Reason | None]:
    # The last one goes by ``idle_seconds`` only.
    least = max(1, launch.least)
    enough = demand.replicas(launch.slots)
    quiet = now - max(launch.busy, launch.scaled)
    if launch.wanted > least and enough < launch.wanted and quiet >= COOL_DOWN:
        number = max(least, enough)
        text = f"{number} were enough for {COOL_DOWN:g} seconds"
        return launch.wanted - 1, Reason("were_enough", text, count=number, seconds=COOL_DOWN)
    return launch.wanted, None
