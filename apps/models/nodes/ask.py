"""Asking a node: the answer of a function that runs on it (``apps.models.node.questions``).

The question is a Celery task on the node's queue that expires with the asker's patience; the
answer is put into a list in the channels' Redis, where it is waited for and expires as well.
Nothing is kept on either side, so nothing is left over when one of them dies.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import redis

from apps.audit import api as audit
from apps.models.control import effects
from apps.models.models import Node
from xplatform.core.config import settings
from xplatform.core.errors import (
    BY_CODE,
    BrokerUnavailable,
    Internal,
    NodeSilent,
    NotFound,
    PlatformError,
)
from xplatform.core.queues import TASK_ASK, answer_key, node_queue

#: questions that change something on the node → (kind of thing, what is told of it): recorded when
#: the node has done it, since it is not this database that knows
_CHANGES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "files.fetch": ("download", ("source",)),
    "files.remove": ("files", ()),
    "files.pause": ("download", ()),
    "files.resume": ("download", ()),
    "files.cancel": ("download", ()),
    "files.forget": ("download", ()),
    "engines.install": ("engine", ()),
    "engines.remove": ("engine", ()),
    "engines.drop": ("engine", ("version",)),
    "agent.restart": ("node", ()),
}


class _Reply(msgspec.Struct, frozen=True):
    """As ``apps.models.node.questions`` makes it."""

    answer: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


_reply: Final = msgspec.msgpack.Decoder(_Reply)


def ask_node(
    node: str, question: str, args: Mapping[str, Any] | None = None, timeout: float = 10.0
) -> dict[str, Any]:
    """Blocks for the answer. Raises the error that the node answered with, NotFound for an
    unknown node, NodeSilent when nothing comes in time, BrokerUnavailable."""
    found = Node.objects.filter(name=node).first()
    if found is None:
        raise NotFound(f"There is no node {node[:100]!r}.", param="node")
    if found.state == Node.State.SILENT:
        raise NodeSilent(node, f"not heard since {found.heartbeat:%Y-%m-%d %H:%M:%S} UTC")
    key = answer_key(node, secrets.token_urlsafe(16))
    effects.sender().send(
        TASK_ASK, node_queue(node), question, dict(args or {}), key, expires=timeout
    )
    answer = _unpack(node, question, _wait(key, timeout), timeout)
    if question in _CHANGES:
        thing, told = _CHANGES[question]
        of = dict(args or {})
        named = {"node": node, **{name: of[name] for name in told if name in of}}
        audit.record(None, question, thing, of.get("id", of.get("name", node)), after=named)
    return answer


def ask_nodes(
    names: Iterable[str], question: str, timeout: float = 3.0
) -> dict[str, dict[str, Any] | PlatformError]:
    """The same of several nodes at once; of each its answer, or the error instead. For questions
    that change nothing; the names are of nodes that are up."""
    until = time.monotonic() + timeout
    keys = {}
    for name in names:
        keys[name] = answer_key(name, secrets.token_urlsafe(16))
        effects.sender().send(TASK_ASK, node_queue(name), question, {}, keys[name], expires=timeout)
    found: dict[str, dict[str, Any] | PlatformError] = {}
    for name, key in keys.items():
        try:
            left = max(0.05, until - time.monotonic())
            found[name] = _unpack(name, question, _wait(key, left), timeout)
        except PlatformError as error:
            found[name] = error
    return found


def _wait(key: str, timeout: float) -> bytes | None:
    try:
        with redis.Redis.from_url(
            settings().channels_url, socket_connect_timeout=2, socket_timeout=timeout + 5
        ) as client:
            # To the server 0 means for ever.
            taken = client.blpop([key], timeout=max(0.05, timeout))
    except redis.RedisError as error:
        raise BrokerUnavailable(f"The message broker fails: {error}.") from None
    return None if taken is None else bytes(taken[1])


def _unpack(node: str, question: str, data: bytes | None, timeout: float) -> dict[str, Any]:
    if data is None:
        raise NodeSilent(node, f"{question!r} was asked {timeout:g} s ago")
    try:
        reply = _reply.decode(data)
    except msgspec.DecodeError as error:
        raise NodeSilent(node, f"what it sent for {question!r} is damaged ({error})") from None
    if reply.error is not None:
        raise error_of(reply.error)
    return reply.answer or {}


def error_of(failure: Mapping[str, Any]) -> PlatformError:
    """The error that the node raised; of a newer version's codes only the words."""
    kind = BY_CODE.get(failure.get("code", ""), Internal)
    return kind.said(
        str(failure.get("message", "The node says no more.")),
        param=failure.get("param"),
        data=failure.get("data"),
        retry_after=failure.get("retry_after"),
    )
