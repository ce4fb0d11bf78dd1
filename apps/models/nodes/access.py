"""What a machine that joins gets to reach the broker, and how it is taken away again.

At the embedded broker each machine has a user of its own, who can take from the queues of models
and of itself, report to the control plane, and nothing else. When the user is deleted its
connections end at once. An outside broker (``--broker``) is not ours to administer: machines get
the address that the server has, and one that is revoked is only not listened to any more.
"""

from __future__ import annotations

import hashlib
import secrets
from urllib.parse import quote

import redis

from xplatform.core.config import parse_listen, settings
from xplatform.core.errors import BrokerUnavailable, Conflict
from xplatform.core.queues import CONTROL

#: kombu keeps what is bound to a queue in sets of its own
_KEYS = (
    "xp:{own}", "xp:{own}\x06*", f"xp:{CONTROL}", f"xp:{CONTROL}\x06*", "xp:model.*",
    "xp:replica.*", "xp:_kombu.*", "xp:answer:{name}:*",
)  # fmt: skip
#: queues and streams, with these keys; nothing that administers, scripts or looks around
_COMMANDS = (
    "-@all", "+auth", "+hello", "+ping", "+select", "+client|setinfo", "+client|setname",
    "+@transaction", "+@list", "+@set", "+expire", "+exists", "+del", "+publish", "+subscribe",
    "+unsubscribe", "+psubscribe", "+punsubscribe", "-@dangerous",
)  # fmt: skip


def grant(name: str, host: str) -> tuple[str, str]:
    """(broker, channels): the addresses for this machine, which reaches the server as ``host``.
    A machine that joins again gets a new password, and the old one is void."""
    ours = settings()
    if not ours.embedded_broker:
        return _outside(ours.broker), _outside(ours.channels or ours.broker)
    listen = parse_listen(ours.broker_listen)
    if listen is None:
        raise Conflict(
            "The broker of this server listens on a Unix socket only, so no other machine can"
            " join: start the server with --broker-listen HOST:PORT, or with --broker redis://…."
        )
    password = secrets.token_urlsafe(32)
    digest = hashlib.sha256(password.encode()).hexdigest()
    user = _user(name)
    keys = [f"~{key.format(own=f'node.{name}', name=name)}" for key in _KEYS]
    rules = ["reset", "on", f"#{digest}", *keys, "&xp*", *_COMMANDS]
    _administer(["SETUSER", user, *rules])
    bound, port = listen
    reached = host if bound in ("0.0.0.0", "::", "*") else bound
    if ":" in reached:
        reached = f"[{reached}]"
    channels = f"redis://{quote(user)}:{password}@{reached}:{port}/0"
    return _outside(ours.broker) if ours.broker else channels, channels


def withdraw(names: list[str]) -> None:
    """Cut these machines off. Harmless for those that have no access."""
    if names and settings().embedded_broker:
        _administer(["DELUSER", *(_user(name) for name in names)])


def _outside(url: str) -> str:
    if url.startswith("unix:"):
        raise Conflict(
            "The broker of this server is a Unix socket, so no other machine can join: start the"
            " server with --broker redis://HOST:PORT."
        )
    return url


def _user(name: str) -> str:
    return f"node-{name}"


def _administer(command: list[str]) -> None:
    """And have it written down, so that it holds after a restart of the broker."""
    try:
        with redis.Redis.from_url(
            settings().embedded_broker_url, socket_connect_timeout=2, socket_timeout=5
        ) as client:
            client.execute_command("ACL", *command)
            client.execute_command("ACL", "SAVE")
    except redis.RedisError as error:
        raise BrokerUnavailable(f"The message broker fails: {error}.") from None
