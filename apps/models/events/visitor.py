"""Who may follow events: whoever has an API key, or is signed in to this very site."""

from __future__ import annotations

import http.cookies
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from apps.accounts import api as accounts

#: a browser can set no header on a WebSocket but this list; the key is its second word
BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Visitor:
    #: asks the database whether they are still welcome
    is_welcome: Callable[[], bool]


def visitor(scope: dict[str, Any]) -> Visitor | None:
    """What somebody shows at the door; None: nothing. Whether it is good, ``is_welcome`` says."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    token = _token(headers.get(b"authorization", b""), list(scope.get("subprotocols") or ()))
    if token:
        return Visitor(lambda: accounts.find_key(token) is not None)
    session = _session_key(headers)
    if session and _is_same_site(headers):
        return Visitor(lambda: _has_session(session))
    return None


def _token(authorization: bytes, subprotocols: list[str]) -> str:
    scheme, _, token = authorization.partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip().decode("latin-1")
    if len(subprotocols) >= 2 and subprotocols[0] == BEARER:
        return subprotocols[1]
    return ""


def _session_key(headers: dict[bytes, bytes]) -> str:
    cookies: http.cookies.SimpleCookie = http.cookies.SimpleCookie()
    try:
        cookies.load(headers.get(b"cookie", b"").decode("latin-1"))
    except http.cookies.CookieError:
        return ""
    found = cookies.get(settings.SESSION_COOKIE_NAME)
    return found.value if found else ""


def _is_same_site(headers: dict[bytes, bytes]) -> bool:
    """Browsers send our cookie with a WebSocket of any page; only our own pages may use it."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    return bool(origin) and urlsplit(origin).netloc == headers.get(b"host", b"").decode("latin-1")


def _has_session(key: str) -> bool:
    request = HttpRequest()
    request.session = SessionStore(key)
    return SESSION_KEY in request.session and bool(get_user(request).is_authenticated)
