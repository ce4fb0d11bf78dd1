"""The RSA key that signs ID tokens: ``<home>/secrets/oidc-signing.pem``, made at the first start.

Imported by the settings, so: no Django here. Machines that share a database share the secrets.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from xplatform.core.config import Settings, settings

_CURRENT, _FORMER = "oidc-signing.pem", "oidc-signing-former.pem"


def signing_key(of: Settings | None = None) -> str:
    """The private key as PEM."""
    path = _folder(of) / _CURRENT
    try:
        return path.read_text()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written aside and then given its name: of several processes that make it at once one wins.
    aside = _written(path.parent)
    with contextlib.suppress(FileExistsError):
        os.link(aside, path)
    os.unlink(aside)
    return path.read_text()


def former_keys(of: Settings | None = None) -> list[str]:
    """Keys that sign no more, but whose tokens others may still hold."""
    try:
        return [(_folder(of) / _FORMER).read_text()]
    except FileNotFoundError:
        return []


def rotate_signing_key(of: Settings | None = None) -> None:
    """A new key; the one before it stays among the published. Servers read it when they start."""
    signing_key(of)
    folder = _folder(of)
    aside = _written(folder)
    os.replace(folder / _CURRENT, folder / _FORMER)
    os.replace(aside, folder / _CURRENT)


def _folder(of: Settings | None) -> Path:
    return (of or settings()).home_path / "secrets"


def _written(folder: Path) -> str:
    # Heavy, and needed once in the life of an installation.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    handle, aside = tempfile.mkstemp(dir=folder, prefix=".oidc-signing-")
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    return aside
