"""Second factors are set up, used up and taken away. Faces have asked for the password before."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyotp
import segno
from django.db import transaction
from django.utils import timezone

from apps.accounts import notices
from apps.accounts.hints import keys_changed
from apps.accounts.second_factor import checks
from apps.accounts.second_factor.models import Authenticator, Passkey, RecoveryCode
from xplatform.core.errors import Conflict, LoginFailed, NotFound
from xplatform.engines.reason import Reason

if TYPE_CHECKING:
    from apps.accounts.models import User

RECOVERY_CODES: Final = 10
#: without what is taken for something else when it is copied by hand
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class NewAuthenticator:
    secret: str
    #: otpauth://…, what the picture says
    uri: str
    #: an SVG image as a data URI
    picture: str


def begin_authenticator(user: User) -> NewAuthenticator:
    """A secret for the app. Nothing is asked for until a code of it was typed."""
    secret = pyotp.random_base32(32)
    with transaction.atomic():
        found = Authenticator.objects.select_for_update().filter(user=user).first()
        if found is not None and found.confirmed is not None:
            raise Conflict("An authenticator app is set up already. Remove it first.")
        Authenticator.objects.update_or_create(
            user=user, defaults={"secret": secret, "created": timezone.now(), "last_step": 0}
        )
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name="xplatform")
    return NewAuthenticator(secret, uri, segno.make(uri, micro=False).svg_data_uri(scale=4))


def confirm_authenticator(user: User, code: str, address: str) -> list[str]:
    """The app works: from now on it is asked. Recovery codes, if there are none yet."""
    found = Authenticator.objects.filter(user=user, confirmed=None).first()
    if found is None:
        raise Conflict("There is no authenticator app that waits for its first code.")
    if not checks.use_app_code(found, code.replace(" ", "")):
        raise LoginFailed(Reason("wrong_code", "The code is wrong. Check the clock of the device."))
    with transaction.atomic():
        Authenticator.objects.filter(pk=found.pk).update(confirmed=timezone.now())
        notices.record(user, address, "second_factor.add", after={"kind": "authenticator"})
        keys_changed()
        return first_recovery_codes(user)


def remove_authenticator(user: User, address: str) -> None:
    with transaction.atomic():
        removed, _ = Authenticator.objects.filter(user=user).delete()
        if not removed:
            raise NotFound("No authenticator app is set up.")
        notices.record(user, address, "second_factor.remove", after={"kind": "authenticator"})
        _tidy(user)


def remove_passkey(user: User, passkey_id: int, address: str) -> None:
    with transaction.atomic():
        found = Passkey.objects.filter(user=user, pk=passkey_id).first()
        if found is None:
            raise NotFound("There is no such passkey.")
        found.delete()
        after = {"kind": "passkey", "name": found.name}
        notices.record(user, address, "second_factor.remove", after=after)
        _tidy(user)


def remove_all(user: User) -> None:
    """For whoever has lost all of them; asked for by an administrator, who is recorded there."""
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        Passkey.objects.filter(user=user).delete()
        _tidy(user)


def new_recovery_codes(user: User, address: str) -> list[str]:
    """Ten new ones; those from before are of no use any more."""
    with transaction.atomic():
        if not checks.has_factor(user):
            raise Conflict("Recovery codes stand in for a second factor, and none is set up.")
        codes = _codes(user)
        notices.record(user, address, "second_factor.recovery_codes")
    return codes


def first_recovery_codes(user: User) -> list[str]:
    return [] if RecoveryCode.objects.filter(user=user, used=None).exists() else _codes(user)


def _codes(user: User) -> list[str]:
    codes = [_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=checks.recovery_digest(user, code.replace("-", "")))
        for code in codes
    )
    return codes


def _code() -> str:
    """80 random bits, in four groups."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def _tidy(user: User) -> None:
    if not checks.has_factor(user):
        RecoveryCode.objects.filter(user=user).delete()
    keys_changed()
