"""The one place where the server follows an address that somebody else gave: an image in a
request, the discovery of a sign-in service, a webhook.

A request must not be able to look around in the operator's network, nor to hold or fill this
process:

- http and https only, no user and password in the address, no port of another protocol;
- the host is resolved once, every address it has must be public (``addresses``) or allowed by
  ``fetch_allow``, and the connection goes to that very address: a name that means something else
  a moment later gains nothing;
- redirects are followed here, each checked like the first, never from https to http;
- size and total time are limited, however slowly the bytes drip; nothing is decompressed;
- neither cookies, credentials nor the environment's proxies are used.

What was fetched says what it is by its content (``media``), not by its headers.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from xplatform import __version__
from xplatform.core.addresses import Address, Allowed, is_public, read_address, read_allowed
from xplatform.core.config import Settings
from xplatform.core.errors import Offline, QueueFull, UrlRefused, UrlUnreadable

_REDIRECTS: Final = 4
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_PIECE: Final = 64 * 1024
#: fetched at once in one process, and waiting for their turn
_THREADS: Final = 8
_WAITING: Final = 128
_LONGEST_URL: Final = 8192


@dataclass(frozen=True, slots=True)
class Limits:
    bytes: int
    #: from the first look-up to the last byte, redirects included
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    #: by lower-case name
    headers: Mapping[str, str]
    body: bytes
    #: where it came from in the end
    url: str


def limits(settings: Settings) -> Limits:
    return Limits(settings.fetch_max_mb << 20, settings.fetch_timeout)


def fetch(url: str, settings: Settings) -> bytes:
    """The content of an address. Raises UrlRefused, UrlUnreadable and Offline."""
    return _content(request(url, settings))


async def fetch_async(url: str, settings: Settings) -> bytes:
    """The same from a coroutine; cancelling it closes the connection."""
    if _Turn.waiting >= _WAITING:
        raise QueueFull("The server fetches as many addresses as it may.", retry_after=2.0)
    visit = Visit(settings)
    loop = asyncio.get_running_loop()
    _Turn.waiting += 1
    try:
        work = loop.run_in_executor(_threads(), visit.request, url)
        # The resolver knows no limit of its own, and the turn may come late.
        async with asyncio.timeout(settings.fetch_timeout + 1.0):
            return _content(await work)
    except TimeoutError:
        raise UrlUnreadable(f"{shown(url)} did not answer in time.") from None
    finally:
        _Turn.waiting -= 1
        visit.abort()


def request(
    url: str,
    settings: Settings,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """For talks of our own with a service whose address somebody gave (single sign-on, webhooks).
    Any status is an answer. What has a body is not redirected."""
    return Visit(settings).request(url, method=method, headers=headers, body=body)


def shown(url: str) -> str:
    """An address for a message: without what may be secret in it, and not long."""
    try:
        parts = urlsplit(url)
        text = f"{parts.scheme}://{parts.hostname}{parts.path}"
    except ValueError:
        text = url
    return repr(text if len(text) <= 100 else text[:99] + "…")


class Visit:
    """One request with all its redirects."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._allowed = read_allowed(settings.fetch_allow)
        self._limits = limits(settings)
        self._lock = threading.Lock()
        #: a second handle of the connection, by which others end it
        self._handle: socket.socket | None = None
        self._aborted = False

    def request(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        if self._settings.offline:
            raise Offline(f"{shown(url)} is not fetched: this server is set to be offline.")
        self._deadline = time.monotonic() + self._limits.seconds
        # Bytes that drip into a header or a handshake keep each single read within its time.
        alarm = threading.Timer(self._limits.seconds, self.abort)
        alarm.daemon = True
        alarm.start()
        try:
            for _ in range(_REDIRECTS + 1):
                answer = self._once(url, method, headers or {}, body)
                if answer.status not in _MOVED or "location" not in answer.headers or body:
                    return answer
                url = _next(url, answer.headers["location"])
            raise UrlUnreadable(f"{shown(url)} was redirected more than {_REDIRECTS} times.")
        finally:
            alarm.cancel()
            self.abort()

    def abort(self) -> None:
        """End it now, from any thread."""
        with self._lock:
            self._aborted = True
            self._close()

    # -- one hop ------------------------------------------------------------------------------

    def _once(
        self, url: str, method: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        parts, port = check_url(url)
        host = parts.hostname or ""
        addresses = self._addresses(url, host, port)
        try:
            connection = self._connect(parts, addresses, port)
        except (OSError, ssl.SSLError) as error:
            raise self._failed(url, error) from None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {
            "User-Agent": f"xplatform/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
            **headers,
        }
        try:
            connection.request(method, target, body, sent)
            with connection.getresponse() as response:
                found = {name.lower(): value for name, value in response.getheaders()}
                moved = response.status in _MOVED and "location" in found
                content = b"" if moved else self._read(response, url, found)
                return Answer(response.status, found, content, url)
        except (OSError, ssl.SSLError, http.client.HTTPException, ValueError) as error:
            raise self._failed(url, error) from None
        finally:
            connection.close()
            with self._lock:
                self._close()

    def _addresses(self, url: str, host: str, port: int) -> list[Address]:
        """All it has, if all are allowed: of a name that means both a public and a private
        address, nobody knows what is wanted."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise UrlUnreadable(f"{shown(url)}: there is no host {host[:100]!r}.") from None
        addresses = []
        for *_, place in found:
            address = read_address(str(place[0]))
            if not _may_reach(host, address, self._allowed):
                raise UrlRefused(
                    f"{shown(url)} is not fetched: it does not lead to the public internet. An"
                    " administrator allows hosts and networks by the setting fetch_allow."
                )
            addresses.append(address)
        return addresses

    def _connect(
        self, parts: SplitResult, addresses: list[Address], port: int
    ) -> http.client.HTTPConnection:
        """To one of these very addresses. The name is said in Host and in the TLS handshake."""
        host = parts.hostname or ""
        sock = self._first(addresses, port)
        if parts.scheme == "https":
            try:
                sock = _tls().wrap_socket(sock, server_hostname=host.strip("[]"))
            except BaseException:
                sock.close()
                raise
        connection = http.client.HTTPConnection(host, port)
        if parts.scheme == "https":
            connection.default_port = 443
        connection.sock = sock
        connection.auto_open = 0  # it would look the name up again
        return connection

    def _first(self, addresses: list[Address], port: int) -> socket.socket:
        last: OSError = TimeoutError("no time is left")
        for address in addresses[:4]:
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(self._left())
                self._watch(sock)
                sock.connect((str(address), port))
                return sock
            except OSError as error:
                sock.close()
                last = error
        raise last

    def _read(
        self, response: http.client.HTTPResponse, url: str, headers: Mapping[str, str]
    ) -> bytes:
        if headers.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise UrlUnreadable(f"{shown(url)} answers compressed, though it was not asked to.")
        limit = self._limits.bytes
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            raise self._too_large(url)
        pieces, size = [], 0
        while piece := response.read1(_PIECE):
            size += len(piece)
            if size > limit:
                raise self._too_large(url)
            pieces.append(piece)
        # A connection that was ended here reads like one that the server ended.
        self._left()
        if response.length:  # what was announced and did not come
            raise UrlUnreadable(f"{shown(url)} broke off.")
        return b"".join(pieces)

    # -- time ---------------------------------------------------------------------------------

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0 or self._aborted:
            raise TimeoutError
        return left

    def _watch(self, sock: socket.socket) -> None:
        with self._lock:
            self._close()
            if self._aborted:
                raise TimeoutError
            # TLS takes the socket over; the connection behind it stays the same.
            self._handle = socket.socket(fileno=os.dup(sock.fileno()))

    def _close(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)
            self._handle.close()
            self._handle = None

    def _failed(self, url: str, error: Exception) -> UrlUnreadable:
        if self._aborted or isinstance(error, TimeoutError):
            return UrlUnreadable(
                f"{shown(url)} was not read within {self._limits.seconds:g} seconds."
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return UrlUnreadable(f"{shown(url)} has a certificate that is not trusted here.")
        return UrlUnreadable(f"{shown(url)} cannot be read ({type(error).__name__}).")

    def _too_large(self, url: str) -> UrlUnreadable:
        return UrlUnreadable(
            f"{shown(url)} is larger than {self._limits.bytes >> 20} MB, the most that is fetched."
        )


def check_url(url: str) -> tuple[SplitResult, int]:
    """Its parts and port, if it is an address that may be followed at all. Raises UrlRefused."""
    if len(url) > _LONGEST_URL or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
        raise UrlRefused("An address has up to 8,192 characters, and no spaces among them.")
    try:
        parts = urlsplit(url.encode("ascii", "strict").decode())
        port = parts.port
    except (ValueError, UnicodeError):
        raise UrlRefused(f"{shown(url)} is no valid address.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UrlRefused(f"{shown(url)} is not fetched: only http:// and https:// addresses are.")
    if parts.username is not None or parts.password is not None:
        raise UrlRefused("An address with a user or password in it is not fetched.")
    port = port if port is not None else 443 if parts.scheme == "https" else 80
    if port not in (80, 443) and port < 1024:
        raise UrlRefused(f"{shown(url)} is not fetched: port {port} is no port of the web.")
    return parts, port


def _may_reach(host: str, address: Address, allowed: Allowed) -> bool:
    return is_public(address) or allowed.host(host.rstrip(".")) or allowed.address(address)


def _next(url: str, location: str) -> str:
    there = urljoin(url, location)
    if url.startswith("https:") and not there.startswith("https:"):
        raise UrlRefused(f"{shown(url)} redirects away from https; that is not followed.")
    return there


def _content(answer: Answer) -> bytes:
    if answer.status != 200:
        raise UrlUnreadable(f"{shown(answer.url)} answered {answer.status}.")
    return answer.body


class _Turn:
    waiting = 0


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, "fetch")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
