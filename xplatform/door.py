"""The outermost part of the web application: ``xplatform.core.web_rules`` for every connection."""

from __future__ import annotations

from typing import Any

from xplatform.core import errors
from xplatform.core.config import Settings
from xplatform.core.errors import PlatformError
from xplatform.core.web_rules import Early, Headers, WebRules

#: where those inside find the headers that belong to every answer: wrapping ``send`` would cost
#: each piece of a stream, and hide the connection from the gateway
HEADERS = "xplatform.headers"


class Door:
    def __init__(self, inside: Any, settings: Settings) -> None:
        self._inside = inside
        self._rules = WebRules(settings)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._inside(scope, receive, send)
            return
        scope[HEADERS] = headers = self._rules.headers(scope)
        try:
            self._rules.check(scope)
        except PlatformError as error:
            if kind == "websocket":
                await _close(receive, send)
            else:
                body = errors.envelope(error)
                given = [
                    (name.lower().encode(), value.encode())
                    for name, value in errors.headers(error).items()
                ]
                shape = ((b"content-type", b"application/json"), *given)
                await _answer(send, error.status, (*headers, *shape), body)
        except Early as known:
            await _answer(send, known.status, (*headers, *known.headers), b"")
        else:
            await self._inside(scope, receive, send)


async def _answer(send: Any, status: int, headers: Headers, body: bytes) -> None:
    length = () if status == 204 else ((b"content-length", str(len(body)).encode()),)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})


async def _close(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})
