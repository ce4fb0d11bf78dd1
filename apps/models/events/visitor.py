"""Who may follow events: whoever shows a credential that may, or is signed in to this very site.

In front of Django, whose middleware does the same for all other routes.
"""

from __future__ import annotations

import http.cookies
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from apps.accounts import api as accounts
from apps.accounts.api import Actor
from apps.models.caller import caller_of
from apps.models.pulse.series import Sight, sight_of
from xplatform.core.errors import Forbidden, InvalidValue, NotAuthenticated

#: a browser can set no header on a WebSocket but this list; the key is its second word
BEARER = "bearer"
ACTION = "events.read"


@dataclass(frozen=True, slots=True)
class Visitor:
    #: asks the database who they are now; raises NotAuthenticated and NotFound
    actor: Callable[[], Actor]

    def project(self) -> str | None:
        """Whose events they may see now; None: all. Raises what ``actor`` raises, and Forbidden."""
        return caller_of(self._admitted()).project

    def sight(self) -> Sight:
        """Whose numbers as well; raises the same."""
        return sight_of(self._admitted())

    def _admitted(self) -> Actor:
        actor = self.actor()
        if not actor.may(ACTION):
            raise Forbidden.lacking(ACTION)
        return actor


def query_of(scope: dict[str, Any]) -> dict[str, str]:
    """Raises InvalidValue for what no database takes, as ``xplatform.texts`` does for Django."""
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    if any("\0" in value for value in query.values()):
        raise InvalidValue("A NUL character is in the address: no text has one.")
    return query


def visitor(scope: dict[str, Any]) -> Visitor | None:
    """What somebody shows at the door; None: nothing. Whether it is good, ``project`` says. Raises
    InvalidValue."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    query = query_of(scope)
    project = headers.get(b"x-project", b"").decode("latin-1") or query.get("project", "")
    address = str((scope.get("client") or ("",))[0])
    token = _token(headers.get(b"authorization", b""), list(scope.get("subprotocols") or ()))
    if token:
        return Visitor(lambda: accounts.check_credential(token, address).actor(address, project))
    session = _session_key(headers)
    if session and _is_same_site(headers):
        return Visitor(lambda: accounts.user_actor(_user_of(session), project, address))
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


def _user_of(session: str) -> int:
    request = HttpRequest()
    request.session = SessionStore(session)
    user = get_user(request) if SESSION_KEY in request.session else None
    if user is None or not user.is_authenticated or user.pk is None:
        raise NotAuthenticated("You are not signed in.")
    return int(user.pk)
