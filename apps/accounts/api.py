"""Users and API keys for the other apps: nobody outside imports anything else of this one.

A key is ``xp-`` and 256 random bits. The database has an HMAC of it under a secret of this
installation, so neither a stolen database nor a guess at one key opens anything. Web processes
hold all active keys in memory (``active_keys``) and look a token up by its digest.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import ApiKey, User
from xplatform.core.channels import broadcast
from xplatform.core.config import secret
from xplatform.core.errors import InvalidValue, MissingField, NotFound

__all__ = [
    "LOCAL_OPERATOR",
    "KeyInfo",
    "KeyRecord",
    "active_keys",
    "create_key",
    "ensure_admin",
    "ensure_first_key",
    "find_key",
    "key_digest",
    "key_info",
    "keys",
    "keys_changed",
    "revoke_key",
]

#: id of the key that commands on this machine use: whoever can read the home folder has it
LOCAL_OPERATOR: Final = "local"

_BEGINNING: Final = "xp-"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What a web process needs to know about a key."""

    id: str
    digest: bytes
    name: str
    #: None: the local operator
    owner_id: int | None
    owner_name: str
    is_admin: bool
    #: Unix time, to be compared without any parsing
    expires: float | None


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as people may see it: without its digest."""

    id: str
    name: str
    prefix: str
    owner: str
    state: str
    created: datetime
    last_used: datetime | None
    expires: datetime | None
    revoked: datetime | None


def key_digest(token: str) -> bytes:
    """A few microseconds: this is on the way of every request."""
    return hmac.digest(_hmac_key(), token.encode("utf-8", "surrogateescape"), "sha256")


@cache
def _hmac_key() -> bytes:
    return secret("keys").encode()


def active_keys() -> list[KeyRecord]:
    """All keys that open the door now, and the local operator's. One query."""
    records = [_record(key) for key in ApiKey.objects.active().select_related("owner")]
    return [_local_operator(), *records]


def find_key(token: str) -> KeyRecord | None:
    """For callers without the keys in memory."""
    digest = key_digest(token)
    local = _local_operator()
    if hmac.compare_digest(digest, local.digest):
        return local
    key = ApiKey.objects.active().select_related("owner").filter(digest=digest).first()
    return _record(key) if key else None


def keys() -> list[KeyInfo]:
    """Newest first, revoked ones included."""
    return [_info(key) for key in ApiKey.objects.select_related("owner")]


def key_info(key_id: str) -> KeyInfo:
    return _info(_get(key_id))


def create_key(
    name: str,
    *,
    owner_id: int | None = None,
    owner_name: str | None = None,
    expires: datetime | None = None,
    token: str | None = None,
) -> tuple[str, KeyRecord]:
    """Make a key; the token is returned here and nowhere else, ever again.

    Without an owner it belongs to the first administrator. ``token`` is for unattended set-ups
    that choose the key themselves.
    """
    name = name.strip()
    if not name:
        raise MissingField("Say in `name` what the key is for.", param="name")
    if len(name) > 100:
        raise InvalidValue("`name` has more than 100 characters.", param="name")
    if expires is not None and expires <= timezone.now():
        raise InvalidValue(f"`expires` is in the past: {expires.isoformat()}.", param="expires")
    owner = _owner(owner_id, owner_name)
    if token is None:
        token = _BEGINNING + secrets.token_urlsafe(32)
    elif not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidValue("A key is made of visible ASCII characters.", param="api_key")
    with transaction.atomic():
        digest = key_digest(token)
        if ApiKey.objects.filter(digest=digest).exists():
            raise InvalidValue("This key exists already.", param="api_key")
        key = ApiKey.objects.create(
            name=name, owner=owner, prefix=_shown(token), digest=digest, expires=expires
        )
        keys_changed()
    return token, _record(key)


def revoke_key(key_id: str) -> KeyInfo:
    """At once and for good. Revoking twice changes nothing."""
    with transaction.atomic():
        changed = ApiKey.objects.filter(pk=_get(key_id).pk, revoked=None).update(
            revoked=timezone.now()
        )
        if changed:
            keys_changed()
    return key_info(key_id)


def keys_changed() -> None:
    """Tell the web processes, once the change is visible to them.

    Also to be called after a change of users: their keys follow their state and rights.
    """
    transaction.on_commit(partial(broadcast, "keys"), robust=True)


def ensure_admin(password: str = "") -> tuple[str, str] | None:
    """The first administrator: (name, password) if one was made, None if there is one.

    A password that was given must pass the same checks as anybody's."""
    if User.objects.filter(is_superuser=True).exists():
        return None
    if password:
        try:
            validate_password(password, User(username="admin"))
        except ValidationError as error:
            raise InvalidValue(
                "The setting admin_password is too weak: " + " ".join(error.messages),
                param="admin_password",
            ) from None
    password = password or secrets.token_urlsafe(15)
    User.objects.create_superuser(username=_free_name("admin"), password=password)
    return User.objects.filter(is_superuser=True).earliest("pk").username, password


def ensure_first_key(token: str = "") -> str | None:
    """The first API key: the token if one was made, None if there is any key already."""
    if ApiKey.objects.exists():
        return None
    return create_key("first key", token=token or None)[0]


def _free_name(name: str) -> str:
    taken = set(User.objects.filter(username__startswith=name).values_list("username", flat=True))
    return next(n for n in [name, *(f"{name}{i}" for i in range(2, 1000))] if n not in taken)


def _owner(owner_id: int | None, owner_name: str | None) -> User:
    users = User.objects.all()
    if owner_id is not None:
        owner = users.filter(pk=owner_id).first()
    elif owner_name is not None:
        owner = users.filter(username=owner_name).first()
    else:
        owner = users.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if owner is None:
        raise InvalidValue(f"There is no user {owner_name or owner_id or 'admin'}.", param="owner")
    return owner


def _get(key_id: str) -> ApiKey:
    try:
        return ApiKey.objects.select_related("owner").get(pk=key_id)
    except (ApiKey.DoesNotExist, ValidationError, ValueError):
        raise NotFound(f"There is no API key {str(key_id)[:50]!r}.", param="id") from None


def _shown(token: str) -> str:
    """Enough to recognise a key, too little to guess the rest of one that somebody chose."""
    return token[: min(9, len(token) // 4)] + "…"


def _record(key: ApiKey) -> KeyRecord:
    return KeyRecord(
        id=str(key.pk),
        digest=bytes(key.digest),
        name=key.name,
        owner_id=key.owner.pk,
        owner_name=key.owner.username,
        is_admin=key.owner.is_staff or key.owner.is_superuser,
        expires=key.expires.timestamp() if key.expires else None,
    )


def _info(key: ApiKey) -> KeyInfo:
    return KeyInfo(
        id=str(key.pk),
        name=key.name,
        prefix=key.prefix,
        owner=key.owner.username,
        state=key.state,
        created=key.created,
        last_used=key.last_used,
        expires=key.expires,
        revoked=key.revoked,
    )


@cache
def _local_operator() -> KeyRecord:
    return KeyRecord(
        id=LOCAL_OPERATOR,
        digest=key_digest(secret("local")),
        name="local operator",
        owner_id=None,
        owner_name="local operator",
        is_admin=True,
        expires=None,
    )
