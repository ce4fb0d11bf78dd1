"""The web port, opened by the warden and lent to the web processes.

The warden keeps it open while a web process restarts: clients wait, none is refused.
"""

from __future__ import annotations

import errno
import socket
import time

from xplatform.core.config import Settings
from xplatform.warden.errors import StartError

BACKLOG = 2048
#: after a kill -9 the old web process may hold the port until the kernel has ended it
STALE_SECONDS = 5.0


def bind(settings: Settings, *, wait: bool = False) -> socket.socket:
    """The listening socket; ``wait`` when a killed server may still be letting go of the port."""
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except (socket.gaierror, UnicodeError):
        raise StartError(
            f"The host {host!r} cannot be resolved; give an address of this machine with --host."
        ) from None
    # "localhost" is both 127.0.0.1 and ::1 in many places; clients try IPv4 without fail.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    deadline = time.monotonic() + (STALE_SECONDS if wait else 0)
    while True:
        # The protocol is named because asyncio sets TCP_NODELAY only on sockets that name it.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
            listener.setblocking(False)
            return listener
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            raise StartError(_reason(error, host, port)) from None


def address(settings: Settings) -> str:
    """Where people on this machine reach the server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(
        settings.host, f"[{settings.host}]" if ":" in settings.host else settings.host
    )
    return f"{'https' if settings.tls_cert else 'http'}://{host}:{settings.port}"


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use by another program; "
            "choose another one with --port or XPLATFORM_PORT."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; give one that is with --host."
    if error.errno == errno.EACCES:
        return f"Port {port} is for the system's own services; choose one above 1023 with --port."
    return f"Cannot listen on {host} port {port}: {error.strerror}."
