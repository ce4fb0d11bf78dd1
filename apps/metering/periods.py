"""Calendar days and months, in UTC. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple


class Period(NamedTuple):
    #: in the name of its counter: 20260131, 202601
    name: str
    begin: datetime
    end: datetime


def day(now: float) -> Period:
    at = datetime.fromtimestamp(now, UTC)
    begin = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return Period(f"{begin:%Y%m%d}", begin, begin + timedelta(days=1))


def month(now: float) -> Period:
    begin = day(now).begin.replace(day=1)
    # Any month is over 32 days after its first.
    return Period(f"{begin:%Y%m}", begin, (begin + timedelta(days=32)).replace(day=1))


def hour(now: float) -> datetime:
    return datetime.fromtimestamp(now - now % 3600, UTC)
