"""Daphne on a socket that is open, with what it lacks: the application's lifespan, and a drain.

Importing it installs Twisted's reactor on an asyncio loop of Daphne's own.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from typing import Any

from daphne.server import Server, twisted_loop
from daphne.ws_protocol import WebSocketProtocol
from OpenSSL import SSL
from twisted.internet import reactor as _reactor
from twisted.protocols.tls import TLSMemoryBIOFactory

from xplatform.core import hints
from xplatform.core.tls import Certificate

logger = logging.getLogger(__name__)
reactor: Any = _reactor

#: the close code of a WebSocket whose server stops or restarts
_RESTART = 1012


def run(
    application: Any,
    listener: socket.socket,
    drain_timeout: float,
    encryption: Certificate | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT, then drain; the exit code."""
    # Twisted accepts until there is nothing left, which a blocking socket never says.
    listener.setblocking(False)
    asyncio.set_event_loop(twisted_loop)
    lifespan = Lifespan(application)
    # Before the first request, which finds no routes otherwise.
    if not twisted_loop.run_until_complete(lifespan.start()):
        return 3
    server = DrainingServer(
        listener,
        encryption,
        application=application,
        signal_handlers=False,
        server_name="",
        # Requests have their own limits; this one would cut long streams.
        http_timeout=None,
    )

    async def stop() -> None:
        await server.drain(drain_timeout)
        await lifespan.end()
        reactor.stop()

    stopping: list[asyncio.Task[None]] = []

    def asked() -> None:
        if not stopping:
            stopping.append(twisted_loop.create_task(stop()))

    for sig in (signal.SIGTERM, signal.SIGINT):
        twisted_loop.add_signal_handler(sig, asked)
    server.run()
    return 0


class DrainingServer(Server):  # type: ignore[misc]
    """Daphne's server, which knows no orderly end."""

    def __init__(
        self, listener: socket.socket, encryption: Certificate | None, **arguments: Any
    ) -> None:
        # Endpoints are texts, in which an IPv6 socket cannot be named.
        super().__init__(endpoints=["-"], ready_callable=self._adopt, **arguments)
        self.endpoints: list[str] = []
        self._listener = listener
        self._encryption = encryption
        self._ports: list[Any] = []

    def _adopt(self) -> None:
        factory = self.http_factory
        if self._encryption is not None:
            contexts: Any = Contexts(self._encryption)
            factory = TLSMemoryBIOFactory(contexts, False, factory)
        port = reactor.adoptStreamPort(self._listener.fileno(), self._listener.family, factory)
        self._ports.append(port)
        self.listen_success(port)

    async def drain(self, seconds: float) -> None:
        """Take no new connections; wait for running requests, then cancel what is left."""
        for port in self._ports:
            port.stopListening()
        # Whoever only waits for news does not hold up the drain.
        hints.tell(hints.STOPPING)
        for protocol in self.connections:
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                # Not by sendClose(), which lets applications say 1000 and 3000 to 4999 only.
                protocol.sendCloseFrame(code=_RESTART)
        deadline = time.monotonic() + seconds
        while (running := self._running()) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=1.0)

    def _running(self) -> list[asyncio.Task[Any]]:
        tasks = [details.get("application_instance") for details in self.connections.values()]
        return [task for task in tasks if task is not None and not task.done()]

    def kill_all_applications(self) -> None:
        # Daphne's own fails on connections whose request has ended; drain() has done it.
        pass


class Contexts:
    """Twisted's TLS is OpenSSL's own binding, with contexts of its own: made anew when the
    certificate's files have changed."""

    def __init__(self, encryption: Certificate) -> None:
        self._encryption = encryption
        self._made: tuple[int, SSL.Context] | None = None

    def getContext(self) -> SSL.Context:
        renewals = self._encryption.renewals
        if self._made is None or self._made[0] != renewals:
            certificate, key = self._encryption.paths
            context = SSL.Context(SSL.TLS_SERVER_METHOD)
            context.set_min_proto_version(SSL.TLS1_2_VERSION)
            context.use_certificate_chain_file(certificate)
            context.use_privatekey_file(key)
            context.set_alpn_select_callback(lambda _, offered: _http1(offered))
            self._made = renewals, context
        return self._made[1]


def _http1(offered: list[bytes]) -> Any:
    return b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS


class Lifespan:
    """The ASGI lifespan protocol from the server's side."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._to: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._from: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> bool:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
        self._task = asyncio.ensure_future(self._application(scope, self._to.get, self._from.put))
        answer = await self._ask("lifespan.startup")
        if answer != "lifespan.startup.complete":
            logger.error("the application did not start")
            return False
        return True

    async def end(self) -> None:
        await self._ask("lifespan.shutdown")

    async def _ask(self, kind: str) -> str | None:
        """The application's answer; None when it ended without one."""
        assert self._task is not None
        await self._to.put({"type": kind})
        answer = asyncio.ensure_future(self._from.get())
        await asyncio.wait([answer, self._task], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            return None
        return answer.result()["type"]
