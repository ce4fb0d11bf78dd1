"""Takes in what web processes tell of the requests that they have: it wakes, scales and keeps
models. A report that is lost is made up for by the next one, a second later."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db.models import Q
from django.utils import timezone

from apps.models.control import keeper, scaling, survey
from apps.models.control.scaling import DEMAND_EXPIRES
from apps.models.models import Demand, Launch
from apps.models.states import LIVE

log = logging.getLogger(__name__)

#: times are written no more often than this
_WRITE_EVERY = timedelta(seconds=2)


class Asked(msgspec.Struct):
    """Of one model, through one web process."""

    running: int = 0
    waiting: int = 0
    #: how long the first of those has been waiting
    oldest_seconds: float = 0.0
    #: that came since the last report, those that have ended too
    requests: int = 0


class Report(msgspec.Struct):
    web: str
    models: dict[str, Asked]
    time: float = 0.0


def hear(raw: Mapping[str, Any]) -> None:
    try:
        report = msgspec.convert(raw, Report)
    except msgspec.ValidationError as error:
        log.warning("a report of what is asked makes no sense: %s", error)
        return
    now = timezone.now()
    late = report.time and now.timestamp() - report.time > DEMAND_EXPIRES
    if late and now.timestamp() - report.time < 3600:  # else the clocks differ
        return
    rows = Launch.objects.filter(model__uid__in=report.models).select_related("model")
    launches = {launch.model.uid: launch for launch in rows}
    _write(report, launches, now)
    asked = survey.demand([launch.pk for launch in launches.values()])
    _note_calls(report, launches, asked, now)
    for uid in _to_scale(launches.values(), asked, now):
        keeper.keep(uid)


def _write(report: Report, launches: Mapping[str, Launch], now: datetime) -> None:
    rows = [
        Demand(
            launch=launches[uid],
            web=report.web,
            at=now,
            running=max(0, told.running),
            waiting=max(0, told.waiting),
            oldest_seconds=max(0.0, told.oldest_seconds),
        )
        for uid, told in report.models.items()
        if uid in launches
    ]
    if rows:
        fields = ["at", "running", "waiting", "oldest_seconds"]
        Demand.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["launch", "web"], update_fields=fields
        )


def _note_calls(
    report: Report,
    launches: Mapping[str, Launch],
    asked: Mapping[int, scaling.Demand],
    now: datetime,
) -> None:
    """When they were last called, and last needed all that they have."""
    before = now - _WRITE_EVERY
    called = [
        launch.pk
        for uid, launch in launches.items()
        if report.models[uid].requests or asked[launch.pk].any
    ]
    rows = Launch.objects.filter(pk__in=called)
    rows.filter(Q(last_called=None) | Q(last_called__lt=before)).update(last_called=now)
    busy = [
        launch.pk
        for launch in launches.values()
        if launch.wanted and asked[launch.pk].replicas(_slots(launch)) >= launch.wanted
    ]
    if busy:
        rows = Launch.objects.filter(pk__in=busy)
        rows.filter(Q(busy_at=None) | Q(busy_at__lt=before)).update(busy_at=now)


def _to_scale(
    launches: Collection[Launch], asked: Mapping[int, scaling.Demand], now: datetime
) -> list[str]:
    found = []
    for launch in launches:
        live = launch.replicas.filter(state__in=LIVE)
        states = list(live.values_list("state", flat=True))
        scale = survey.scale_of(launch, states, survey.ONLY_ROUNDS_KNOW)
        if scale and scaling.wanted(scale, asked[launch.pk], now.timestamp())[0] != launch.wanted:
            found.append(launch.model.uid)
    return found


def _slots(launch: Launch) -> int:
    return int(launch.model.info.get("slots") or launch.model.slots)
