"""Logins begin, are renewed and end. All else only reads them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.accounts import notices
from apps.accounts.hints import keys_changed
from apps.accounts.tokens import jwt
from apps.accounts.tokens.jwt import Claims
from apps.accounts.tokens.logins import access_life
from apps.accounts.tokens.models import Login
from xplatform.core.config import settings
from xplatform.core.errors import NotAuthenticated

if TYPE_CHECKING:
    from apps.accounts.models import User

_GONE = "This login has ended. Log in again."


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str
    refresh: str
    user: User
    #: seconds that they are good for
    access_seconds: int
    refresh_seconds: int


def begin(user: User, address: str, client: str) -> Tokens:
    """Tokens for somebody who has just proved who they are."""
    forget_ended(user)
    now = timezone.now()
    login = Login(user=user, address=address[:45], client=printable(client))
    refresh, claims = _new_refresh(user, login.pk)
    login.newest = claims.id
    login.expires = now + _refresh_life()
    login.save(force_insert=True)
    return _tokens(user, login.pk, refresh)


def renew(refresh_token: str, address: str) -> Tokens:
    """A pair of new tokens for the newest refresh token of a login, which then is of no use.

    Raises NotAuthenticated. A token that was used before ends the login: one of the two who
    showed it is not its owner.
    """
    claims = jwt.read(refresh_token, "refresh")
    with transaction.atomic():
        login = _find(claims)
        user = login.user
        if login.ended is not None or not user.is_active or user.tokens_end(claims.issued):
            raise NotAuthenticated(_GONE)
        refresh, new = _new_refresh(user, login.pk)
        now = timezone.now()
        # Compare and set: of two who renew with the same token at once, one is the second.
        renewed = Login.objects.filter(pk=login.pk, newest=claims.id, ended=None).update(
            newest=new.id, refreshed=now, expires=now + _refresh_life(), address=address[:45]
        )
        if not renewed:
            _end(login, Login.Why.REUSED)
    if not renewed:
        notices.record(
            user, address, "login.reused", why="an old refresh token was shown again", failed=True
        )
        raise NotAuthenticated(_GONE)
    return _tokens(user, login.pk, refresh)


def end(refresh_token: str, address: str) -> None:
    """Log out. A token that is of no use any more says nothing: its login is over."""
    try:
        claims = jwt.read(refresh_token, "refresh")
        login = _find(claims)
    except NotAuthenticated:
        return
    end_login(str(login.pk), address)


def end_login(login_id: str, address: str) -> None:
    with transaction.atomic():
        login = Login.objects.select_related("user").filter(pk=login_id, ended=None).first()
        if login is not None:
            _end(login, Login.Why.LOGOUT)
            notices.record(login.user, address, "login.end")


def end_all(user: User) -> None:
    """Every token and every session of the user, whoever has it. Inside a transaction of the
    caller's, with what made it necessary."""
    now = timezone.now()
    user.tokens_after = now
    user.save(update_fields=["tokens_after"])
    logins = Login.objects.filter(user=user, ended=None)
    ended = [str(pk) for pk in logins.values_list("pk", flat=True)]
    logins.update(ended=now, why=Login.Why.EVERYWHERE)
    keys_changed(*ended)


def forget_ended(user: User) -> None:
    """What has ended says nothing any more; the audit trail has it."""
    Login.objects.filter(user=user, expires__lt=timezone.now() - access_life()).delete()


def printable(text: str) -> str:
    """What a program says of itself, as a row keeps it."""
    return "".join(letter for letter in text if letter.isprintable())[:200]


def _find(claims: Claims) -> Login:
    found = Login.objects.select_related("user").filter(pk=_uuid(claims.login)).first()
    if found is None or found.user_id != claims.user_id:
        raise NotAuthenticated(_GONE)
    return found


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotAuthenticated(_GONE) from None


def _end(login: Login, why: Login.Why) -> None:
    Login.objects.filter(pk=login.pk, ended=None).update(ended=timezone.now(), why=why)
    keys_changed(str(login.pk))


def _tokens(user: User, login_id: uuid.UUID, refresh: str) -> Tokens:
    seconds = access_life().total_seconds()
    access, _ = jwt.make("access", user.pk, str(login_id), seconds)
    return Tokens(access, refresh, user, int(seconds), int(_refresh_life().total_seconds()))


def _new_refresh(user: User, login_id: uuid.UUID) -> tuple[str, Claims]:
    return jwt.make("refresh", user.pk, str(login_id), _refresh_life().total_seconds())


def _refresh_life() -> timedelta:
    return timedelta(days=settings().refresh_token_days)
