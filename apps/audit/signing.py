"""What is signed, and with what.

The signature of an entry is an HMAC over all that it says, under a secret of the installation
(``<home>/secrets/audit``) that is not in the database. A link of the chain is an HMAC over the
entry's signature, its place and the link before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from xplatform.core.config import secret, settings

#: what the signature of an entry covers: everything but itself and its place
SIGNED: Final = (
    "at", "who", "user", "key", "address", "action", "thing", "thing_id", "project", "before",
    "after", "outcome", "why", "request", "count",
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
    return _named(secret("audit"))


def all_keys() -> dict[str, bytes]:
    """By name, the current one and those before it: ``secrets/audit.<anything>``."""
    current()
    folder = settings().home_path / "secrets"
    stamp = folder.stat().st_mtime_ns
    return _all_keys(str(folder), stamp)


@cache
def _all_keys(folder: str, stamp: int) -> dict[str, bytes]:
    files = [Path(folder) / "audit", *sorted(Path(folder).glob("audit.*"))]
    return dict(_named(file.read_text().strip()) for file in files)


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
    return value
