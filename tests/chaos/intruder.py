"""Messages that no part of the platform would send, put into its broker."""

from __future__ import annotations

import base64
import contextlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
from kombu import Connection

from apps.inference import messages
from tests.support.server import Server
from xplatform.core.channels import BODY
from xplatform.core.config import Settings
from xplatform.engines.protocol import Message

_REDIS_PREFIX = "xp:"
_layer: Any = RedisPubSubChannelLayer(hosts=["redis://unused"], prefix="xp")


def settings(server: Server) -> Settings:
    return msgspec.json.decode((server.home / "run" / "settings.json").read_bytes(), type=Settings)


@contextlib.contextmanager
def broker(server: Server) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings(server).channels_url) as client:
        yield client


def serialize(message: dict[str, Any]) -> bytes:
    """As the channel layer puts it on the wire."""
    data: bytes = _layer.serialize(message)
    return data


def web_channel(client: redis.Redis) -> str:
    (channel,) = client.pubsub_channels("xp.web.*")
    return channel.decode() if isinstance(channel, bytes) else str(channel)


def send(client: redis.Redis, channel: str, message: Message, kind: str = "frames") -> None:
    body = {"type": kind, BODY: messages.encode(message)}
    client.publish(channel, serialize(body))


_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(
    messages.ToReplica | messages.ToWeb
)


class Spy:
    """Hears what is sent to a replica or to a web process."""

    def __init__(self, client: redis.Redis, channel: str) -> None:
        self._pubsub: Any = client.pubsub(  # type: ignore[no-untyped-call]
            ignore_subscribe_messages=True
        )
        self._pubsub.subscribe(channel)
        self._pubsub.get_message(timeout=5)

    def hear(self, seconds: float = 0.0) -> list[Any]:
        heard = []
        while message := self._pubsub.get_message(timeout=seconds):
            body = _layer.deserialize(message["data"])[BODY]
            heard.append(_decoder.decode(body))
        return heard

    def close(self) -> None:
        self._pubsub.close()


def send_task(server: Server, task: str, queue: str, *args: Any) -> None:
    """A Celery message as by hand (protocol 2)."""
    identity = str(uuid.uuid4())
    body = [list(args), {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    given = settings(server)
    with Connection(
        given.broker_url, transport_options={"global_keyprefix": _REDIS_PREFIX}
    ) as connection:
        producer = connection.Producer(serializer="msgpack")
        producer.publish(
            body,
            headers={"lang": "py", "task": task, "id": identity, "root_id": identity},
            correlation_id=identity,
            exchange="",
            routing_key=queue,
        )


def take_task(client: redis.Redis, queue: str) -> messages.Envelope:
    """The next request on a model's queue, as a replica would take it."""
    taken: Any = client.brpop([_REDIS_PREFIX + queue], timeout=20)
    assert taken is not None, f"nothing came on {queue}"
    args, _, _ = msgspec.msgpack.decode(base64.b64decode(json.loads(taken[1])["body"]))
    return messages.decode_envelope(args[0])
