"""What holds for every answer over HTTP, whoever gives it: the headers that tell browsers what a
page of ours may do, which names we answer to, who may read answers from another site, and that
nobody talks to us in the clear where TLS was promised.

``Gateway`` asks here before anything else. No Django: most answers never see it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from xplatform.core.addresses import is_loopback
from xplatform.core.config import ConfigError, Settings
from xplatform.core.errors import Forbidden, InvalidRequest

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]
Scope = Mapping[str, Any]

#: an answer of JSON, a stream or a file is no page: should a browser show it as one, it may do
#: nothing. Django's middleware gives pages a policy of their own.
PROGRAM_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS: Final[Headers] = (
    (b"content-security-policy", PROGRAM_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
)
_METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"
#: what pages of other sites may read beside the content
_EXPOSED: Final = (
    b"retry-after, x-request-id, x-should-retry, x-ratelimit-limit-requests,"
    b" x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens,"
    b" x-ratelimit-reset-requests, x-ratelimit-reset-tokens"
)
_HEADER_NAMES: Final = re.compile(rb"[A-Za-z0-9_\-]+(?:\s*,\s*[A-Za-z0-9_\-]+)*")
_ORIGIN: Final = re.compile(
    r"https?://[a-z0-9.\-]+(?::\d{1,5})?|https?://\[[0-9a-f:]+\](?::\d{1,5})?"
)
_HOST: Final = re.compile(r"\.?[a-z0-9\-]+(?:\.[a-z0-9\-]+)*|\[[0-9a-f:]+\]")

#: asked by machines that watch over us, by whatever address they have
_PROBES: Final = frozenset({"/healthz", "/readyz"})
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
#: what begins so is for programs, which must learn to say https; pages are shown the way
_PROGRAMS: Final = ("/v1/", "/api/", "/token", "/metrics", "/status", "/ws/")


class Early(Exception):
    """The answer is known already."""

    def __init__(self, status: int, headers: Headers) -> None:
        super().__init__(status)
        self.status, self.headers = status, headers


class WebRules:
    """Of one web process. Raises ConfigError for settings that make no sense."""

    def __init__(self, settings: Settings) -> None:
        self._behind_tls = settings.behind_tls
        self._origins = read_origins(settings.cors_origins)
        self._hosts = read_hosts(settings.allowed_hosts)
        encrypted = settings.behind_tls or bool(settings.tls_cert)
        always = list(_ALWAYS)
        if encrypted and settings.hsts_seconds:
            value = f"max-age={settings.hsts_seconds}".encode()
            always.append((b"strict-transport-security", value))
        self._always: Headers = tuple(always)
        #: is there anything to look at before a request?
        self._looks = bool(self._hosts or self._origins or self._behind_tls)

    def headers(self, scope: Scope) -> Headers:
        """For the answer to this request."""
        if not self._origins or scope["path"].startswith("/admin"):
            return self._always
        origin = _header(scope, b"origin")
        vary = (b"vary", b"Origin")
        if not self._may_read(origin):
            return (*self._always, vary)
        return (
            *self._always,
            vary,
            # Never with credentials: another site's page has a key of its own, no cookie of ours.
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
        )

    def check(self, scope: Scope) -> None:
        """Raises PlatformError, or Early with an answer that is none of anybody's business."""
        if not self._looks:
            return
        path = scope["path"]
        if self._hosts and path not in _PROBES:
            self._check_host(scope)
        if self._behind_tls and scope["scheme"] in ("http", "ws") and path not in _PROBES:
            self._check_scheme(scope)
        if (
            scope.get("method") == "OPTIONS"
            and self._may_read(_header(scope, b"origin"))
            and _header(scope, b"access-control-request-method")
        ):
            raise Early(204, self._preflight(scope))

    def _may_read(self, origin: bytes) -> bool:
        if not origin or not self._origins:
            return False
        return "*" in self._origins or origin.decode("latin-1").lower() in self._origins

    def _preflight(self, scope: Scope) -> Headers:
        asked = _header(scope, b"access-control-request-headers")
        # Named one by one, since "*" does not cover Authorization.
        allowed = asked if _HEADER_NAMES.fullmatch(asked) else b"authorization, content-type"
        return (
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", allowed),
            (b"access-control-max-age", b"600"),
        )

    def _check_host(self, scope: Scope) -> None:
        given = [value for name, value in scope["headers"] if name == b"host"]
        # Of two, a proxy in front may have believed the other one.
        host = host_of(given[0]) if len(given) == 1 else ""
        if any(host == name or (name[0] == "." and host.endswith(name)) for name in self._hosts):
            return
        if host in _LOOPBACK_NAMES and _is_local(scope):
            return
        raise InvalidRequest.said(
            "This server does not answer to the name in the Host header. An administrator names"
            " its hosts by the setting allowed_hosts.",
            param="host",
        )

    def _check_scheme(self, scope: Scope) -> None:
        if _is_local(scope):
            return
        path = scope["path"]
        if scope.get("method") in ("GET", "HEAD") and not path.startswith(_PROGRAMS):
            target = b"https://" + _header(scope, b"host") + scope.get("raw_path", path.encode())
            if query := scope.get("query_string"):
                target += b"?" + query
            if b"\r" not in target and b"\n" not in target:
                raise Early(308, ((b"location", target),))
        # Not shown the way: the key has been sent in the clear already, and should be noticed.
        raise Forbidden("This server is used over https only; use https:// in its address.")


def host_of(header: bytes) -> str:
    """Without the port."""
    text = header.decode("latin-1").lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0].rstrip(".")


def read_hosts(text: str) -> tuple[str, ...]:
    """``models.example.com,*.corp.example``; empty: any. Raises ConfigError."""
    hosts = []
    for word in _words(text):
        host = word.removeprefix("*")
        if not _HOST.fullmatch(host):
            raise ConfigError(
                f"allowed_hosts has {word!r}, which is no name like models.example.com or"
                " *.example.com, without scheme and port."
            )
        hosts.append(host)
    return tuple(hosts)


def read_origins(text: str) -> frozenset[str]:
    """``https://app.example.com,http://localhost:3000``; ``*``: any. Raises ConfigError."""
    origins = set()
    for word in _words(text):
        if word != "*" and not _ORIGIN.fullmatch(word):
            raise ConfigError(
                f"cors_origins has {word!r}, which is no origin like https://app.example.com:"
                " scheme, host and port, without a path."
            )
        origins.add(word)
    return frozenset(origins)


def with_headers(send: Callable[[Any], Any], headers: Headers) -> Callable[[Any], Any]:
    """For answers of others: those of these headers that they do not give themselves."""

    async def send_with(message: Any) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            given += [pair for pair in headers if pair[0] == b"vary" or pair[0] not in names]
            message["headers"] = given
        await send(message)

    return send_with


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip().lower())]


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def _is_local(scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and is_loopback(client[0])
