"""Secrets at rest: what the platform must be able to read again (hub tokens, secrets of other
services) is stored sealed, and a stolen database opens none of it.

A sealed text is ``<id of its key>:<Fernet token>``: encrypted with AES and signed, so that one
that was tampered with does not open. Keys rotate (``manage.py rotate_secrets``): the newest
seals, all open. They are in ``<home>/secrets/vault``; processes on several machines that share a
database share them by the setting ``vault_keys``, which then replaces the file.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from xplatform.core.config import ConfigError, settings
from xplatform.core.errors import SecretUnreadable
from xplatform.core.keyring import Keyring

__all__ = ["current_key", "forget", "key_ids", "key_of", "open", "replaced_since", "rotate", "seal"]

_ID_LENGTH: Final = 8


def seal(text: str) -> str:
    """Encrypt with the newest key. Two seals of one text differ."""
    key = _keys()[0]
    return f"{_id(key)}:{Fernet(key).encrypt(text.encode()).decode()}"


def open(sealed: str) -> str:
    """What was sealed. Raises SecretUnreadable."""
    name, _, token = sealed.partition(":")
    for key in _keys():
        if _id(key) == name:
            try:
                return Fernet(key).decrypt(token.encode()).decode()
            except (InvalidToken, ValueError):
                raise SecretUnreadable(
                    "A stored secret is damaged: its key is there, but does not open it."
                ) from None
    raise SecretUnreadable(
        f"A stored secret was sealed with the key {name[:_ID_LENGTH]!r}, which this process does"
        " not have. Copy the file secrets/vault from the home that sealed it, or set"
        " XPLATFORM_VAULT_KEYS to the same keys everywhere."
    )


def key_of(sealed: str) -> str:
    """Id of the key that opens it."""
    return sealed.partition(":")[0]


def current_key() -> str:
    """Id of the key that seals now."""
    return _id(_keys()[0])


def key_ids() -> list[str]:
    """Ids of all keys, newest first."""
    return [_id(key) for key in _keys()]


def rotate() -> str:
    """Seal with a new key from now on; its id. With ``vault_keys`` the operator rotates."""
    if settings().vault_keys:
        raise ConfigError(
            "The vault's keys are given by vault_keys: put a new key before the others there, on"
            " all machines, then run this again with --no-new-key."
        )
    return _id(_ring().rotate())


def forget(ids: set[str]) -> None:
    """Drop old keys for good: what is still sealed with them is lost."""
    if not settings().vault_keys:
        _ring().forget({key for key in _ring().values() if _id(key) in ids})


def replaced_since(key_id: str) -> float:
    """Unix time since which an old key seals nothing new; of the current one infinity, and 0 of
    keys from the settings, about which nothing is known."""
    if settings().vault_keys:
        return float("inf") if key_id == current_key() else 0.0
    keys = {_id(key): key for key in _ring().values()}
    return _ring().replaced_since(keys[key_id])


def _keys() -> tuple[str, ...]:
    given = settings().vault_keys
    return _checked(given) if given else _ring().values()


@cache
def _checked(given: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in given.split(",") if key.strip())
    for number, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError:
            raise ConfigError(
                f"vault_keys: key {number} is not 32 random bytes in URL-safe base64; make one"
                " with `openssl rand -base64 32 | tr +/ -_`."
            ) from None
    return keys


@cache
def _ring() -> Keyring:
    return Keyring(settings().home_path / "secrets" / "vault", _new_key)


def _new_key() -> str:
    return Fernet.generate_key().decode()


@cache
def _id(key: str) -> str:
    """Of a hash, so that it tells nothing of the key."""
    return hashlib.sha256(key.encode()).hexdigest()[:_ID_LENGTH]
