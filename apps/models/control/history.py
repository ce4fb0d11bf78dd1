"""What is over and done goes after a while, so that the database does not grow for ever."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.accounts.api import prune_tokens
from apps.models.models import Demand, Event, Launch, Model, Replica
from apps.models.states import ENDED, LIVE

_REPLICAS_KEPT = timedelta(hours=24)
#: one row a model and web process, and those come and go
_DEMAND_KEPT = timedelta(minutes=10)
_EVENTS_KEPT = timedelta(days=30)
#: a model that was launched by hand and terminated
_MODELS_KEPT = timedelta(days=1)


def prune() -> None:
    now = timezone.now()
    Demand.objects.filter(at__lt=now - _DEMAND_KEPT).delete()
    Event.objects.filter(at__lt=now - _EVENTS_KEPT).delete()
    Replica.objects.filter(state__in=ENDED, changed__lt=now - _REPLICAS_KEPT).delete()
    Model.objects.filter(
        origin=Model.Origin.LAUNCH,
        launch__desired=Launch.Desired.STOPPED,
        launch__changed__lt=now - _MODELS_KEPT,
    ).exclude(launch__replicas__state__in=LIVE).delete()
    prune_tokens()
