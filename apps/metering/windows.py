"""How use is counted: the algorithm, in Python. Pure; ``store`` has the same in Lua for Redis, and
a test holds the two against each other.

**A sliding window, not GCRA.** GCRA with a burst of a whole minute's amount lets through nearly
twice the amount in a minute (the burst, and what drips in after it). Here no minute, wherever it
begins, ever has more than its limit, and whoever used nothing for a minute may use all at once.
The price is memory: a window keeps one number for each tenth of a second in which something
happened, 600 at most, and forgets what happened up to a tenth of a second late.
"""

from __future__ import annotations

from typing import Final

MINUTE_MS: Final = 60_000
BUCKET_MS: Final = 100
#: a bucket counts until it is older than this many
BUCKETS: Final = MINUTE_MS // BUCKET_MS


class Window:
    """The last minute. Times are whole milliseconds of any clock that does not run backwards."""

    __slots__ = ("_buckets", "used")

    def __init__(self) -> None:
        #: in the order of time
        self._buckets: dict[int, int] = {}
        self.used = 0

    def look(self, now: int) -> int:
        """What the last minute has had."""
        bucket = now // BUCKET_MS
        for old in list(self._buckets):
            if bucket - old <= BUCKETS:
                break
            self.used -= self._buckets.pop(old)
        return self.used

    def wait(self, now: int, limit: int, amount: int) -> int:
        """Milliseconds until ``amount`` fits; 0: it does now."""
        excess = self.look(now) + amount - limit
        if excess <= 0:
            return 0
        for bucket, count in self._buckets.items():
            excess -= count
            if excess <= 0:
                return (bucket + BUCKETS + 1) * BUCKET_MS - now
        return MINUTE_MS

    def reset(self, now: int) -> int:
        """Milliseconds until nothing is left of what was used."""
        last = next(reversed(self._buckets), None)
        return 0 if last is None else max(0, (last + BUCKETS + 1) * BUCKET_MS - now)

    def add(self, now: int, amount: int) -> None:
        self.look(now)
        bucket = now // BUCKET_MS
        self._buckets[bucket] = self._buckets.get(bucket, 0) + amount
        self.used += amount

    def correct(self, at: int, now: int, by: int) -> None:
        """What was reserved at ``at`` turned out to be ``by`` more, or less. More counts from now
        on, for it was used since; less is given back where it was taken, if that still counts."""
        if by > 0:
            self.add(now, by)
            return
        self.look(now)
        bucket = at // BUCKET_MS
        if bucket in self._buckets:
            self._buckets[bucket] += by
            self.used += by


def share(limit: int, processes: int) -> int:
    """What one of so many web processes may hand out by itself. Everybody gets at least one: the
    sum exceeds the limit only where it is smaller than the number of processes."""
    return max(1, limit // max(1, processes)) if limit else 0
