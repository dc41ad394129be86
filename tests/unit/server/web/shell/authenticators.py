"""A software passkey that creates keys and signs like an authenticator, correctly or with chosen faults."""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, NEW_KEY = 0x01, 0x04, 0x40


def text(given: bytes) -> str:
    return urlsafe_b64encode(given).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One passkey. ``flags`` are those of its responses; its browser believes ``origin`` and ``party``."""

    origin: str = "http://localhost"
    party: str = "localhost"
    flags: int = PRESENT | VERIFIED
    signatures: int = 0
    id: bytes = b"a passkey of the tests"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, asked: dict[str, Any]) -> str:
        """Return a browser's message for a new passkey."""
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        body = {"fmt": "none", "attStmt": {}, "authData": self._data(NEW_KEY) + credential}
        client = self._client("webauthn.create", asked)
        return self._answer({"attestationObject": text(cbor2.dumps(body)), "clientDataJSON": text(client)})

    def sign(self, asked: dict[str, Any]) -> str:
        """Return a browser's message with a signature."""
        client, data = self._client("webauthn.get", asked), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        parts = {"authenticatorData": data, "clientDataJSON": client, "signature": signature}
        return self._answer({name: text(part) for name, part in parts.items()})

    def _data(self, more: int) -> bytes:
        self.signatures += 1
        flags = bytes((self.flags | more,))
        return hashlib.sha256(self.party.encode()).digest() + flags + self.signatures.to_bytes(4, "big")

    def _client(self, kind: str, asked: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": asked["challenge"], "origin": self.origin}).encode()

    def _answer(self, response: dict[str, str]) -> str:
        return json.dumps({"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response})
