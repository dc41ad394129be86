"""Contacts of the senders of objections, encrypted with a key that is in no database."""

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server.release.key_files import read_key

_NONCE = 12


class Contacts:
    """Encrypts and decrypts contacts, each for only one objection."""

    def __init__(self, file: Path) -> None:
        """Read the key. Raises ``BadKeyFile``."""
        self._cipher = AESGCM(read_key(file))

    def encrypt(self, contact: str, objection: str) -> bytes:
        """Return a contact encrypted so that it opens only with this key and for this objection."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, contact.encode(), objection.encode())

    def decrypt(self, contact: bytes, objection: str) -> str | None:
        """Return the contact of an objection, None if it was encrypted with another key."""
        try:
            return self._cipher.decrypt(contact[:_NONCE], contact[_NONCE:], objection.encode()).decode()
        except InvalidTag:
            return None
