"""The node agent's process (``xplatform node``), and its part in the control worker's."""

from __future__ import annotations

import logging

from apps.models.node import questions
from apps.models.node.adapter_files import AdapterFiles
from apps.models.node.agent import Agent
from apps.models.node.heart import Heart
from apps.models.node.membership import Membership
from apps.models.worker import run_worker
from xplatform import files
from xplatform.celery import app
from xplatform.core import logs
from xplatform.core.config import ConfigError, Settings
from xplatform.core.queues import (
    TASK_ASK,
    TASK_LEAVE,
    TASK_SET_ADAPTERS,
    TASK_START_REPLICA,
    TASK_STOP_REPLICA,
    node_queue,
)
from xplatform.core.sender import TaskSender
from xplatform.files.peer_address import peer_url
from xplatform.warden.client import WardenClient

log = logging.getLogger(__name__)

_THREADS = 4


def main(settings: Settings, name: str) -> int:
    logs.configure("node", settings)
    queue = start_agent(settings, name, may_leave=True)
    return run_worker(f"node-{name}", [queue], _THREADS)


def start_agent(settings: Settings, name: str, *, may_leave: bool = False) -> str:
    """Be this machine's agent; the queue on which orders come, for the worker to take from."""
    sender = TaskSender(app, "reports")
    warden = WardenClient(settings.sockets_path / "warden.sock")
    agent = Agent(name, settings, sender, warden)
    membership = Membership(name, agent.instance, settings, warden, may_leave)
    store = files.files_of(settings)
    heart = Heart(
        agent,
        sender,
        settings,
        files.Pictures(store, _serve_peers(settings)),
        membership=membership,
    )
    questions.learn()
    desk = questions.Desk(questions.Here(name, settings, agent))
    app.task(name=TASK_START_REPLICA)(agent.start_replica)
    app.task(name=TASK_STOP_REPLICA)(agent.stop_replica)
    app.task(name=TASK_SET_ADAPTERS)(AdapterFiles(settings).set)
    app.task(name=TASK_ASK)(desk.ask)
    app.task(name=TASK_LEAVE)(membership.leave)
    heart.start()
    store.take_up()
    return node_queue(name)


def _serve_peers(settings: Settings) -> str:
    """Where they reach us; empty: they do not."""
    if not settings.peer_port:
        return ""
    from xplatform.files.peer_server import PeerServer

    try:
        PeerServer(settings)
    except (ConfigError, OSError) as error:
        # The node's own work goes on.
        log.error("other nodes cannot copy model files from here: %s", error)
        return ""
    return peer_url(settings)
