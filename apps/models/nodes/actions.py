"""What people may do with a machine: set it aside, empty it, label it, take it away, let it in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.audit import api as audit
from apps.models import transitions
from apps.models.control import keeper
from apps.models.control.reconcile import NODE_SILENCE
from apps.models.models import Launch, Node, Replica
from apps.models.nodes import access, admission, leaving
from apps.models.nodes.tokens import check_join_token
from apps.models.pictures import NodeInfo, nodes
from apps.models.states import LIVE
from xplatform.core.config import ConfigError, parse_labels, settings
from xplatform.core.errors import Conflict, InvalidValue, NotFound

SOMEBODY = "somebody"
#: how a node is marked → what that was
_DOES = {"cordoned": "cordon", "draining": "drain", "uncordoned": "uncordon"}
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
#: what a machine that joins takes over, unless it was told otherwise itself
_SHARED = (
    "load_timeout", "engine_silence_timeout", "replica_silence_timeout", "engine_stall_timeout",
    "peer_timeout", "drain_timeout", "request_timeout",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Admission:
    """What a machine that joined needs to know. Holds a password."""

    node: str
    broker: str
    channels: str
    settings: dict[str, float]
    #: seconds between heartbeats, and without one after which it is taken for dead
    heartbeat: float
    silence: float


def node_info(name: str) -> NodeInfo:
    found = next((node for node in nodes() if node.name == name), None)
    if found is None:
        raise _unknown(name)
    return found


def cordon(name: str, by: str = "") -> NodeInfo:
    """It gets no new replicas; those that it has stay."""
    return _mark(name, by, "cordoned", cordoned=True)


def drain(name: str, by: str = "") -> NodeInfo:
    """It gets no new replicas, and those that it has move away, each after another has taken its
    place."""
    return _mark(name, by, "draining", cordoned=True, draining=True)


def uncordon(name: str, by: str = "") -> NodeInfo:
    """Take back ``cordon`` and ``drain``."""
    return _mark(name, by, "uncordoned", cordoned=False, draining=False)


def set_labels(name: str, changes: Mapping[str, str | None], by: str = "") -> NodeInfo:
    """Over what the machine tells of itself; None takes a label away. Those not named stay."""
    _check_labels(changes)
    with _locked(name) as node:
        merged = {**node.label_changes, **changes}
        labels = admission.with_changes(node.labels, changes)
        if merged != node.label_changes:
            node.label_changes, node.labels = merged, labels
            node.save(update_fields=["label_changes", "labels"])
            said = ", ".join(f"{k}={v}" if v is not None else f"no {k}" for k, v in changes.items())
            audit.record(by, "node.labels", "node", name, after=dict(changes))
            transitions.record_node(by or SOMEBODY, name, node.state, "labelled", said)
            transitions.models_changed()
            transaction.on_commit(keeper.keep_unsettled, robust=True)
    return node_info(name)


def remove(name: str, by: str = "") -> None:
    """Forget a machine that is silent or has nothing to do. One that has joined is cut off and
    has to join anew."""
    with _locked(name) as node:
        live = Replica.objects.filter(node=name, state__in=LIVE).count()
        if node.state == Node.State.UP and live:
            raise Conflict(
                f"Node {name!r} is up and has {live} replica{'s' if live > 1 else ''}: drain it"
                " first, or stop its machine.",
                param="name",
                data={"replicas": live},
            )
        leaving.send_away([node], "it was removed from the cluster", by)
        node.delete()
        transitions.record_node(by or SOMEBODY, name, node.state, admission.REMOVED)
        audit.record(by, "node.remove", "node", name, before={"address": node.address})
        transitions.models_changed()


def join(
    token: str,
    name: str,
    *,
    instance: str = "",
    version: str = "",
    labels: Mapping[str, str] | None = None,
    devices: Mapping[str, Any] | None = None,
    host: str = "",
) -> Admission:
    """Let a machine in. Raises NotAuthenticated for its token, Conflict for its name."""
    joined_with = check_join_token(token, name, instance)
    if not _NAME.fullmatch(name) or name == "join":  # which is a route
        raise InvalidValue(
            f"`name` {name[:100]!r} is not allowed: up to 64 letters, digits and _ . -.",
            param="name",
        )
    _check_labels(labels or {})
    with transaction.atomic():
        node, made = Node.objects.select_for_update().get_or_create(
            name=name, defaults={"state": Node.State.SILENT, "instance": instance}
        )
        if not made and admission.taken(node, instance):
            raise Conflict(
                f"Another machine ({node.address or 'of unknown address'}) is called {name!r} and"
                " is up; choose another name with --name.",
                param="name",
            )
        node.join_token, node.instance, node.version = joined_with, instance[:32], version[:64]
        node.labels = admission.with_changes(labels or {}, node.label_changes)
        if devices:
            node.devices = dict(devices)
        node.save()
        who = f"join token {joined_with.name}"[:150]
        transitions.record_node(who, name, "" if made else node.state, "joined")
        audit.record(who, "node.join", "node", name, after={"host": host, "version": version})
        # Last: a machine that is refused gets no password.
        broker, channels = access.grant(name, host)
    ours = settings()
    return Admission(
        node=name,
        broker=broker,
        channels=channels,
        settings={field: getattr(ours, field) for field in _SHARED},
        heartbeat=1.0,
        silence=NODE_SILENCE,
    )


@contextmanager
def _locked(name: str) -> Iterator[Node]:
    with transaction.atomic():
        node = Node.objects.select_for_update().filter(name=name).first()
        if node is None:
            raise _unknown(name)
        yield node


def _mark(name: str, by: str, after: str, **values: bool) -> NodeInfo:
    with _locked(name) as node:
        if any(getattr(node, field) != value for field, value in values.items()):
            before = {field: getattr(node, field) for field in values}
            for field, value in values.items():
                setattr(node, field, value)
            node.save(update_fields=list(values))
            transitions.record_node(by or SOMEBODY, name, node.state, after)
            audit.record(by, f"node.{_DOES[after]}", "node", name, before=before, after=values)
            transitions.models_changed()
            transaction.on_commit(lambda: _keep_all_on(name), robust=True)
            transaction.on_commit(keeper.keep_unsettled, robust=True)
    return node_info(name)


def _keep_all_on(name: str) -> None:
    launches = Launch.objects.filter(
        pk__in=Replica.objects.filter(node=name, state__in=LIVE).values("launch")
    )
    for uid in launches.values_list("model__uid", flat=True):
        keeper.keep(uid)


def _check_labels(labels: Mapping[str, str | None]) -> None:
    for name, value in labels.items():
        try:
            parse_labels(f"{name}={value or ''}")
            good = "," not in f"{name}{value}" and "=" not in f"{name}{value}"
        except ConfigError:
            good = False
        if not good:
            raise InvalidValue(
                f"The label {name[:64]!r}={str(value)[:64]!r} is not allowed: up to 63 letters,"
                " digits and _ . / - each, beginning with a letter or digit.",
                param="labels",
            )


def _unknown(name: str) -> NotFound:
    return NotFound(f"There is no node {name[:100]!r}.", param="name")
