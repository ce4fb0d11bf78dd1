"""The channel layer: how replicas and web processes talk to each other.

``channels_redis``' pub/sub layer, made here and not by ``CHANNEL_LAYERS`` lookups so that
processes without Django (replicas, nodes) use the very same. Delivery is at most once; whoever
needs more numbers its messages (see ``apps.inference.messages``).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from xplatform.core.config import settings
from xplatform.core.errors import BrokerUnavailable

#: every web process listens here: changes of models, keys and replicas' beats
WEBS: Final = "xp.webs"

#: key of the payload in a Channels message; ``type`` is there because Channels demands it
BODY: Final = "b"


def channel_layer() -> Any:
    """A new layer; one a process is enough (it keeps a connection per event loop)."""
    # Here, since every process and command can tell something, and few do.
    from channels_redis.pubsub import RedisPubSubChannelLayer

    return RedisPubSubChannelLayer(hosts=[settings().channels_url], prefix="xp")


def replica_channel(replica_id: str, epoch: int) -> str:
    """Where a replica listens for aborts and requests to send again."""
    return f"xp.replica.{replica_id}.{epoch}"


def broadcast(kind: str, **values: Any) -> None:
    """Tell all web processes, from synchronous code (control plane, admin, commands).

    A hint only: receivers re-read the truth, and do so from time to time anyhow, so an outage of
    the broker here is no error.
    """
    _publish(f"xp__group__{WEBS}", "hint", {"kind": kind, **values})


#: lists that the answers of web processes are put into
_ANSWERS = "xp:call:"
#: an answer that nobody takes is dropped after this many seconds
_ANSWER_EXPIRES = 30
#: a web process that has said nothing by then has nothing to say
_CALL_SECONDS = 1.0


def call_webs(kind: str, make: Callable[[str], bytes]) -> list[bytes]:
    """Ask all web processes, from synchronous code, and wait for what each of them says.

    ``make(key)`` is the message; each process puts its answer into the list ``key`` of the
    channels' Redis (``answer_call``). Redis tells how many have heard it, so nobody waits longer
    than the slowest of them, and never longer than a second. Raises BrokerUnavailable.
    """
    import redis

    key = f"{_ANSWERS}{secrets.token_urlsafe(12)}"
    message = channel_layer().serialize({"type": kind, BODY: make(key)})
    until = time.monotonic() + _CALL_SECONDS
    answers: list[bytes] = []
    try:
        with redis.Redis.from_url(
            settings().channels_url, socket_connect_timeout=1, socket_timeout=3
        ) as client:
            webs = int(client.publish(f"xp__group__{WEBS}", message))
            while len(answers) < webs and (left := until - time.monotonic()) > 0:
                # To the server 0 means for ever.
                if (taken := client.blpop([key], timeout=max(0.05, left))) is not None:
                    answers.append(bytes(taken[1]))
    except redis.RedisError as error:
        raise BrokerUnavailable(f"The message broker fails: {error}.") from None
    return answers


def answer_call(key: str, data: bytes) -> None:
    """Blocks for a moment; an answer that gets lost is one that the asker does without."""
    # A machine that joined may publish questions, but not read these lists, nor have us write into
    # others.
    if not key.startswith(_ANSWERS):
        return
    import redis

    try:
        with (
            redis.Redis.from_url(
                settings().channels_url, socket_connect_timeout=1, socket_timeout=1
            ) as client,
            client.pipeline() as pipe,
        ):
            pipe.rpush(key, data)
            pipe.expire(key, _ANSWER_EXPIRES)
            pipe.execute()
    except redis.RedisError:
        pass


def tell_replica(replica_id: str, epoch: int, kind: str, values: dict[str, Any]) -> None:
    """Tell one replica something, from synchronous code; ``type`` of the message is ``kind``.
    As much a hint as the others."""
    _publish(replica_channel(replica_id, epoch), kind, values)


def _publish(channel: str, kind: str, values: dict[str, Any]) -> None:
    import redis

    message = {"type": kind, BODY: msgspec.msgpack.encode(values)}
    layer = channel_layer()
    try:
        client = redis.Redis.from_url(
            settings().channels_url, socket_connect_timeout=1, socket_timeout=1
        )
        with client:
            client.publish(channel, layer.serialize(message))
    except redis.RedisError:
        pass
