"""A passkey in software: makes real keys and signs as a device would, by the standard's text.

It shares no code with the library under test: CBOR by cbor2 (which the published Autobahn brings),
keys and signatures by ``cryptography``.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def data(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Device:
    def __init__(self, *, verifies: bool = True, counts: bool = True) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.uses = 0
        self._counts = counts
        self._flags = PRESENT | (VERIFIED if verifies else 0)

    def register(self, options: dict[str, Any], origin: str, host: str = "") -> dict[str, Any]:
        """What ``navigator.credentials.create(…)`` gives, by its ``toJSON()``."""
        asked = options["publicKey"]
        attested = b"\0" * 16 + len(self.id).to_bytes(2, "big") + self.id + self._cose()
        authenticator = self._data(host or asked["rp"]["id"], ATTESTED) + attested
        client = self._client("webauthn.create", asked["challenge"], origin)
        response = {
            "clientDataJSON": text(client),
            "attestationObject": text(
                cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": authenticator})
            ),
        }
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key"} | {
            "response": response,
            "clientExtensionResults": {},
        }

    def answer(self, options: dict[str, Any], origin: str, host: str = "") -> dict[str, Any]:
        """What ``navigator.credentials.get(…)`` gives, by its ``toJSON()``."""
        asked = options["publicKey"]
        self.uses += self._counts
        authenticator = self._data(host or asked["rpId"])
        client = self._client("webauthn.get", asked["challenge"], origin)
        signed = authenticator + hashlib.sha256(client).digest()
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(authenticator),
            "signature": text(self._key.sign(signed, ec.ECDSA(hashes.SHA256()))),
        }
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key"} | {
            "response": response,
            "clientExtensionResults": {},
        }

    def _data(self, host: str, flags: int = 0) -> bytes:
        hashed = hashlib.sha256(host.encode()).digest()
        return hashed + bytes([self._flags | flags]) + self.uses.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _cose(self) -> bytes:
        numbers = self._key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return cbor2.dumps({1: 2, 3: -7, -1: 1, **point})
