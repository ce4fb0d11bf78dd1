"""What was used, summed up as somebody wants to see it. Read row by row: a report of any length
takes no more memory than a short one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncMonth

from apps.metering.models import Usage
from apps.metering.rules import NANO

#: what rows can be grouped by
GROUPS: Final = ("hour", "day", "month", "project", "user", "key", "model")
TIMES: Final = ("hour", "day", "month")
SUMS: Final = (
    "requests", "errors", "prompt_tokens", "cached_tokens", "completion_tokens", "cost",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """Of whom and when, and how it is to be grouped. Empty: any."""

    begin: datetime
    end: datetime
    project: str = ""
    #: id
    user: str = ""
    key: str = ""
    model: str = ""
    group: tuple[str, ...] = ("day", "model")


def report(wish: Wish) -> Iterator[dict[str, Any]]:
    """In the order of its groups. ``cost`` is a text with decimals; ``user_name`` stands beside a
    user's id, empty for who is gone."""
    names = _user_names() if "user" in wish.group else {}
    for row in _query(wish).iterator(chunk_size=1000):
        told: dict[str, Any] = {}
        for name in wish.group:
            told[name] = row[f"_{name}"].isoformat() if name in TIMES else row[name]
            if name == "user":
                told["user_name"] = names.get(row["user"], "")
        told |= {name: row[f"_{name}"] for name in SUMS}
        told["cost"] = money(told["cost"])
        yield told


def columns(group: Sequence[str]) -> list[str]:
    named = [(name, "user_name") if name == "user" else (name,) for name in group]
    return [*(word for words in named for word in words), *SUMS]


def as_json(wish: Wish, currency: str) -> Iterator[str]:
    """One document; its rows one a line."""
    head = {
        "from": wish.begin.isoformat(),
        "to": wish.end.isoformat(),
        "group": list(wish.group),
        "currency": currency,
    }
    yield json.dumps(head)[:-1] + ', "rows": ['
    comma = "\n"
    for row in report(wish):
        yield comma + json.dumps(row, ensure_ascii=False)
        comma = ",\n"
    yield "\n]}\n"


def as_csv(wish: Wish, currency: str) -> Iterator[str]:
    names = columns(wish.group)
    yield _line([*names, "currency"])
    for row in report(wish):
        yield _line([*(_cell(row[name]) for name in names), currency])


def as_table(wish: Wish, currency: str) -> Iterator[str]:
    """For people: all of it, for widths are known at the end only."""
    names = columns(wish.group)
    rows = [[str(row[name]) for name in names] for row in report(wish)]
    if not rows:
        yield "Nothing was used.\n"
        return
    heads = [name.upper().replace("_", " ") for name in names[:-1]] + [f"COST ({currency})"]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in [heads, *rows]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip() + "\n"


def money(nano: int) -> str:
    return f"{Decimal(nano) / NANO:.9f}"


def _query(wish: Wish) -> QuerySet[Usage, dict[str, Any]]:
    rows = Usage.objects.filter(begin__gte=wish.begin, begin__lt=wish.end)
    chosen = {"project": wish.project, "user": wish.user, "key": wish.key, "model": wish.model}
    rows = rows.filter(**{name: value for name, value in chosen.items() if value})
    times: dict[str, Any] = {
        "hour": F("begin"),
        "day": TruncDay("begin"),
        "month": TruncMonth("begin"),
    }
    rows = rows.annotate(**{f"_{name}": times[name] for name in TIMES if name in wish.group})
    fields = [f"_{name}" if name in TIMES else name for name in wish.group]
    grouped: Any = rows.values(*fields).annotate(**{f"_{name}": Sum(name) for name in SUMS})
    found: QuerySet[Usage, dict[str, Any]] = grouped.order_by(*fields)
    return found


def _user_names() -> dict[str, str]:
    users = get_user_model()._default_manager.values_list("pk", "username")
    return {str(pk): name for pk, name in users}


def _line(cells: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A spreadsheet takes a text that begins so for a formula; names are the callers' own."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
