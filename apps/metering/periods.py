"""Calendar days and months, in UTC. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

_DAY: Final = 86_400


class Period(NamedTuple):
    #: in the name of its counter: 20260131, 202601
    name: str
    begin: datetime
    end: datetime


def day(now: float) -> Period:
    return _day(int(now // _DAY))


def month(now: float) -> Period:
    return _month(int(now // _DAY))


# Asked for at each request, and the same all day.
@lru_cache(16)
def _day(number: int) -> Period:
    begin = datetime.fromtimestamp(number * _DAY, UTC)
    return Period(f"{begin:%Y%m%d}", begin, begin + timedelta(days=1))


@lru_cache(16)
def _month(number: int) -> Period:
    begin = _day(number).begin.replace(day=1)
    # Any month is over 32 days after its first.
    return Period(f"{begin:%Y%m}", begin, (begin + timedelta(days=32)).replace(day=1))


def hour(now: float) -> datetime:
    return datetime.fromtimestamp(now - now % 3600, UTC)
