"""Who somebody is, by a password and whatever their account asks for besides.

The one way in for people: ``POST /token``, ``POST /api/session`` and the admin's form all come
here, so that attempts are counted, answers are alike and nothing is forgotten in one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import authenticate
from django.http import HttpRequest

from apps.accounts import lockout, notices
from apps.accounts.asking import address_of
from apps.accounts.lockout import Attempt
from apps.accounts.models import User
from apps.accounts.second_factor import checks, passkeys
from apps.accounts.second_factor.passkeys import Asked, Shown
from xplatform.core.errors import LoginFailed, SecondFactorRequired
from xplatform.engines.reason import Reason


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody shows of themselves."""

    username: str
    password: str
    #: a code of an authenticator app, or a recovery code
    otp: str = ""
    #: an answer of a passkey
    passkey: Shown | None = None


def sign_in(request: HttpRequest, given: Given) -> User:
    """Raises LoginFailed, SecondFactorRequired or TooManyAttempts.

    Unknown, disabled and passwordless accounts cost the same work and get the same words as a
    wrong password; only whoever knows the password hears that a second factor is asked for.
    """
    address = address_of(request)
    attempt = lockout.begin(address, given.username)
    user = authenticate(request, username=given.username, password=given.password)
    if not isinstance(user, User):
        _failed(given.username, address, "wrong name or password", attempt)
        raise LoginFailed
    if checks.has_factor(user):
        _second_factor(request, user, given, attempt)
    attempt.succeeded()
    return user


def sign_in_by_passkey(request: HttpRequest, shown: Shown) -> User:
    """Without a password: the passkey has checked its owner's finger, face or PIN itself."""
    address = address_of(request)
    attempt = lockout.begin(address)
    user = passkeys.check(request, shown, None)
    if user is None or not user.is_active:
        _failed(user.username if user else "", address, "wrong passkey", attempt)
        raise LoginFailed(Reason("passkey_not_accepted", "The passkey was not accepted."))
    attempt.succeeded()
    return user


def ask_for_passkey(request: HttpRequest, username: str, password: str) -> Asked:
    """The question for somebody who shows a passkey after their password."""
    address = address_of(request)
    attempt = lockout.begin(address, username)
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        _failed(username, address, "wrong name or password", attempt)
        raise LoginFailed
    attempt.undecided()
    return passkeys.ask_for_factor(request, user)


def confirm(request: HttpRequest, user: User, password: str, *, param: str = "password") -> None:
    """Somebody who is in already proves it once more, before a change of how they get in: a
    stolen session must not become a stolen account. Raises LoginFailed or TooManyAttempts."""
    address = address_of(request)
    attempt = lockout.begin(address, user.username)
    if not user.check_password(password):
        _failed(user.username, address, "wrong password to confirm a change", attempt)
        raise LoginFailed(Reason("wrong_password", "The password is wrong."), param=param)
    attempt.succeeded()


def succeeded(request: HttpRequest, user: User, how: str) -> None:
    """To be told by the face, once what it gives is given."""
    notices.record(user, address_of(request), "login", after={"how": how})


def _second_factor(request: HttpRequest, user: User, given: Given, attempt: Attempt) -> None:
    if given.passkey is not None:
        good = passkeys.check(request, given.passkey, user) is not None
    elif given.otp:
        good = checks.use_code(user, given.otp)
    else:
        attempt.undecided()
        kinds = checks.kinds(user)
        words = " or ".join({"otp": "a one-time code", "passkey": "a passkey"}[k] for k in kinds)
        raise SecondFactorRequired(
            f"This account asks for a second factor: {words}.", data={"factors": kinds}
        )
    if not good:
        _failed(user.username, address_of(request), "wrong second factor", attempt)
        raise LoginFailed(
            Reason("wrong_second_factor", "The code or the passkey is wrong, or was used before.")
        )


def _failed(name: str, address: str, why: str, attempt: Attempt) -> None:
    user = User.objects.filter(username=name).first()
    notices.record(user, address, "login", why=why, failed=True)
    if attempt.shuts:
        # Once a lock and not at each knock: the trail cannot be flooded from outside.
        why = f"too many failures; for {attempt.shuts:.0f} s"
        notices.record(user, address, "login.lock", why=why, failed=True)
