"""How clients' secrets and tokens are made, and how secrets are kept."""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Final

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare

from xplatform.core.config import secret

#: what an access token begins with
BEGINNING: Final = "xo-"


class ClientSecretHasher(BasePasswordHasher):
    """A keyed hash, as for API keys: 256 random bits cannot be guessed, so a slow hash would only
    let strangers keep this server busy. Never used for passwords."""

    algorithm = "xplatform_client_secret"

    def salt(self) -> str:
        return "-"

    def encode(self, password: str | bytes, salt: str) -> str:
        text = password.encode() if isinstance(password, str) else password
        digest = hmac.digest(secret("keys").encode(), b"client secret:" + text, "sha256")
        return f"{self.algorithm}${digest.hex()}"

    def verify(self, password: str | bytes, encoded: str) -> bool:
        return constant_time_compare(self.encode(password, ""), encoded)

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, _, digest = encoded.partition("$")
        return {"algorithm": algorithm, "hash": digest}

    def safe_summary(self, encoded: str) -> Any:
        return {"algorithm": self.algorithm}

    def must_update(self, encoded: str) -> bool:
        return False

    def harden_runtime(self, password: str | bytes, encoded: str) -> None:
        pass


class ClientId:
    def hash(self) -> str:
        return secrets.token_hex(16)


class ClientSecret:
    def hash(self) -> str:
        return "xs-" + secrets.token_urlsafe(32)


def access_token(request: object, refresh_token: bool = False) -> str:
    return BEGINNING + secrets.token_urlsafe(32)


def refresh_token(request: object, refresh_token: bool = False) -> str:
    return "xr-" + secrets.token_urlsafe(32)
