"""Time-stamps of an authority (RFC 3161): a token proves that a file with a SHA-256 existed at a time."""

import secrets
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from feeds.errors import Misconfigured, TryLater
from feeds.transport.client import OutboundSettings, open_session, peer_errors

_REQUEST, _RESPONSE = "application/timestamp-query", "application/timestamp-reply"
_MOST_BYTES = 64 * 1024
_NONCE_BYTES = 8
# SHA-256 as an AlgorithmIdentifier, and the head of the 32 bytes that follow.
_IMPRINT = bytes.fromhex("300d06096086480165030402010500") + b"\x04\x20"


class TimestampAuthority(OutboundSettings):
    """An authority, and the certificates of its root."""

    url: str
    root_file: Path

    @property
    def has_credentials(self) -> bool:
        """Return whether requests carry credentials: these carry only a digest."""
        return False


class Timestamp(NamedTuple):
    """The authority's response for ``openssl ts -verify -in``, and the time stated in it."""

    response: bytes
    at: datetime


def fetch(authority: TimestampAuthority, digest: bytes) -> Timestamp:
    """Return the time-stamp of a SHA-256, after verification. Raises ``TryLater`` and ``Misconfigured``."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    with open_session(authority, authority.url, repeat_posts=True) as session, peer_errors(authority.url):
        headers = {"Content-Type": _REQUEST, "Accept": _RESPONSE}
        response = session.post(authority.url, data=request_of(digest, nonce), headers=headers)
        response.raise_for_status()
    return verified(authority, response.content, digest, int.from_bytes(nonce, "big"))


def request_of(digest: bytes, nonce: bytes) -> bytes:
    """Build a TimeStampReq (RFC 3161, 2.4.1) in DER that also requests the authority's certificate."""
    imprint = _der(0x30, _IMPRINT + digest)
    number = nonce.lstrip(b"\x00") or b"\x00"
    number = b"\x00" + number if number[0] & 0x80 else number
    return _der(0x30, _der(0x02, b"\x01") + imprint + _der(0x02, number) + _der(0x01, b"\xff"))


def verified(authority: TimestampAuthority, response: bytes, digest: bytes, nonce: int | None = None) -> Timestamp:
    """Verify a response with the authority's root. Raises ``Misconfigured`` if it is from another authority."""
    try:
        roots = x509.load_pem_x509_certificates(authority.root_file.read_bytes())
    except (OSError, ValueError):
        raise Misconfigured(f"timestamp_ca_file: no certificates in PEM in {authority.root_file}") from None
    builder = VerifierBuilder(roots=roots, nonce=nonce)
    try:
        answer = decode_timestamp_response(response[:_MOST_BYTES])
        if answer.status not in (0, 1):
            raise TryLater(f"{authority.url}: the authority refused, with status {answer.status}")
        builder.build().verify(answer, digest)
    except (VerificationError, ValueError) as error:
        raise Misconfigured(f"{authority.url}: the response is not a time-stamp of this authority: {error}") from None
    return Timestamp(response, answer.tst_info.gen_time)


def _der(tag: int, content: bytes) -> bytes:
    """Encode a value in DER; all values here are shorter than 128 bytes."""
    return bytes((tag, len(content))) + content
