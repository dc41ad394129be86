"""Client certificates by the SHA-256 of their DER."""

import hashlib
import ssl

_END = "-----END CERTIFICATE-----"


class BadCertificate(ValueError):
    """This is neither one certificate as PEM nor a SHA-256 fingerprint."""


def fingerprint_of(certificate: str) -> bytes:
    """Read a certificate as PEM, or the SHA-256 of its DER in hexadecimal. Raises ``BadCertificate``."""
    text = certificate.strip()
    try:
        if text.startswith("-----BEGIN CERTIFICATE-----"):
            # A file may go on with the chain; the first is the partner's own.
            own = text[: text.index(_END) + len(_END)]
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(own)).digest()
        digest = bytes.fromhex(text.replace(":", ""))
    except ValueError as error:
        raise BadCertificate("neither a certificate (PEM) nor a SHA-256 fingerprint (hexadecimal)") from error
    if len(digest) != hashlib.sha256().digest_size:
        raise BadCertificate("a SHA-256 fingerprint has 64 hexadecimal digits")
    return digest
