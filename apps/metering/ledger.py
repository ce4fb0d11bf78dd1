"""Usage in the database: the only place that writes it, and the sums that limits start from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from django.db import close_old_connections, connection, transaction
from django.db.models import F, Sum
from django.utils import timezone

from apps.metering.collector import Batch, Place, Sums
from apps.metering.models import Usage, UsageBatch
from apps.metering.periods import Period
from apps.metering.rules import EACH, Rule

#: a batch is sent again within seconds, or when the database is back
_BATCHES_KEPT: Final = timedelta(days=7)

# Django's upsert sets values; this one adds to them, in one statement, whatever others do.
_ADD: Final = """
INSERT INTO metering_usage ("begin", "daily", "key", "user", "project", "model",
  "requests", "errors", "prompt_tokens", "cached_tokens", "completion_tokens", "cost")
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT ("begin", "daily", "key", "user", "project", "model") DO UPDATE SET
  "requests" = metering_usage."requests" + excluded."requests",
  "errors" = metering_usage."errors" + excluded."errors",
  "prompt_tokens" = metering_usage."prompt_tokens" + excluded."prompt_tokens",
  "cached_tokens" = metering_usage."cached_tokens" + excluded."cached_tokens",
  "completion_tokens" = metering_usage."completion_tokens" + excluded."completion_tokens",
  "cost" = metering_usage."cost" + excluded."cost"
"""


def write(batch: Batch) -> None:
    """Once, however often it is called with the same batch. In a thread of a web process."""
    name, rows = batch
    close_old_connections()
    try:
        with transaction.atomic():
            _, new = UsageBatch.objects.get_or_create(pk=name)
            if new:
                _add([(_time(place.hour), False, place, sums) for place, sums in rows])
    finally:
        close_old_connections()


def used(rule: Rule, subject: str, period: Period) -> int:
    """What the limit's subject used in the period so far, in the limit's own unit."""
    rows = Usage.objects.filter(begin__gte=period.begin, begin__lt=period.end)
    if rule.scope != "everyone":
        rows = rows.filter(**{rule.scope: subject})
    if rule.project:
        rows = rows.filter(project=rule.project)
    if rule.model != EACH:
        # Globs are Python's here and in memory; models are few.
        names = rows.values_list("model", flat=True).order_by().distinct()
        rows = rows.filter(model__in=[name for name in names if fnmatchcase(name, rule.model)])
    if rule.kind.startswith("money"):
        total = rows.aggregate(total=Sum("cost"))
    else:
        total = rows.aggregate(total=Sum(F("prompt_tokens") + F("completion_tokens")))
    return int(total["total"] or 0)


def tidy(hourly_days: int, daily_days: int) -> None:
    """Old hours become days, and old days go. Safe to be done twice, and by two at once."""
    now = timezone.now()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    hourly = Usage.objects.filter(daily=False, begin__lt=today - timedelta(days=hourly_days))
    while (oldest := hourly.order_by("begin").first()) is not None:
        _roll_up(oldest.begin.replace(hour=0))
    Usage.objects.filter(daily=True, begin__lt=today - timedelta(days=daily_days)).delete()
    UsageBatch.objects.filter(written__lt=now - _BATCHES_KEPT).delete()


def _roll_up(day: datetime) -> None:
    with transaction.atomic():
        hours = list(
            Usage.objects.select_for_update()
            .filter(daily=False, begin__gte=day, begin__lt=day + timedelta(days=1))
            .order_by("pk")
        )
        days: dict[Place, Sums] = {}
        for row in hours:
            place = Place(0, row.key, row.user, row.project, row.model)
            days.setdefault(place, Sums()).add(_sums(row))
        _add([(day, True, place, sums) for place, sums in sorted(days.items())])
        Usage.objects.filter(pk__in=[row.pk for row in hours]).delete()


def _add(rows: Sequence[tuple[datetime, bool, Place, Sums]]) -> None:
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.executemany(
            _ADD,
            [
                (
                    adapt(begin), daily, place.key, place.user, place.project, place.model,
                    sums.requests, sums.errors, sums.prompt, sums.cached, sums.completion,
                    sums.cost,
                )
                for begin, daily, place, sums in rows
            ],
        )  # fmt: skip


def _sums(row: Usage) -> Sums:
    return Sums(
        row.requests,
        row.errors,
        row.prompt_tokens,
        row.cached_tokens,
        row.completion_tokens,
        row.cost,
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
