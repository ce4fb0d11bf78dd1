"""The control plane's process (``xplatform control``). Any number of them may run."""

from __future__ import annotations

import os

from apps.models.worker import run_worker
from xplatform.core import logs
from xplatform.core.config import Settings
from xplatform.core.queues import CONTROL

#: they wait for the database most of the time
_THREADS = 4
#: seconds for which a thread keeps its connection to the database
_CONNECTION_AGE = 300


def main(settings: Settings, node_name: str | None = None) -> int:
    """With ``node_name`` this machine's node agent lives here as well, to save a process."""
    logs.configure("control", settings)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xplatform.settings")
    import django

    django.setup()
    from django.db import connections

    from apps.models import tasks  # noqa: F401  (they register themselves)
    from apps.models.control.rounds import Ticker

    # Threads live long here, unlike those of web requests.
    connections.settings["default"]["CONN_MAX_AGE"] = _CONNECTION_AGE
    queues = [CONTROL]
    if node_name:
        from apps.models.node.worker import start_agent

        queues.append(start_agent(settings, node_name))
    Ticker().start()
    return run_worker("control", queues, _THREADS)
