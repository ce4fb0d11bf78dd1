"""Whose heartbeats count, and what of them is written down.

A machine is not heard whose join token was revoked, nor a second one that goes by the name of
another which lives. Both are told to leave, with each heartbeat until they do.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.models import transitions
from apps.models.control import effects
from apps.models.control.reconcile import NODE_SILENCE
from apps.models.models import Event, Node
from apps.models.nodes import access
from apps.models.reports import Heartbeat
from xplatform.core.errors import BrokerUnavailable

log = logging.getLogger(__name__)

REVOKED = "the token it joined with was revoked"
REMOVED = "removed"
_REMOVED_FOR = timedelta(seconds=30)
#: by now a machine whose token was revoked has no access any more
_CUT_OFF_BY = timedelta(seconds=5)
#: an event on a name that two machines have, no more often than this
_TELL_EVERY = timedelta(minutes=5)


def admit(beat: Heartbeat) -> bool:
    """May it be heard?"""
    node = Node.objects.select_related("join_token").filter(name=beat.node).first()
    if node is None:
        return not _was_removed(beat)
    if node.join_token is not None and node.join_token.revoked is not None:
        effects.leave(node.name, "", REVOKED)
        if timezone.now() - node.join_token.revoked > _CUT_OFF_BY:
            # Whoever should have done it is gone.
            with contextlib.suppress(BrokerUnavailable):  # then with the next heartbeat
                access.withdraw([node.name])
        return False
    if taken(node, beat.instance):
        if _lives_beside(node, beat):
            why = f"another machine is called {node.name!r}; choose another name for this one"
            effects.leave(node.name, beat.instance, why)
        return False
    return True


def _was_removed(beat: Heartbeat) -> bool:
    """A moment ago: what it still says must not bring it back."""
    since = timezone.now() - _REMOVED_FOR
    removed = Event.objects.filter(node=beat.node, after=REMOVED, at__gt=since).exists()
    if removed:
        effects.leave(beat.node, beat.instance, "it was removed from the cluster")
    return removed


def taken(node: Node, instance: str) -> bool:
    """Does another machine that lives have the name?"""
    if not instance or not node.instance or instance == node.instance:
        return False
    silent = timezone.now() - node.heartbeat
    return node.state == Node.State.UP and silent.total_seconds() < NODE_SILENCE


def told(node: Node, beat: Heartbeat) -> dict[str, Any]:
    """Columns of the node that the heartbeat brings up to date."""
    values: dict[str, Any] = {
        "heartbeat": timezone.now(),
        "devices": beat.devices,
        "version": beat.version,
        "address": beat.address,
        "labels": with_changes(beat.labels, node.label_changes),
        "engines": beat.engines,
    }
    if beat.files:  # else nothing new
        values["files"] = beat.files
    if beat.instance:
        values["instance"] = beat.instance
    return values


def with_changes(labels: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """The machine's own labels with the operator's changes, who has the last word."""
    merged = {**labels, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _lives_beside(node: Node, beat: Heartbeat) -> bool:
    """Has the machine that owns the name been heard since this one first was? Else it may be the
    same one, whose home was made anew, and gets the name when the old one has been silent."""
    since = timezone.now() - _TELL_EVERY
    refusals = Event.objects.filter(node=node.name, after="refused", at__gt=since)
    refusal = refusals.filter(why__contains=beat.instance).first()
    if refusal is not None:
        return node.heartbeat > refusal.at
    why = f"{beat.address} (instance {beat.instance}) has the name of {node.address}, which is up"
    log.error("node %s: %s", node.name, why)
    transitions.record_node("control", node.name, node.state, "refused", why)
    return False
