"""ASGI by hand: bodies within bounds, answers, event streams, and knowing when the client left."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from xplatform.core import errors
from xplatform.core.errors import PlatformError, envelope
from xplatform.core.errors import headers as error_headers
from xplatform.core.web_rules import with_headers

if TYPE_CHECKING:
    from apps.accounts.api import Actor, KeyRecord
    from apps.inference.gateway.ticket import Ticket

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: how long the rest of a refused body is read (and dropped), so that the client gets to the answer
_LINGER_SECONDS = 10.0
#: bytes of bodies that one web process holds at once; whoever comes with more waits outside
_MAX_HELD = 512 << 20
_REQUEST_ID = re.compile(rb"^[\x21-\x7e]{1,128}$")
JSON = b"application/json"


class ClientGone(Exception):
    """The client closed the connection; there is nobody to answer."""


class Held:
    """What the bodies of all requests of this process take."""

    bytes = 0


def request_id(given: bytes) -> str:
    """The caller's own name of its request if it is harmless, else a new one."""
    return given.decode() if _REQUEST_ID.match(given) else f"req-{secrets.token_hex(12)}"


def named(scope: Scope, send: Send) -> Send:
    """For what others answer: they are told the request's id (the audit keeps it), and their
    answers carry it, too."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    header = (b"x-request-id", request_id(given).encode())
    others = [one for one in scope["headers"] if one[0] != b"x-request-id"]
    scope["headers"] = [*others, header]

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), header]
        await send(message)

    return with_headers(send_named, scope.get("xplatform.headers", ()))


class Exchange:
    """One HTTP request and its answer. ``release`` must be called at its end."""

    __slots__ = (
        "_gone", "_late", "_reading", "_receive", "_send", "_size", "_stall_timeout",
        "_waiting_since", "_watch", "actor", "address", "arrived", "headers", "method", "model",
        "more_headers", "outcome", "path", "record", "refused", "request_id", "scope", "started",
        "task", "tickets",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send, stall_timeout: float) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        #: the client's, or what the last trusted proxy says of it
        self.address: str = (scope.get("client") or ("",))[0]
        self.request_id = request_id(self.headers.get(b"x-request-id", b""))
        self.started = False
        self.arrived = time.monotonic()
        #: for logs and metrics: the model that was called, the HTTP status of the outcome
        self.model = ""
        self.outcome = 200
        #: headers of the answer, whatever it will be
        self.more_headers: tuple[tuple[bytes, bytes], ...] = scope.get("xplatform.headers", ())
        #: who asks, and by which credential, once that is known
        self.actor: Actor | None = None
        self.record: KeyRecord | None = None
        #: what runs for it
        self.tickets: Sequence[Ticket] = ()
        #: why it may not go on: the credential ended in the meantime
        self.refused: PlatformError | None = None
        self._receive = receive
        self._send = send
        self._stall_timeout = stall_timeout
        self._gone = False
        self._watch: asyncio.Task[None] | None = None
        #: since when we wait for the client to send, or to read what we sent
        self._waiting_since = 0.0
        self._reading = self._late = False
        self._size = 0
        #: the task that serves this request
        self.task = asyncio.current_task()

    # -- in -----------------------------------------------------------------------------------

    async def body(self, limit: int) -> bytes:
        """The whole body; raises BodyTooLarge as soon as it is known to be."""
        self._reading = True
        announced = self.headers.get(b"content-length")
        if announced is not None and announced.isdigit() and int(announced) > limit:
            raise errors.BodyTooLarge(limit)
        parts: list[bytes] = []
        while True:
            self._waiting_since = time.monotonic()
            try:
                message = await self._receive()
            except asyncio.CancelledError:
                if not self._late:
                    raise
                raise _late(self._stall_timeout) from None
            finally:
                self._waiting_since = 0.0
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            self._size += len(part)
            Held.bytes += len(part)
            if self._size > limit:
                raise errors.BodyTooLarge(limit)
            if Held.bytes > _MAX_HELD:
                raise errors.QueueFull(
                    "The server holds as many requests as it has room for. Try again later.",
                    retry_after=2.0,
                )
            parts.append(part)
            if not message.get("more_body"):
                self._reading = False
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def release(self) -> None:
        Held.bytes -= self._size
        self._size = 0

    def watch(self, on_gone: Callable[[], None]) -> None:
        """Call ``on_gone`` when the client leaves. The body must have been read."""

        async def wait() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass
            self._gone = True
            on_gone()

        self._watch = asyncio.get_running_loop().create_task(wait())

    def unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def age(self) -> float:
        return time.monotonic() - self.arrived

    @property
    def sender(self) -> str:
        """Whose request this is, for what is called by a name."""
        assert self.record is not None
        return self.record.sender

    @property
    def gone(self) -> bool:
        return self._gone

    # -- out ----------------------------------------------------------------------------------

    async def answer(
        self,
        body: bytes,
        status: int = 200,
        content_type: bytes = JSON,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        await self._answer(body, status, content_type, headers)

    async def _answer(
        self,
        body: bytes,
        status: int,
        content_type: bytes,
        headers: tuple[tuple[bytes, bytes], ...],
        *,
        more: bool = False,
    ) -> None:
        self.started = True
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", content_type),
                    (b"content-length", str(len(body)).encode()),
                    (b"x-request-id", self.request_id.encode()),
                    *self.more_headers,
                    *headers,
                ],
            }
        )
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def answer_error(self, error: PlatformError) -> None:
        headers = [
            (name.lower().encode(), value.encode()) for name, value in error_headers(error).items()
        ]
        self.outcome = error.status
        if not self._reading:
            await self.answer(envelope(error), error.status, headers=tuple(headers))
            return
        # There is more of the body than was read: the connection cannot be used again. Closing it
        # now would reset it, and a client that sends before it reads would never see the answer.
        headers.append((b"connection", b"close"))
        await self._answer(envelope(error), error.status, JSON, tuple(headers), more=True)
        if not self._late and b"expect" not in self.headers:
            await self._drop_body()
        await self._send({"type": "http.response.body", "body": b""})

    async def _drop_body(self) -> None:
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while (await self._receive()).get("more_body"):
                    pass
        except TimeoutError:
            pass

    async def start_stream(self) -> None:
        self.started = True
        await self._send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"cache-control", b"no-cache"),
                    (b"x-accel-buffering", b"no"),
                    (b"x-request-id", self.request_id.encode()),
                    *self.more_headers,
                ],
            }
        )

    async def write(self, data: bytes) -> None:
        """Send a piece of the stream; waits while the client is slow."""
        if self._gone:
            raise ClientGone
        self._waiting_since = time.monotonic()
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self._waiting_since = 0.0

    def stalled(self, now: float) -> bool:
        """Has the client left bytes unread, or its body unsent, for too long? (A sweep asks, so
        that no read or write needs a timer of its own.)"""
        return 0.0 < self._waiting_since < now - self._stall_timeout

    def give_up(self) -> None:
        """End the request of a client that does not read, or not send."""
        if self._reading:
            self._late = True
        else:
            self._gone = True
            # ASGI cannot reset a connection, and to close it would mean to wait until the client
            # has read what it does not read.
            transport = getattr(getattr(self._send, "__self__", None), "transport", None)
            if transport is not None:
                transport.abort()
        if self.task is not None:
            self.task.cancel()

    async def end_stream(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})


def _late(seconds: float) -> PlatformError:
    error = errors.InvalidRequest.said(f"Nothing more of the body arrived for {seconds:.0f} s.")
    error.status = 408
    return error
