"""kombu's Redis transport with one client a channel.

kombu 5.7 makes a new ``redis.Redis`` for every single command, which costs more than the command
(a fifth of a replica's time at 128 streams, measured). The clients share one pool anyhow and are
safe to use from several threads, so one is kept for as long as its pool lives.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[misc]
        return self._kept


class Transport(redis.Transport):
    Channel = Channel


def install() -> None:
    """Use it for redis:// and rediss:// URLs in this process."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
