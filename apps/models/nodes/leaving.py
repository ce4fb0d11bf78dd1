"""Sending machines away: told to end all they have, taken for lost, and cut off."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from django.db import transaction

from apps.models import transitions
from apps.models.control import effects, keeper
from apps.models.models import Launch, Node, Replica
from apps.models.nodes import access
from apps.models.states import LIVE
from xplatform.core.errors import BrokerUnavailable

log = logging.getLogger(__name__)

#: between the order to leave and the end of the connection that it comes over
_GRACE = 1.0


def send_away(nodes: Sequence[Node], why: str, by: str) -> None:
    """Within a transaction; all of it happens after the commit."""
    for node in nodes:
        if node.state == Node.State.UP:
            effects.leave(node.name, "", why)
            # What ran there starts elsewhere at once, not when it has been silent for long.
            transitions.set_node(node, Node.State.SILENT, f"{why}, by {by or 'somebody'}")
    names = [node.name for node in nodes]
    transaction.on_commit(lambda: _replace(names), robust=True)
    transaction.on_commit(lambda: _cut_off(names), robust=True)


def _replace(names: list[str]) -> None:
    launches = Launch.objects.filter(
        pk__in=Replica.objects.filter(node__in=names, state__in=LIVE).values("launch")
    )
    for uid in launches.values_list("model__uid", flat=True):
        keeper.keep(uid)


def _cut_off(names: list[str]) -> None:
    """In a moment, so that the order gets through; who ignores it ends by this. Should this
    process die before, each further heartbeat is answered by the order anew."""

    def cut() -> None:
        try:
            access.withdraw(names)
        except BrokerUnavailable as error:
            log.error("cannot cut off %s: %s", ", ".join(names), error)

    timer = threading.Timer(_GRACE, cut)
    timer.daemon = True
    timer.start()
