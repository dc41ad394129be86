"""Signatures of the hub: Ed25519 over the canonical JSON (RFC 8785) of a statement, or over a file's bytes.

``openssl pkeyutl -verify -rawin`` checks both. A key has the SHA-256 of its public key in DER as its name, as
``openssl pkey -pubin -outform DER | sha256sum`` prints it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import rfc8785
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

ALGORITHM = "Ed25519"
# During a rotation there are two.
_MOST_KEYS = 8
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----\n?", re.DOTALL)
# A key that is in no file.
_URI = "pkcs11:"
_ENTRY = re.compile(rf"{_PEM.pattern}|^(?P<uri>{_URI}\S+)[^\S\n]*$\n?", re.DOTALL | re.MULTILINE)


class BadSigningKey(ValueError):
    """A key cannot be used; the message says why."""


class BadSignature(ValueError):
    """A document is not as it was signed, or no trusted key signed it."""


def canonical(statement: Mapping[str, Any]) -> bytes:
    """Return the bytes of a statement that are signed: RFC 8785."""
    return rfc8785.dumps(dict(statement))


def new_key() -> str:
    """Return a new private key in PEM."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class PrivateKey(Protocol):
    """A key of Ed25519, wherever it is."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the signature."""

    def public_key(self) -> Ed25519PublicKey:
        """Return the public key."""


def _no_hsm(uri: str) -> PrivateKey:
    raise BadSigningKey("no keys of an HSM are used here")


class SigningKeys:
    """The private keys of a hub: each signs, so that readers who know the old or the new one can check."""

    def __init__(self, text: str, hsm: Callable[[str], PrivateKey] = _no_hsm) -> None:
        """Use the keys of a text: blocks of PEM, and lines of URIs, whose keys ``hsm`` has.

        Raises ``BadSigningKey``.
        """
        found = list(_ENTRY.finditer(text))
        if not 0 < len(found) <= _MOST_KEYS:
            raise BadSigningKey("no private key in PEM; make one: openssl genpkey -algorithm ed25519")
        self._keys: list[PrivateKey] = [hsm(entry["uri"]) if entry["uri"] else _private(entry[0]) for entry in found]
        self._entries = [f"{entry[0].strip()}\n" for entry in found]

    @property
    def public_keys(self) -> list[str]:
        """Return the public keys in PEM, in the order of the file."""
        return [_public_pem(key.public_key()) for key in self._keys]

    @property
    def entries(self) -> list[str]:
        """Return the keys as the file has them, in its order: private keys in PEM, and URIs."""
        return list(self._entries)

    def sign_file(self, data: bytes) -> list[bytes]:
        """Return the signatures of ``data`` by each key, 64 bytes each."""
        return [key.sign(data) for key in self._keys]

    def sign(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        """Return the signed document of a statement."""
        text = canonical(statement)
        signatures = [
            {
                "algorithm": ALGORITHM,
                "key": key_name(key.public_key()),
                "signature": base64.b64encode(key.sign(text)).decode(),
            }
            for key in self._keys
        ]
        return {"statement": dict(statement), "signatures": signatures}


def public_keys_of(pem: str) -> dict[str, Ed25519PublicKey]:
    """Return the public keys in a text of PEM, by their names. Raises ``BadSigningKey``."""
    try:
        keys = [load_pem_public_key(found[0].encode()) for found in _PEM.finditer(pem)]
    except (ValueError, UnsupportedAlgorithm):
        keys = []
    found = {key_name(key): key for key in keys if isinstance(key, Ed25519PublicKey)}
    if not found:
        raise BadSigningKey("no public key of Ed25519 in PEM")
    return found


def verified(document: Any, trusted: Mapping[str, Ed25519PublicKey]) -> tuple[dict[str, Any], list[str]]:
    """Return the statement of a signed document, and the trusted keys that signed it. Raises ``BadSignature``.

    A signature by a key that is not trusted proves nothing, and is passed over; a wrong one by a trusted key is
    refused.
    """
    try:
        statement, signatures = document["statement"], document["signatures"]
        text = canonical(statement)
        by_key = {entry["key"]: base64.b64decode(entry["signature"], validate=True) for entry in signatures}
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, rfc8785.CanonicalizationError):
        raise BadSignature("no signed document") from None
    names = sorted(by_key.keys() & trusted.keys())
    for name in names:
        try:
            trusted[name].verify(by_key[name], text)
        except InvalidSignature:
            raise BadSignature(f"it is not as key {name} signed it") from None
    if not names:
        raise BadSignature("no key that you trust signed it")
    return statement, names


def key_name(key: Ed25519PublicKey) -> str:
    """Return the name of a public key."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def key_names(pems: Sequence[str]) -> list[str]:
    """Return the names of public keys in PEM, in their order."""
    return [name for pem in pems for name in public_keys_of(pem)]


def _private(pem: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadSigningKey("no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSigningKey("a key of another kind; make one: openssl genpkey -algorithm ed25519")
    return key


def _public_pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
