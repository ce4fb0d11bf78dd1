"""A Celery worker inside this very process, for the control plane and node agents. No Django."""

from __future__ import annotations

import logging
import os
import signal
import uuid
import warnings
from collections.abc import Sequence
from typing import Any

from celery import signals
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.worker import state

from xplatform.celery import app
from xplatform.core.pool import NudgingPool


def run_worker(role: str, queues: Sequence[str], concurrency: int) -> int:
    """Take tasks from the queues until SIGTERM or SIGINT; the exit code. Main thread only."""
    # Root is usual in containers, and no message is ever unpickled, which the one warning is
    # about; the other announces a default of a later Celery for late acknowledgement.
    warnings.simplefilter("ignore", SecurityWarning)
    warnings.simplefilter("ignore", CPendingDeprecationWarning)
    # Logging is set up already, and Celery would set it up anew.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        # Two lines a task, and there are several a second.
        logging.getLogger(name).setLevel(logging.WARNING)
    signals.setup_logging.connect(_leave_logging_alone, weak=False)
    signals.worker_ready.connect(_end_quietly, weak=False)
    worker: Any = app.Worker(
        # Two workers of one name would take each other's place.
        hostname=f"{role}.{os.getpid()}.{uuid.uuid4().hex[:8]}@xplatform",
        queues=list(queues),
        pool=NudgingPool,
        concurrency=concurrency,
        # Workers need not know of each other: less traffic, quicker start.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _leave_logging_alone(**_: Any) -> None:
    pass


def _end_quietly(**_: Any) -> None:
    """Celery's own handlers do the same, and write to the console."""

    def end(*_: Any) -> None:
        state.should_stop = 0  # type: ignore[assignment]

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
