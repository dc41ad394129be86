"""Signatures: of messages by Standard Webhooks, of files by Ed25519."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from standardwebhooks import Webhook

from feeds.connector import Misconfigured

_PREFIX = "whsec_"
# Standard Webhooks, "Symmetric": between 24 and 64 bytes.
_SHORTEST, _LONGEST = 24, 64


class WebhookSigner:
    """Signs messages with one secret, or with two during a rotation."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Use secrets of the form ``whsec_…``. Raises ``Misconfigured``."""
        self._webhooks = [Webhook(_key(secret)) for secret in secrets]

    def headers(self, message_id: str, moment: datetime, body: str) -> dict[str, str]:
        """Return the headers that prove sender and time of ``body``."""
        signatures = [webhook.sign(message_id, moment, body) for webhook in self._webhooks]
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


class FileSigner:
    """Signs files with an Ed25519 key."""

    def __init__(self, pem: str) -> None:
        """Use a private key in PEM. Raises ``Misconfigured``."""
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise Misconfigured("signing_key: no private key in PEM without a password") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise Misconfigured("signing_key: a key of another kind; make one: openssl genpkey -algorithm ed25519")
        self._key = key

    @property
    def public_key(self) -> str:
        """Return the public key in PEM, for readers to check with."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def has_signed(self, data: bytes, signature: bytes) -> bool:
        """Return whether ``signature`` was made of ``data`` with this key."""
        try:
            self._key.public_key().verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def sign(self, data: bytes) -> bytes:
        """Return the signature of ``data``: 64 bytes, for ``openssl pkeyutl -verify -rawin``."""
        return self._key.sign(data)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise Misconfigured(
            "secret: not a signing secret of Standard Webhooks: whsec_ and the Base64 of 24 to 64 random bytes"
        )
    return key
