"""The engine's talk with the llama.cpp server that runs in the same process.

It goes over HTTP on a private Unix socket, not through xllamacpp's callbacks, because only there
a request can be stopped while it waits or while its prompt is worked on (the connection is
closed), failures in llama.cpp come back as answers, and token ids are told. One thread serves all
connections: what the streams brought since the last look is handed over together, so that a step
of the engine becomes one frame, and no two threads fight for the interpreter lock.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

log = logging.getLogger(__name__)

_EVENT = b"data: "
_END_OF_HEAD = b"\r\n\r\n"


class Exchange:
    """One request and its answer. The callbacks run in the wire's thread.

    ``on_event`` gets the payload of every server-sent event of a good streamed answer;
    ``on_answer`` gets status and body of any other answer; ``on_lost`` is called when the
    connection ended before either was complete. After ``on_answer``, ``on_lost`` or ``settle``
    nothing is called any more.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_left",
        "_status",
        "on_answer",
        "on_event",
        "on_lost",
        "path",
        "settled",
        "sock",
        "streamed",
    )

    def __init__(
        self,
        path: str,
        body: bytes,
        on_answer: Callable[[int, bytes], None],
        on_lost: Callable[[str], None],
        on_event: Callable[[bytes], None] | None = None,
    ) -> None:
        self.path = path
        self.on_answer = on_answer
        self.on_event = on_event
        self.on_lost = on_lost
        self.sock: socket.socket | None = None
        self.settled = False
        self.streamed = False
        self._body = body
        self._buffer = b""
        self._status = 0
        self._left = -1

    def request(self) -> bytes:
        method = "POST" if self._body else "GET"
        return (
            f"{method} {self.path} HTTP/1.1\r\nHost: llama\r\nContent-Type: application/json\r\n"
            f"Connection: close\r\nContent-Length: {len(self._body)}\r\n\r\n"
        ).encode() + self._body

    def settle(self) -> None:
        """What matters has arrived; the rest of the answer is read and dropped."""
        self.settled = True

    def take(self, data: bytes) -> None:
        """Digest what arrived."""
        if self.settled:
            return
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        if not self._status:
            end = data.find(_END_OF_HEAD)
            if end < 0:
                self._buffer = data
                return
            self._read_head(data[:end])
            data = data[end + len(_END_OF_HEAD) :]
        if self.streamed:
            self._take_events(data)
        else:
            self._take_body(data)

    def _read_head(self, head: bytes) -> None:
        lines = head.split(b"\r\n")
        self._status = int(lines[0].split(b" ", 2)[1])
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                self._left = int(value)
            elif name.lower() == b"content-type" and self.on_event is not None:
                self.streamed = self._status == 200 and b"event-stream" in value

    def _take_events(self, data: bytes) -> None:
        # llama.cpp writes whole events, one or more in an HTTP chunk, and JSON has no raw line
        # feeds: so chunk headers are lines of their own and can be passed over with the rest.
        lines = data.split(b"\n")
        self._buffer = lines.pop()
        assert self.on_event is not None
        for line in lines:
            if line.startswith(_EVENT) and not self.settled:
                self.on_event(line[6:])

    def _take_body(self, data: bytes) -> None:
        if len(data) < self._left or self._left < 0:
            self._buffer = data
            return
        self.settled = True
        self.on_answer(self._status, data[: self._left])

    def ended(self) -> None:
        """The server closed the connection."""
        if self.settled:
            return
        self.settled = True
        if self._status and not self.streamed and self._left < 0:
            self.on_answer(self._status, self._buffer)
        else:
            self.on_lost("llama.cpp closed the connection before the answer was complete")


class Wire:
    """The thread that serves all exchanges. ``call`` may be used from any thread, the rest only
    in the wire's own."""

    def __init__(self, path: str, flush: Callable[[], None]) -> None:
        self._path = path
        self._flush = flush
        self._calls: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="llama-wire", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._closing = True
        self._wake()
        self._thread.join(timeout=5)

    def call(self, function: Callable[[], None]) -> None:
        """Run ``function`` in the wire's thread, soon."""
        self._calls.append(function)
        self._wake()

    def _wake(self) -> None:
        try:
            self._waker.send(b"x")
        except BlockingIOError:
            pass  # full of wake-ups already

    def open(self, exchange: Exchange) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # There is a server thread for every connection we open, so these do not wait long.
            sock.settimeout(30)
            sock.connect(self._path)
            sock.sendall(exchange.request())
            sock.setblocking(False)
        except OSError as error:
            sock.close()
            exchange.settled = True
            exchange.on_lost(f"llama.cpp does not take requests: {error}")
            return
        exchange.sock = sock
        self._selector.register(sock, selectors.EVENT_READ, exchange)

    def drop(self, exchange: Exchange) -> None:
        """Stop it: llama.cpp notices the closed connection and frees the slot."""
        exchange.settled = True
        sock = exchange.sock
        if sock is not None:
            exchange.sock = None
            self._selector.unregister(sock)
            sock.close()

    def _run(self) -> None:
        select = self._selector.select
        while not self._closing:
            for key, _ in select():
                exchange: Exchange | None = key.data
                if exchange is None:
                    self._woken.recv(4096)
                    continue
                sock = exchange.sock
                if sock is None:  # dropped by what came before it in this round
                    continue
                try:
                    data = sock.recv(1 << 18)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                try:
                    if data:
                        exchange.take(data)
                    else:
                        exchange.ended()
                except Exception as error:
                    log.exception("cannot read llama.cpp's answer")
                    exchange.on_lost(f"{type(error).__name__}: {error}")
                    data = b""
                if not data:
                    self.drop(exchange)
            while self._calls:
                try:
                    self._calls.popleft()()
                except Exception:
                    log.exception("a call into the wire failed")
            self._flush()
        self._selector.close()


def ask(path: str, where: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
    """One question, waited for; for the time of loading, before there is a wire."""
    got: list[tuple[int, bytes]] = []
    exchange = Exchange(
        where,
        b"" if body is None else msgspec.json.encode(body),
        lambda status, answer: got.append((status, answer)),
        lambda reason: got.append((0, reason.encode())),
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(60)
        sock.connect(path)
        sock.sendall(exchange.request())
        while not got:
            data = sock.recv(1 << 16)
            if data:
                exchange.take(data)
            else:
                exchange.ended()
    return got[0]
