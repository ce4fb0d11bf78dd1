"""Passkeys (WebAuthn): registered, and shown at a login, by themselves or after a password.

The question (challenge) travels signed with its client and is kept nowhere, so that asking costs
nothing; that it was answered is kept, so that an answer is good once. A passkey belongs to the
host name under which it was made: browsers show it nowhere else, and no other is accepted.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from apps.accounts import notices
from apps.accounts.digests import keyed_digest
from apps.accounts.hints import keys_changed
from apps.accounts.second_factor.actions import first_recovery_codes
from apps.accounts.second_factor.models import Passkey, SpentChallenge
from xplatform.core.errors import Conflict, InvalidRequest, InvalidValue

if TYPE_CHECKING:
    from apps.accounts.models import User

Purpose = Literal["register", "login", "factor"]

SECONDS: Final = 300
_SALT: Final = "apps.accounts.passkeys"
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What the browser is asked, for ``navigator.credentials``, and what it sends back with the
    answer."""

    options: dict[str, Any]
    state: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer: the state as it was given, and what ``navigator.credentials`` returned."""

    state: str
    credential: dict[str, Any]


def ask_to_register(request: HttpRequest, user: User) -> Asked:
    host = _host(request)
    if Passkey.objects.filter(user=user).count() >= _MOST:
        raise Conflict(f"There are {_MOST} passkeys already. Remove one first.")
    options, state = _server(host).register_begin(
        PublicKeyCredentialUserEntity(
            id=_handle(user), name=user.username, display_name=user.get_full_name() or user.username
        ),
        credentials=_known(user, host),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return Asked(dict(options), _signed("register", state, host, user))


def register(request: HttpRequest, user: User, name: str, shown: Shown, address: str) -> Registered:
    """Raises InvalidValue if the answer does not fit the question."""
    host = _host(request)
    state = _read(shown.state, "register", host, user)
    if state is None:
        raise InvalidValue("The question is older than five minutes. Begin again.", param="state")
    try:
        data = _server(host).register_complete(state, shown.credential)
    except Exception as error:
        raise _not_accepted(error) from None
    credential = data.credential_data
    assert credential is not None
    with transaction.atomic():
        if not _spend(shown.state):
            raise InvalidValue("This answer was used before. Begin again.", param="state")
        try:
            with transaction.atomic():
                made = Passkey.objects.create(
                    user=user,
                    name=name,
                    credential_id=credential.credential_id,
                    credential=bytes(credential),
                    host=host,
                    uses=data.counter,
                )
        except IntegrityError:
            raise Conflict("This passkey is registered already.") from None
        after = {"kind": "passkey", "name": name}
        notices.record(user, address, "second_factor.add", after=after)
        keys_changed()
        return Registered(made, first_recovery_codes(user))


@dataclass(frozen=True, slots=True)
class Registered:
    passkey: Passkey
    #: if there were none before
    recovery_codes: list[str]


def ask_to_log_in(request: HttpRequest) -> Asked:
    """Whoever it may be: the device knows which passkeys it has for this host."""
    host = _host(request)
    options, state = _server(host).authenticate_begin(
        user_verification=UserVerificationRequirement.REQUIRED
    )
    return Asked(dict(options), _signed("login", state, host, None))


def ask_for_factor(request: HttpRequest, user: User) -> Asked:
    """After the password was right."""
    host = _host(request)
    options, state = _server(host).authenticate_begin(
        _known(user, host), user_verification=UserVerificationRequirement.PREFERRED
    )
    return Asked(dict(options), _signed("factor", state, host, user))


def check(request: HttpRequest, shown: Shown, user: User | None) -> User | None:
    """Whose passkey has answered rightly. ``user`` has shown a password before; None: nobody has,
    and the passkey stands for both factors."""
    host = _host(request)
    state = _read(shown.state, "factor" if user else "login", host, user)
    if state is None:
        return None
    try:
        answer = AuthenticationResponse.from_dict(shown.credential)
    except Exception:
        return None
    found = (
        Passkey.objects.select_related("user")
        .filter(credential_id=answer.raw_id, host=host, **({"user": user} if user else {}))
        .first()
    )
    if found is None:
        return None
    try:
        known = [AttestedCredentialData(bytes(found.credential))]
        _server(host).authenticate_complete(state, known, answer)
    except Exception:
        # Whatever a stranger's bytes do to a parser, they open nothing.
        return None
    return found.user if _use(found, answer.response.authenticator_data.counter, shown) else None


def _use(found: Passkey, uses: int, shown: Shown) -> bool:
    """Once, and never with a count that does not rise."""
    with transaction.atomic():
        if not _spend(shown.state):
            return False
        rises = Q(uses__lt=uses) if uses else Q(uses=0)
        return (
            Passkey.objects.filter(rises, pk=found.pk).update(uses=uses, last_used=timezone.now())
            == 1
        )


def _server(host: str) -> Fido2Server:
    return Fido2Server(
        PublicKeyCredentialRpEntity(name="xplatform", id=host),
        verify_origin=lambda origin: _is_ours(origin, host),
    )


def _is_ours(origin: str, host: str) -> bool:
    """The page that asked was of this very host, over TLS (or on this machine)."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.hostname == host and (
        parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")
    )


def _host(request: HttpRequest) -> str:
    host = (urlsplit(f"//{request.get_host()}").hostname or "").rstrip(".")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    raise InvalidRequest(
        f"Passkeys belong to a name, and this server was called as {host}. Open it by its name"
        " (on this machine: http://localhost)."
    )


def _known(user: User, host: str) -> list[AttestedCredentialData]:
    rows = Passkey.objects.filter(user=user, host=host)
    return [AttestedCredentialData(bytes(row.credential)) for row in rows]


def _handle(user: User) -> bytes:
    """Who a passkey is for, in a way that tells nothing to whoever finds the device."""
    return keyed_digest(f"passkey {user.pk}")


def _signed(purpose: Purpose, state: dict[str, Any], host: str, user: User | None) -> str:
    verification = state["user_verification"]
    said = {
        "purpose": purpose,
        "host": host,
        "user": user.pk if user else None,
        "challenge": state["challenge"],
        "user_verification": str(verification.value) if verification else None,
    }
    return signing.dumps(said, salt=_SALT)


def _read(text: str, purpose: Purpose, host: str, user: User | None) -> dict[str, Any] | None:
    try:
        said = signing.loads(text, salt=_SALT, max_age=SECONDS)
    except signing.BadSignature:
        return None
    asked = (said["purpose"], said["host"], said["user"])
    if asked != (purpose, host, user.pk if user else None):
        return None
    return {key: said[key] for key in ("challenge", "user_verification")}


def _spend(state: str) -> bool:
    """False: it was spent before."""
    now = timezone.now()
    SpentChallenge.objects.filter(expires__lt=now).delete()
    spent = SpentChallenge(
        digest=hashlib.sha256(state.encode()).digest(), expires=now + timedelta(seconds=2 * SECONDS)
    )
    try:
        with transaction.atomic():
            spent.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _not_accepted(error: Exception) -> InvalidValue:
    text = str(error) if isinstance(error, ValueError) else "It cannot be read."
    return InvalidValue(f"The passkey was not accepted: {text}", param="credential")
