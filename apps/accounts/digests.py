"""Keyed digests: what a stolen database cannot be searched with.

For secrets with so many random bits that nobody can guess them (keys, recovery codes), and for
names that must be found again without being kept. Passwords have a slow hash of their own.
"""

from __future__ import annotations

import hmac
from functools import cache

from xplatform.core.config import secret


def keyed_digest(text: str) -> bytes:
    """A few microseconds: this is on the way of every request."""
    return hmac.digest(_key(), text.encode("utf-8", "surrogateescape"), "sha256")


@cache
def _key() -> bytes:
    return secret("keys").encode()
