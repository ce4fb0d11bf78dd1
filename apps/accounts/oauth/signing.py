"""The RSA keys that sign ID tokens: ``<home>/secrets/oidc-signing``, the newest first.

Read at each use, so that all processes sign with a new one, and publish it, at once. Imported by
the settings, so: no Django here. Machines that share a database share the secrets.
"""

from __future__ import annotations

import base64
import time
from functools import cache
from pathlib import Path
from typing import Final

from xplatform.core.config import Settings, settings
from xplatform.core.keyring import Keyring

#: an ID token is good for so long
ID_TOKEN_SECONDS: Final = 600
#: a key that signs no more is published until its tokens are over, and clocks that go wrong
PUBLISHED_SECONDS: Final = ID_TOKEN_SECONDS + 3000
#: where the one key was before keys could be rotated
_BEFORE: Final = "oidc-signing.pem"


def ring(of: Settings | None = None) -> Keyring:
    """Each secret is a PEM on one line, in base64."""
    return _ring((of or settings()).home_path / "secrets")


def signing_key(of: Settings | None = None) -> str:
    """The private key as PEM."""
    return _pem(ring(of).values()[0])


def known_keys(of: Settings | None = None) -> list[str]:
    """All that are kept: what was signed under an old one may still be shown to us."""
    return [_pem(value) for value in ring(of).values()]


def published_keys(of: Settings | None = None) -> list[str]:
    """Those whose tokens somebody may have to check."""
    kept = ring(of)
    since = time.time() - PUBLISHED_SECONDS
    return [_pem(value) for value in kept.values() if kept.replaced_since(value) > since]


@cache
def _ring(folder: Path) -> Keyring:
    made = Keyring(folder / "oidc-signing", _new_key)
    before = folder / _BEFORE
    if not made.path.exists() and before.exists():
        Keyring(made.path, lambda: _line(before.read_bytes())).values()
    return made


def _pem(value: str) -> str:
    return base64.b64decode(value).decode()


def _line(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def _new_key() -> str:
    # Heavy, and seldom needed in the life of an installation.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _line(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
