"""The tokens themselves: made, and read back. No database here.

HS256 under a secret of this installation: nobody but its own web processes reads these tokens, so
there is no public key to hand out and no other algorithm to be talked into.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final, Literal

import msgspec
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT, JWTExpired

from xplatform.core.config import settings
from xplatform.core.errors import KeyExpired, MalformedToken, NotAuthenticated
from xplatform.core.keyring import Keyring

Kind = Literal["access", "refresh"]

#: a JSON object begins with `{"`, in base64 `eyJ`: no API key does
BEGINNING: Final = "eyJ"
_FORM: Final = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: int
    #: the row of ``Login``
    login: str
    id: str
    kind: Kind
    #: Unix time
    issued: float
    expires: float


class _Payload(msgspec.Struct):
    sub: str
    sid: str
    jti: str
    typ: Kind
    iat: float
    exp: float


def make(kind: Kind, user_id: int, login: str, seconds: float) -> tuple[str, Claims]:
    now = time.time()
    claims = Claims(user_id, login, uuid.uuid4().hex, kind, now, now + seconds)
    payload: dict[str, Any] = {
        "sub": str(user_id),
        "sid": login,
        "jti": claims.id,
        "typ": kind,
        "iat": claims.issued,
        "exp": claims.expires,
    }
    token = JWT(header={"alg": "HS256", "typ": "JWT"}, claims=payload)
    token.make_signed_token(_key(_ring().values()[0]))
    return token.serialize(), claims


def read(text: str, kind: Kind) -> Claims:
    """What a token of ours says. Raises MalformedToken, or NotAuthenticated for one that is
    expired or not of our making."""
    if len(text) > _LONGEST or not _FORM.fullmatch(text):
        raise MalformedToken
    token = JWT(algs=["HS256"], expected_type="JWS")
    # Both ends of its life are ours: there are no two clocks to forgive.
    token.leeway = 0
    try:
        _deserialize(token, text)
        payload = msgspec.json.decode(token.claims, type=_Payload)
        user_id = int(payload.sub)
    except JWTExpired:
        raise KeyExpired("This token has expired. Renew it, or log in again.") from None
    except (JWException, ValueError):
        raise NotAuthenticated("This token is not of this server's making.") from None
    if payload.typ != kind:
        raise NotAuthenticated(f"This is no {kind} token.")
    return Claims(user_id, payload.sid, payload.jti, kind, payload.iat, payload.exp)


def is_token(text: str) -> bool:
    """Whether it is to be read here: keys and OAuth's tokens begin in other ways."""
    return text.startswith(BEGINNING)


def _deserialize(token: JWT, text: str) -> None:
    """Under the secret of now, or one that was rotated away while tokens of it still live."""
    *newer, oldest = _ring().values()
    for known in newer:
        try:
            token.deserialize(text, _key(known))
        except JWTExpired:
            raise
        except JWException:
            continue
        return
    token.deserialize(text, _key(oldest))


@cache
def _ring() -> Keyring:
    return Keyring(settings().home_path / "secrets" / "jwt", partial(secrets.token_urlsafe, 32))


@cache
def _key(known: str) -> JWK:
    return JWK.from_password(known)
