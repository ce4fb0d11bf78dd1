"""Access tokens for pages: for as long as the session of the browser that asked.

A session's cookie opens nothing on the routes of inference, so a page asks for a token. Behind it
is a row of ``Login`` like any other's, so that it ends as all others do; only nobody was ever
given its refresh token. Its id is made of the session's key: two tabs that ask at the same moment
get the same login, and a session that logs out knows which one to end.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.accounts.asking import address_of
from apps.accounts.models import User
from apps.accounts.tokens import jwt
from apps.accounts.tokens.actions import end_login, forget_ended, printable
from apps.accounts.tokens.logins import access_life
from apps.accounts.tokens.models import Login
from xplatform.core.errors import NotAuthenticated

_SALT: Final = "apps.accounts.tokens.pages"


@dataclass(frozen=True, slots=True)
class PageToken:
    access: str
    #: seconds that it is good for
    seconds: int


def page_token(request: HttpRequest, user: User) -> PageToken:
    """A token for whom the request's session belongs to. Raises NotAuthenticated."""
    forget_ended(user)
    key = request.session.session_key
    if not key:
        raise NotAuthenticated("You are not signed in.")
    life = access_life()
    now = timezone.now()
    shown = {"refreshed": now, "expires": now + life, "address": address_of(request)[:45]}
    login, made = Login.objects.get_or_create(
        pk=_login_id(key),
        defaults={"user": user, "client": printable(request.headers.get("User-Agent", ""))} | shown,
    )
    if not made:
        # Asked in the same statement: it may end at this moment.
        going_on = Login.objects.filter(pk=login.pk, user=user, ended=None)
        if not going_on.update(**shown):
            raise NotAuthenticated("This login has ended. Log in again.")
    seconds = life.total_seconds()
    access, _ = jwt.make("access", user.pk, str(login.pk), seconds)
    return PageToken(access, int(seconds))


def end_page_tokens(request: HttpRequest) -> None:
    """Those of the request's session, if there are any."""
    if key := request.session.session_key:
        end_login(str(_login_id(key)), address_of(request))


def _logged_out(sender: Any, request: HttpRequest | None, **_: Any) -> None:
    if request is not None:
        end_page_tokens(request)


def connect() -> None:
    """Django tells of every way out: the console's, the admin's, OpenID Connect's."""
    user_logged_out.connect(_logged_out, dispatch_uid="tokens of pages")


def _login_id(session_key: str) -> uuid.UUID:
    # The token shows it to the page's script, which must not learn the session's key.
    return uuid.UUID(hex=salted_hmac(_SALT, session_key, algorithm="sha256").hexdigest()[:32])
