"""Limits while the broker is away: each web process hands out its share of what was left.

The share is of what the broker last said was left, so in the minute of the outage nobody gets the
whole amount a second time. The error: what other processes were given since that was said, and one
for each process where a limit is smaller than their number. From the next minute on all of them
together stay within the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from apps.metering.windows import MINUTE_MS, Window, share

_MOST_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Want:
    """What one request takes from one counter."""

    #: of the counter; days and months have their date in it
    name: str
    form: Literal["w", "p", "c"]
    limit: int
    amount: int
    #: milliseconds until the day or month ends
    ends: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A counter before the request: what was used, and milliseconds until there is room for the
    request (0: there is) and until nothing counts any more."""

    used: int
    wait: int
    reset: int


class Local:
    def __init__(self) -> None:
        #: what the broker last said: name → (used, when)
        self._seen: dict[str, tuple[int, int]] = {}
        self._windows: dict[str, Window] = {}
        #: day or month → [handed out before the outage, by our share; since by us]
        self._periods: dict[str, list[int]] = {}
        #: what days and months had by requests that the broker knew, while it was away
        self._owed: dict[str, int] = {}
        self._running: dict[str, set[str]] = {}

    # -- while the broker is there -------------------------------------------------------------

    def saw(self, name: str, used: int, now: int) -> None:
        if len(self._seen) >= _MOST_REMEMBERED:
            for old in list(self._seen)[: _MOST_REMEMBERED // 2]:
                del self._seen[old]
        self._seen.pop(name, None)
        self._seen[name] = (used, now)

    def began(self, name: str, lease: str) -> None:
        self._running.setdefault(name, set()).add(lease)

    def ended(self, name: str, lease: str) -> bool:
        """Was it running?"""
        leases = self._running.get(name)
        if leases is None or lease not in leases:
            return False
        leases.discard(lease)
        if not leases:
            del self._running[name]
        return True

    @property
    def running(self) -> dict[str, set[str]]:
        """Leases of this process by counter."""
        return self._running

    # -- while it is away ----------------------------------------------------------------------

    def reserve(
        self, wants: Sequence[Want], lease: str, now: int, processes: int
    ) -> tuple[bool, list[Reading]]:
        """All of it or nothing, like the script."""
        readings = [self._read(want, now, processes) for want in wants]
        if any(reading.wait for reading in readings):
            return False, readings
        for want in wants:
            if want.form == "w":
                self._window(want, now, processes).add(now, want.amount)
            elif want.form == "p":
                self._period(want, processes)[1] += want.amount
            else:
                self.began(want.name, lease)
        return True, readings

    def settle(self, want: Want, at: int, now: int, by: int) -> None:
        """What ``reserve`` took turned out to be ``by`` more."""
        if want.form == "w" and want.name in self._windows:
            self._windows[want.name].correct(at, now, by)
        elif want.form == "p" and want.name in self._periods:
            self._periods[want.name][1] += by

    def owe(self, name: str, amount: int) -> None:
        """What the broker is to be told of a day or month."""
        if name in self._owed or len(self._owed) < _MOST_REMEMBERED:
            self._owed[name] = self._owed.get(name, 0) + amount

    def back(self) -> dict[str, int]:
        """The broker is there again: what days and months had meanwhile. The rest is forgotten."""
        owed, self._owed = self._owed, {}
        for name, (_, own) in self._periods.items():
            owed[name] = owed.get(name, 0) + own
        self._windows.clear()
        self._periods.clear()
        return {name: amount for name, amount in owed.items() if amount}

    def _read(self, want: Want, now: int, processes: int) -> Reading:
        limit = share(want.limit, processes)
        if want.form == "c":
            used = len(self._running.get(want.name, ()))
            return Reading(used, 1000 if used >= limit else 0, 0)
        if want.form == "w":
            window = self._window(want, now, processes)
            wait = window.wait(now, limit, min(want.amount, limit))
            return Reading(window.used, wait, window.reset(now))
        used = sum(self._period(want, processes))
        return Reading(used, want.ends if used + want.amount > limit else 0, want.ends)

    def _window(self, want: Want, now: int, processes: int) -> Window:
        window = self._windows.get(want.name)
        if window is None:
            if len(self._windows) >= _MOST_REMEMBERED:
                self._windows = {n: w for n, w in self._windows.items() if w.look(now)}
            window = self._windows[want.name] = Window()
            used, at = self._seen.get(want.name, (0, 0))
            if used and now - at < MINUTE_MS:
                window.add(at, -(-used // processes))
        return window

    def _period(self, want: Want, processes: int) -> list[int]:
        period = self._periods.get(want.name)
        if period is None:
            used, _ = self._seen.get(want.name, (0, 0))
            period = self._periods[want.name] = [-(-used // processes), 0]
        return period
