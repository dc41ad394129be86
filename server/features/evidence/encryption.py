"""Files encrypted in parts: AES-256-GCM, each part bound to its place and to whether it is the last.

Each file has its own key, encrypted with a key that is in no database. Without its database row a file cannot be
decrypted.
"""

import hmac
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server.release.key_files import read_key

_KEY, _NONCE, _TAG = 32, 12, 16
# The nonce of a part: these random bytes, its number, and 1 for the last one.
_PREFIX, _COUNTER = 7, 4
_PART = 1 << 20


class UnreadableEvidence(ValueError):
    """A stored file has changed, or was encrypted with another key."""


class EvidenceKey:
    """The key that encrypts the keys of files, and from which their names in the store are derived."""

    def __init__(self, file: Path) -> None:
        """Read the key. Raises ``BadKeyFile``."""
        key = read_key(file)
        self._names = hmac.digest(key, b"names of files", "sha256")
        self._cipher = AESGCM(hmac.digest(key, b"keys of files", "sha256"))

    def place(self, encrypted_key: bytes) -> str:
        """Return the name in the store of the file with that key; the name reveals nothing about the file."""
        return hmac.digest(self._names, encrypted_key, "sha256").hex()

    def new_file_key(self, file_id: str) -> tuple[bytes, bytes]:
        """Return a new key for one file, and its encrypted form."""
        key, nonce = secrets.token_bytes(_KEY), secrets.token_bytes(_NONCE)
        return key, nonce + self._cipher.encrypt(nonce, key, file_id.encode())

    def open_file_key(self, encrypted: bytes, file_id: str) -> bytes:
        """Return the key of a file. Raises ``UnreadableEvidence``."""
        try:
            return self._cipher.decrypt(encrypted[:_NONCE], encrypted[_NONCE:], file_id.encode())
        except InvalidTag:
            raise UnreadableEvidence("this file was encrypted with another key") from None


def encrypted(chunks: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """Yield the encrypted form of a file, in parts."""
    cipher, prefix = AESGCM(key), secrets.token_bytes(_PREFIX)
    yield prefix
    number, waiting = 0, None
    for part in _parts(chunks):
        if waiting is not None:
            yield cipher.encrypt(_nonce(prefix, number, last=False), waiting, None)
            number += 1
        waiting = part
    yield cipher.encrypt(_nonce(prefix, number, last=True), waiting or b"", None)


def decrypted(stored: IO[bytes], key: bytes) -> Iterator[bytes]:
    """Yield the parts of a file. Raises ``UnreadableEvidence`` if any part was changed, moved, or cut off."""
    cipher, prefix = AESGCM(key), stored.read(_PREFIX)
    number, part = 0, stored.read(_PART + _TAG)
    while True:
        following = stored.read(_PART + _TAG) if len(part) == _PART + _TAG else b""
        try:
            yield cipher.decrypt(_nonce(prefix, number, last=not following), part, None)
        except (InvalidTag, ValueError):
            raise UnreadableEvidence("the stored file was changed") from None
        if not following:
            return
        number, part = number + 1, following


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in parts of equal size, except the last."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= _PART:
            yield bytes(waiting[:_PART])
            del waiting[:_PART]
    if waiting:
        yield bytes(waiting)


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(_COUNTER, "big") + (b"\x01" if last else b"\x00")
