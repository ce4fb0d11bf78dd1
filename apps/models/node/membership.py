"""Whether this machine still belongs to its cluster; when it does not, everything here ends."""

from __future__ import annotations

import logging
import threading
import time

import redis

from xplatform.core.config import Settings
from xplatform.warden.client import WardenClient, WardenError

log = logging.getLogger(__name__)

_ASK_EVERY = 2.0
#: the broker may be restarting, and refuse for a moment whom it will know again
_REFUSED_FOR = 6.0


class Membership:
    """``may_leave``: False for the node inside of a whole server, which is nobody's guest."""

    def __init__(
        self, name: str, instance: str, settings: Settings, warden: WardenClient, may_leave: bool
    ) -> None:
        self._name = name
        self._instance = instance
        self._url = settings.channels_url
        self._warden = warden
        self._may_leave = may_leave
        self._asked = 0.0
        self._refused_since: float | None = None
        self._leaving = threading.Lock()

    def leave(self, instance: str, why: str) -> None:
        """An order of the control plane. ``instance``: only if it is this one."""
        if instance and instance != self._instance:
            return  # it is for the other machine of this name
        if not self._may_leave:
            log.error("told to leave, but this is the server's own node: %s", why)
            return
        if not self._leaving.acquire(blocking=False):
            return
        log.error("this node leaves the cluster: %s", why)
        try:
            self._warden.shutdown(f"Node {self._name} leaves the cluster: {why}.")
        except WardenError as error:
            log.error("%s", error)
            self._leaving.release()

    def check(self) -> None:
        """While the broker is away: does it not let us in any more? Who is cut off hears no
        order."""
        now = time.monotonic()
        if now - self._asked < _ASK_EVERY:
            return
        self._asked = now
        if not refused(self._url):
            self._refused_since = None
            return
        self._refused_since = self._refused_since or now
        if now - self._refused_since >= _REFUSED_FOR:
            self.leave("", "its broker does not let this machine in any more; join it again")


def refused(url: str) -> bool:
    """Does the broker answer, and say no?"""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as client:
            client.ping()
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError):
        return True
    except (redis.RedisError, OSError):
        return False
    return False
