"""What a second factor is asked of, and whether a code is right."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pyotp
from django.utils import timezone

from apps.accounts.digests import keyed_digest
from apps.accounts.second_factor.models import Authenticator, Passkey, RecoveryCode
from xplatform.core.config import settings

if TYPE_CHECKING:
    from apps.accounts.models import User

_STEP_SECONDS: Final = 30
#: a phone's clock may be this many steps off, either way
_STEPS_OFF: Final = 1


def kinds(user: User) -> list[str]:
    """What can be shown at a login: "otp", "passkey"."""
    found = []
    if Authenticator.objects.filter(user=user).exclude(confirmed=None).exists():
        found.append("otp")
    if Passkey.objects.filter(user=user).exists():
        found.append("passkey")
    return found


def has_factor(user: User) -> bool:
    return bool(kinds(user))


def wants_factor(user: User) -> bool:
    """Whether this account has to have one. Those without a password prove who they are to
    somebody else, whose business it is."""
    rule = settings().require_second_factor
    if rule == "never" or not user.has_usable_password():
        return False
    return rule == "all" or user.is_superuser


def use_code(user: User, code: str) -> bool:
    """A code of the app, or a recovery code; each is good once, also for two at the same time."""
    typed = code.replace(" ", "").replace("-", "")
    if typed.isdecimal() and len(typed) == 6:
        authenticator = Authenticator.objects.filter(user=user).exclude(confirmed=None).first()
        return authenticator is not None and use_app_code(authenticator, typed)
    return (
        RecoveryCode.objects.filter(
            user=user, digest=recovery_digest(user, typed), used=None
        ).update(used=timezone.now())
        == 1
    )


def use_app_code(authenticator: Authenticator, typed: str) -> bool:
    codes = pyotp.TOTP(authenticator.secret)
    now = int(time.time()) // _STEP_SECONDS
    for step in range(now - _STEPS_OFF, now + _STEPS_OFF + 1):
        if pyotp.utils.strings_equal(codes.generate_otp(step), typed):
            # Compare and set: neither this code nor an older one is good again.
            used = Authenticator.objects.filter(pk=authenticator.pk, last_step__lt=step)
            return used.update(last_step=step) == 1
    return False


def recovery_digest(user: User, typed: str) -> bytes:
    return keyed_digest(f"recovery {user.pk} {typed.lower()}")
