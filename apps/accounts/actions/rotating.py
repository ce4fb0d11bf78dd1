"""New keys for what is sealed and signed, without a moment in which anything is refused."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.apps import apps
from django.db import models
from django.db.models.functions import Cast

from apps.accounts.fields import Sealed, SealedText
from apps.accounts.oauth import signing
from apps.audit import api as audit
from xplatform.core import vault
from xplatform.core.config import settings
from xplatform.core.errors import SecretUnreadable
from xplatform.core.keyring import Keyring

#: a process may have read a key just before it was replaced, and write with it a moment later
_LINGER: Final = timedelta(hours=1)
#: secrets that sign → what was signed under an old one is good for so long (sessions; refresh
#: tokens are asked for)
_SESSIONS: Final = timedelta(days=14)


@dataclass(slots=True)
class Rotation:
    """What was done."""

    #: ids of the vault's keys
    new_key: str = ""
    resealed: int = 0
    #: (model, field, primary key) of what no key opens
    unreadable: list[tuple[str, str, Any]] = field(default_factory=list)
    #: id → how many texts are still sealed with it
    in_use: Counter[str] = field(default_factory=Counter)
    forgotten: list[str] = field(default_factory=list)
    #: names of the secrets that sign which have a new one
    signing: list[str] = field(default_factory=list)


def rotate(
    *,
    new_key: bool = True,
    batch: int = 200,
    tell: Callable[[str], None] = lambda _: None,
) -> Rotation:
    """What an earlier run left unfinished is finished first, with the key that it made."""
    done = Rotation()
    unfinished = any(key != vault.current_key() for key in _sealed_with())
    if new_key and not unfinished:
        if not settings().vault_keys:
            done.new_key = vault.rotate()
        done.signing = [ring.path.name for ring in _signing() if ring.rotate()]
    elif unfinished:
        tell("Some secrets are sealed with an older key: finishing that first, without a new one.")
    for model, name in sealed_fields():
        _reseal(model, name, batch, done, tell)
    done.in_use = _sealed_with()
    _forget(done)
    audit.record(
        None, "secrets.rotate", "secret",
        after={"resealed": done.resealed, "signing": done.signing, "forgotten": done.forgotten},
    )  # fmt: skip
    return done


def sealed_fields() -> list[tuple[type[models.Model], str]]:
    return [
        (model, one.name)
        for model in apps.get_models()
        for one in model._meta.local_fields
        if isinstance(one, SealedText)
    ]


def _reseal(
    model: type[models.Model], name: str, batch: int, done: Rotation, tell: Callable[[str], None]
) -> None:
    """In batches by primary key. A row that somebody changes meanwhile is left as it is then."""
    last: Any = None
    while rows := list(_rows(model, name, last)[:batch]):
        for pk, sealed in rows:
            last = pk
            if vault.key_of(sealed) == vault.current_key():
                continue
            try:
                fresh = Sealed(vault.seal(vault.open(sealed)))
            except SecretUnreadable:
                done.unreadable.append((model._meta.label, name, pk))
                continue
            same = _raw(model, name).filter(pk=pk, sealed_text=sealed)
            done.resealed += same.update(**{name: fresh})
        tell(f"{model._meta.label}.{name}: {done.resealed} sealed anew")


def _rows(model: type[models.Model], name: str, after: Any) -> Any:
    found = _raw(model, name).exclude(sealed_text="").exclude(sealed_text=None).order_by("pk")
    if after is not None:
        found = found.filter(pk__gt=after)
    return found.values_list("pk", "sealed_text")


def _raw(model: type[models.Model], name: str) -> Any:
    """The stored text can be compared only as what it is: another type of field."""
    manager = model._base_manager
    return manager.annotate(sealed_text=Cast(name, models.TextField()))


def _sealed_with() -> Counter[str]:
    found: Counter[str] = Counter()
    for model, name in sealed_fields():
        for _, sealed in _rows(model, name, None).iterator():
            found[vault.key_of(sealed)] += 1
    return found


def _forget(done: Rotation) -> None:
    """Keys that nothing uses, once nobody can be about to use them."""
    now = time.time()
    unused = {
        key
        for key in vault.key_ids()[1:]
        if not done.in_use[key] and now - vault.replaced_since(key) > _LINGER.total_seconds()
    }
    if unused and not settings().vault_keys:
        vault.forget(unused)
        done.forgotten = sorted(unused)
    for ring, life in zip(_signing(), _lives(), strict=True):
        ring.forget(
            {old for old in ring.values() if now - ring.replaced_since(old) > life.total_seconds()}
        )


def _signing() -> Iterator[Keyring]:
    folder = settings().home_path / "secrets"
    for name in ("django", "jwt"):
        yield Keyring(folder / name, partial(secrets.token_urlsafe, 48))
    yield signing.ring()


def _lives() -> tuple[timedelta, ...]:
    return (
        _SESSIONS,
        timedelta(days=settings().refresh_token_days),
        timedelta(seconds=signing.PUBLISHED_SECONDS),
    )
