"""Finding entries, newest first, and putting them out as they are."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from apps.audit.models import Entry
from xplatform.core.errors import InvalidValue

MOST: Final = 1_000
_CHUNK: Final = 1_000
_LONGEST: Final = 200
_AGO: Final = re.compile(r"now(?:-(\d{1,6})([smhdw]))?")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: what a spreadsheet would take for a formula
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

SHOWN: Final = (
    "id", "at", "who", "user", "key", "address", "action", "thing", "thing_id", "project",
    "before", "after", "outcome", "why", "request", "via", "count", "uid", "signed_by",
    "signature", "seq", "link",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """Which entries; what is empty chooses all. ``action`` may end in ``*``."""

    who: str = ""
    action: str = ""
    thing: str = ""
    id: str = ""
    project: str = ""
    outcome: str = ""
    key: str = ""
    address: str = ""
    request: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Choice:
        """From the words of a query or a command. Raises InvalidValue."""
        values: dict[str, Any] = {}
        for name in (field.name for field in fields(cls)):
            value = str(given.get(name) or "").replace("\0", "")
            if len(value) > _LONGEST:
                raise InvalidValue(f"`{name}` is longer than {_LONGEST} characters.", param=name)
            values[name] = _time(name, value) if name in ("since", "until") else value
        if values["outcome"] and values["outcome"] not in Entry.Outcome.values:
            known = ", ".join(Entry.Outcome.values)
            raise InvalidValue(
                f"`outcome` {values['outcome'][:50]!r} is none of: {known}.", param="outcome"
            )
        return cls(**values)

    def entries(self) -> QuerySet[Any]:
        lookup: dict[str, Any] = {}
        for name in ("who", "thing", "project", "outcome", "key", "address", "request"):
            if value := getattr(self, name):
                lookup[name] = value
        if self.id:
            lookup["thing_id"] = self.id
        if self.action.endswith("*"):
            lookup["action__startswith"] = self.action[:-1]
        elif self.action:
            lookup["action"] = self.action
        if self.since:
            lookup["at__gte"] = self.since
        if self.until:
            lookup["at__lt"] = self.until
        found = Entry.objects.filter(**lookup)
        if self.text:
            anywhere = Q()
            for name in ("who", "action", "thing_id", "why", "before", "after", "via"):
                anywhere |= Q(**{f"{name}__icontains": self.text})
            found = found.filter(anywhere)
        return found


def newest(choice: Choice, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Newest first; the next page is the one ``before`` the last id of this one."""
    found = choice.entries()
    if before is not None:
        found = found.filter(id__lt=before)
    return [_shown(row) for row in found.order_by("-id").values(*SHOWN)[:limit]]


def counted(choice: Choice, first: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    """A page by its number, and how many there are: for those who page like that."""
    found = choice.entries().order_by("-id")
    return [_shown(row) for row in found.values(*SHOWN)[first : first + limit]], found.count()


def oldest_first(choice: Choice) -> Iterator[dict[str, Any]]:
    """All of them, in chunks."""
    found, after = choice.entries().order_by("id").values(*SHOWN), 0
    while rows := list(found.filter(id__gt=after)[:_CHUNK]):
        yield from map(_shown, rows)
        after = rows[-1]["id"]


def json_lines(choice: Choice) -> Iterator[str]:
    for row in oldest_first(choice):
        yield json.dumps(row, ensure_ascii=False, default=_text) + "\n"


def csv_lines(choice: Choice) -> Iterator[str]:
    """Before and after as JSON; what a spreadsheet would execute gets a quote before it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(SHOWN)
    for row in oldest_first(choice):
        writer.writerow([_cell(row[name]) for name in SHOWN])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("before", "after"):
        row[name] = json.loads(row[name]) if row[name] else None
    row["uid"] = str(row["uid"])
    return row


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    text = _text(value)
    return "'" + text if text.startswith(_FORMULA) else text


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _time(name: str, text: str) -> datetime | None:
    """ISO 8601, a day, or ``now-2h``."""
    if not text:
        return None
    try:
        if ago := _AGO.fullmatch(text):
            back = {_UNITS[ago[2]]: int(ago[1])} if ago[1] else {}
            return timezone.now() - timedelta(**back)
        if found := parse_datetime(text):
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        if day := parse_date(text):
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidValue(
        f"`{name}` {text[:50]!r} is no time: write 2026-01-31, 2026-01-31T12:00:00Z or now-2h.",
        param=name,
    )
