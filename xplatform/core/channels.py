"""The channel layer: how replicas and web processes talk to each other.

``channels_redis``' pub/sub layer, made here and not by ``CHANNEL_LAYERS`` lookups so that
processes without Django (replicas, nodes) use the very same. Delivery is at most once; whoever
needs more numbers its messages (see ``apps.inference.messages``).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from xplatform.core.config import settings

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
