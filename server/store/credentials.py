"""Passwords, tokens and client certificates: created, hashed, and compared in constant time."""

import hashlib
import hmac
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# OWASP's second choice for argon2id: 19 MiB, two passes, one lane. A verification takes about 20 ms here.
_ARGON2 = PasswordHash((Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1),))
REMEMBERED_SECONDS = 300
_REMEMBERED_AT_MOST = 10_000

BeforeVerifying = Callable[[bool], int]
# Returns the stored hash that another process verified for a password digest, or None.
FindVerified = Callable[[bytes], str | None]


def _not_verified(digest: bytes) -> None:
    """Find nothing."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """New credentials, shown to the partner once: user name and password, and a token that works alone."""

    user: str
    password: str = field(repr=False)
    token: str = field(repr=False)


def make_credentials(user: str) -> Credentials:
    """Make a random password and a random token of 256 bits each."""
    return Credentials(user, secrets.token_urlsafe(32), secrets.token_urlsafe(32))


def hash_password(password: str) -> str:
    """Hash a password for storage."""
    return _ARGON2.hash(password)


def hash_token(token: str) -> bytes:
    """Hash a token for storage and look-up. It is random enough for one pass of SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def password_check(password: str) -> bytes:
    """Return two octets that reject nearly every wrong password at once.

    A password has 256 random bits, so it may lose sixteen. Guessers are rejected by the check; the real password always
    passes.
    """
    return hashlib.sha256(b"check " + password.encode("utf-8", "surrogatepass")).digest()[:2]


class UsedLogin(NamedTuple):
    """The credential that a partner used: a password, a token or a certificate, and a digest.

    For a token, and the password issued with it, the digest is the token's hash. For a certificate it is the
    fingerprint.
    """

    by: Literal["password", "token", "certificate"]
    digest: bytes

    @property
    def id(self) -> str:
        """The credential's name: 16 digits that reveal no secret and no stored hash."""
        named = self.digest if self.by == "certificate" else hashlib.sha256(self.digest).digest()
        return named.hex()[:16]


class PasswordVerifier:
    """Verifies passwords, and remembers correct ones by a keyed digest for five minutes.

    The memory only maps a password to the stored hash it matched. Once that hash is deleted from the store, the
    password is rejected from the next request on. Verifiers with the same ``key`` can share their verifications.
    """

    def __init__(self, key: bytes | None = None) -> None:
        """Start with an empty memory. Without ``key``, use one that only this process knows."""
        self._key = key or secrets.token_bytes(32)
        self._remembered: dict[bytes, tuple[str, float]] = {}
        self._hash_of_nobody = ""
        self._changing = threading.Lock()

    def digest(self, password: str) -> bytes:
        """Return the digest that identifies a remembered password."""
        return hmac.digest(self._key, password.encode("utf-8", "surrogatepass"), "sha256")

    def matches(
        self,
        password: str,
        hashes: list[str],
        before_verifying: BeforeVerifying = lambda known: 1,
        find_verified: FindVerified = _not_verified,
    ) -> str | None:
        """Return the matching hash of ``hashes``, or None. Without hashes it takes equally long.

        Before a slow verification ``before_verifying`` is called with whether the password was correct before. It
        returns the minimum number of verifications for a wrong password, and may raise. ``find_verified`` is called
        first, and returns the verification of another process.
        """
        digest = self.digest(password)
        known = self._remembered.get(digest)
        if known is not None and known[1] > time.monotonic() and known[0] in hashes:
            return known[0]
        elsewhere = find_verified(digest)
        if elsewhere is not None and elsewhere in hashes:
            self._remember(digest, elsewhere)
            return elsewhere
        at_least = before_verifying(known is not None and known[0] in hashes)
        found = None
        given = password.encode("utf-8", "surrogatepass")
        for stored in [*hashes, *[self._unmatched_hash()] * (at_least - len(hashes))]:
            if _ARGON2.verify(given, stored):
                found = stored
        if found is None or found not in hashes:
            return None
        self._remember(digest, found)
        return found

    def _remember(self, digest: bytes, found: str) -> None:
        with self._changing:
            if len(self._remembered) >= _REMEMBERED_AT_MOST:
                self._remembered.clear()
            self._remembered[digest] = (found, time.monotonic() + REMEMBERED_SECONDS)

    def _unmatched_hash(self) -> str:
        """Return a hash that no password matches, so that an unknown user takes as long as a wrong password."""
        if not self._hash_of_nobody:
            self._hash_of_nobody = hash_password(secrets.token_urlsafe(32))
        return self._hash_of_nobody


_END = "-----END CERTIFICATE-----"


class BadCertificate(ValueError):
    """The text is neither one certificate as PEM nor a SHA-256 fingerprint."""


def fingerprint_of(certificate: str) -> bytes:
    """Parse a certificate as PEM, or the SHA-256 of its DER in hexadecimal. Raises ``BadCertificate``."""
    text = certificate.strip()
    try:
        if text.startswith("-----BEGIN CERTIFICATE-----"):
            # A chain may follow in the file; the first certificate is the partner's own.
            own = text[: text.index(_END) + len(_END)]
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(own)).digest()
        digest = bytes.fromhex(text.replace(":", ""))
    except ValueError as error:
        raise BadCertificate("neither a certificate (PEM) nor a SHA-256 fingerprint (hexadecimal)") from error
    if len(digest) != hashlib.sha256().digest_size:
        raise BadCertificate("a SHA-256 fingerprint has 64 hexadecimal digits")
    return digest
