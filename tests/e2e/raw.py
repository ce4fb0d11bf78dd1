"""HTTP by hand."""

from __future__ import annotations

import contextlib
import socket

from tests.chaos.clients import CHAT
from tests.support.server import API_KEY, Server


def talk(server: Server, data: bytes, *, wait: float = 5.0) -> bytes:
    """Everything that a raw connection says."""
    said = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(data)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while part := sock.recv(65536):
                said += part
    return said


def head(path: str = CHAT, *lines: str) -> bytes:
    given = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {API_KEY}", *lines]
    return "\r\n".join([*given, "", ""]).encode("latin-1")
