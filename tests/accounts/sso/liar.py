"""A small OpenID Connect provider on loopback that can lie: real keys, wrong words."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jwcrypto import jwk, jwt

CLIENT, SECRET = "platform", "the secret of the client, which is long enough"


class Provider:
    """What it says can be changed by its attributes before each login."""

    def __init__(self) -> None:
        self.key = jwk.JWK.generate(kty="RSA", size=2048, kid="one")
        self.other = jwk.JWK.generate(kty="RSA", size=2048, kid="one")
        self.issuer = ""
        #: claims that are said besides, or instead; None leaves one out
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.signs_with: Any = self.key
        self.token_answer: tuple[int, Any] | None = None
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._codes: dict[str, dict[str, str]] = {}

    def authorize(self, address: str) -> str:
        """As a person who logs in there: the address that they are sent back to."""
        given = {name: each[0] for name, each in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self._codes)}"
        self._codes[code] = given
        return f"{given['redirect_uri']}?code={code}&state={given['state']}"

    def answer(self, method: str, path: str, body: dict[str, str]) -> tuple[int, Any]:
        self.asked.append((f"{method} {path}", body))
        match path:
            case "/.well-known/openid-configuration":
                return 200, self._document()
            case "/jwks":
                return 200, {"keys": [self.key.export_public(as_dict=True)]}
            case "/token":
                return self.token_answer or self._tokens(body)
            case "/userinfo":
                return 200, {"sub": self.claims.get("sub", "u-1"), **self.userinfo}
        return 404, {}

    def _document(self) -> dict[str, Any]:
        made = {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token",
            "jwks_uri": self.issuer + "/jwks",
            "userinfo_endpoint": self.issuer + "/userinfo",
            "end_session_endpoint": self.issuer + "/logout",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return {name: v for name, v in {**made, **self.document}.items() if v is not None}

    def _tokens(self, body: dict[str, str]) -> tuple[int, Any]:
        asked = self._codes.pop(body.get("code", ""), None)
        if asked is None:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(body["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "u-1",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        claims = {name: value for name, value in said.items() if value is not None}
        return 200, {
            "access_token": "at",
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self._signed(claims),
        }

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.algorithm == "none":
            parts = [{"alg": "none"}, claims]
            texts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
            return b".".join([*texts, b""]).decode()
        header = {"alg": self.algorithm, "kid": "one"}
        made = jwt.JWT(header=header, claims=claims)
        made.make_signed_token(self.signs_with)
        return str(made.serialize())


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = parse_qs(self.rfile.read(size).decode())
            self._answer({name: each[0] for name, each in body.items()})

        def _answer(self, body: dict[str, str]) -> None:
            status, said = provider.answer(self.command, urlsplit(self.path).path, body)
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if status in (301, 302, 307):
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
