"""Secrets of the platform towards others, which an administrator enters instead of putting them
into every machine's settings. What a machine's own settings say comes first there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import StoredSecret
from apps.audit import api as audit
from xplatform.core.errors import InvalidValue, NotFound

#: name → what it is for
KNOWN: Final = {
    "hf_token": "Reads private and gated repositories of Hugging Face.",
    "modelscope_token": "Reads private repositories of ModelScope.",
}
_LONGEST: Final = 4000


@dataclass(frozen=True, slots=True)
class StoredSecretInfo:
    """All that is ever shown of one."""

    name: str
    about: str
    is_set: bool
    set_at: datetime | None
    set_by: str


def stored_secrets() -> list[StoredSecretInfo]:
    rows = {row.name: row for row in StoredSecret.objects.all()}
    return [_info(name, rows.get(name)) for name in KNOWN]


def stored_secret(name: str) -> str:
    """The secret itself, for whoever uses it; empty if there is none. Raises SecretUnreadable."""
    row = StoredSecret.objects.filter(name=name).first()
    return row.value if row else ""


def set_secret(name: str, value: str, by: Actor) -> StoredSecretInfo:
    _check_name(name)
    value = value.strip()
    if not value or len(value) > _LONGEST or not value.isascii() or not value.isprintable():
        raise InvalidValue(
            "`value` is made of up to 4,000 visible ASCII characters.", param="value"
        )
    with transaction.atomic():
        there = StoredSecret.objects.filter(name=name).exists()
        row, _ = StoredSecret.objects.update_or_create(
            name=name,
            defaults={"value": value, "set_at": timezone.now(), "set_by": by.name},
        )
        _record(by, "secrets.set", name, there, True)
    return _info(name, row)


def remove_secret(name: str, by: Actor) -> StoredSecretInfo:
    """Removing what is not there changes nothing."""
    _check_name(name)
    with transaction.atomic():
        removed, _ = StoredSecret.objects.filter(name=name).delete()
        if removed:
            _record(by, "secrets.remove", name, True, False)
    return _info(name, None)


def _record(by: Actor, action: str, name: str, before: bool, after: bool) -> None:
    audit.record(by, action, "secret", name, before={"is_set": before}, after={"is_set": after})


def _check_name(name: str) -> None:
    if name not in KNOWN:
        raise NotFound(
            f"There is no secret {name[:50]!r}; there are: {', '.join(KNOWN)}.", param="name"
        )


def _info(name: str, row: StoredSecret | None) -> StoredSecretInfo:
    return StoredSecretInfo(
        name=name,
        about=KNOWN[name],
        is_set=row is not None,
        set_at=row.set_at if row else None,
        set_by=row.set_by if row else "",
    )
