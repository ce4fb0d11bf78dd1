"""What is signed, and with what.

The signature of an entry is an HMAC over all that it says, under a secret of the installation
(``<home>/secrets/audit``) that is not in the database. A link of the chain is an HMAC over the
entry's signature, its place and the link before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from xplatform.core.config import settings
from xplatform.core.keyring import Keyring

#: what the signature of an entry covers: everything but itself and its place
SIGNED: Final = (
    "uid", "at", "who", "user", "key", "address", "action", "thing", "thing_id", "project",
    "before", "after", "outcome", "why", "request", "via", "count",
)  # fmt: skip

#: the link before the first
BEGINNING: Final = ""


def sign(values: Mapping[str, Any]) -> tuple[str, str]:
    """(which secret, signature)."""
    name, key = current()
    return name, _mac(key, "entry", _canonical(values))


def is_genuine(key: bytes, signature: str, values: Mapping[str, Any]) -> bool:
    return hmac.compare_digest(signature, _mac(key, "entry", _canonical(values)))


def link(key: bytes, before: str, seq: int, signature: str) -> str:
    return _mac(key, "link", f"{before} {seq} {signature}")


def current() -> tuple[str, bytes]:
    return _named(_ring(settings().home_path).values()[0])


def all_keys() -> dict[str, bytes]:
    """By name, the current one and those before it: entries stay true to what signed them."""
    return dict(map(_named, _ring(settings().home_path).values()))


@cache
def _ring(home: Path) -> Keyring:
    return Keyring(home / "secrets" / "audit", partial(secrets.token_urlsafe, 32))


def sign_pruned(up_to: int, link: str, rows: int) -> tuple[str, str]:
    name, key = current()
    return name, _mac(key, "pruned", f"{up_to} {link} {rows}")


def pruned_is_genuine(key: bytes, signature: str, up_to: int, link: str, rows: int) -> bool:
    return hmac.compare_digest(signature, _mac(key, "pruned", f"{up_to} {link} {rows}"))


@cache
def _named(text: str) -> tuple[str, bytes]:
    """A secret's name tells it apart and tells nothing of it."""
    return hashlib.sha256(b"audit secret " + text.encode()).hexdigest()[:8], text.encode()


def _mac(key: bytes, kind: str, text: str) -> str:
    return hmac.digest(key, f"{kind} {text}".encode(), "sha256").hex()


def _canonical(values: Mapping[str, Any]) -> str:
    return json.dumps(
        [_plain(values[name]) for name in sorted(values)], ensure_ascii=True, separators=(",", ":")
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return value.hex
    return value
