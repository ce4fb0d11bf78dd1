"""The Celery tasks of the control plane. Thin: the work is in ``apps.models.control``.

Each of them may get lost or come twice. One that meets a broken database gives up after a line in
the log, since whatever it was to do is found again by the ticker, the next heartbeat, or the
replica's next report.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

from django.db import DatabaseError, InterfaceError, close_old_connections

from apps.models import api
from apps.models.control import demand, observe, rounds
from xplatform.celery import app
from xplatform.core.queues import (
    TASK_DEMAND,
    TASK_HEARTBEAT,
    TASK_OBSERVE,
    TASK_RECONCILE,
    TASK_WAKE,
)

log = logging.getLogger(__name__)
P = ParamSpec("P")


def with_database(work: Callable[P, None]) -> Callable[P, None]:
    """Outside of a web request nobody else drops connections that broke or grew old."""

    @wraps(work)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        close_old_connections()
        try:
            work(*args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            log.warning("%s: the database fails: %s", work.__name__, str(error).strip())
        finally:
            close_old_connections()

    return wrapper


@app.task(name=TASK_OBSERVE)
@with_database
def observe_replica(report: Mapping[str, Any]) -> None:
    observe.observe(report)


@app.task(name=TASK_HEARTBEAT)
@with_database
def hear_node(beat: Mapping[str, Any]) -> None:
    observe.heartbeat(beat)


@app.task(name=TASK_DEMAND)
@with_database
def hear_demand(report: Mapping[str, Any]) -> None:
    demand.hear(report)


@app.task(name=TASK_WAKE)
@with_database
def wake(uid: str) -> None:
    api.wake(uid)


@app.task(name=TASK_RECONCILE)
@with_database
def reconcile() -> None:
    rounds.do_round()
