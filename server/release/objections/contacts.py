"""Contacts of people who object, encrypted with a key that is in no database."""

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY = 32
_NONCE = 12


class BadContactKey(ValueError):
    """The key's file cannot be used."""


class Contacts:
    """Encrypts and decrypts contacts, each for one objection alone."""

    def __init__(self, file: Path) -> None:
        """Read the key: 64 hexadecimal digits, that nobody but the file's owner may read. Raises ``BadContactKey``."""
        try:
            mode, text = file.stat().st_mode, file.read_text(encoding="ascii").strip()
            key = bytes.fromhex(text)
        except (OSError, ValueError):
            key, mode = b"", 0
        if len(key) != _KEY:
            raise BadContactKey(f"{file}: write 64 hexadecimal digits into it (openssl rand -hex 32)")
        if mode & 0o077:
            raise BadContactKey(f"{file}: others than its owner may read it: chmod 600 it")
        self._cipher = AESGCM(key)

    def encrypt(self, contact: str, objection: str) -> bytes:
        """Return a contact that only this key opens, and only as that of this objection."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, contact.encode(), objection.encode())

    def decrypt(self, contact: bytes, objection: str) -> str | None:
        """Return the contact of an objection, None where another key encrypted it."""
        try:
            return self._cipher.decrypt(contact[:_NONCE], contact[_NONCE:], objection.encode()).decode()
        except InvalidTag:
            return None
