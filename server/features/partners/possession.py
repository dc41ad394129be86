"""Proof that a partner has the private key of a client certificate that it registers: a signature made with the key.

Without it a partner could register another's certificate first, because certificates are public. It could also find out
whether a certificate is registered.
"""

import base64
from contextlib import suppress

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from schemas.partner import Partner

_LONGEST_SIGNATURE = 4_000
# Refuse keys that are slow to verify with.
_RSA_BITS, _LARGEST_EXPONENT = range(2_048, 8_193), 2**32


class NotPossessed(ValueError):
    """The text is not a certificate, or the signature was not made with its key."""


def statement(hub: str, partner: Partner) -> str:
    """Return the text that a partner signs to register a certificate, with the partner's and the hub's identity."""
    return f"scamfeed certificate of {partner.identity} at {hub}"


def check(certificate: str, signature: str, signed: str) -> str:
    """Check that a signature (base64) of a text was made with the key of a certificate (PEM); return its fingerprint.

    SHA-256 with RSA (PKCS #1) or on a curve, or Ed25519. In a chain only the first certificate counts. Raises
    ``NotPossessed``.
    """
    if len(signature) > _LONGEST_SIGNATURE:
        raise NotPossessed("this is not a signature")
    with suppress(ValueError, UnsupportedAlgorithm, InvalidSignature):
        loaded = x509.load_pem_x509_certificate(certificate.strip().encode("ascii"))
        made = base64.b64decode("".join(signature.split()), validate=True)
        if _is_signed(loaded.public_key(), made, signed.encode()):
            return loaded.fingerprint(SHA256()).hex()
    raise NotPossessed("the signature was not made with the key of this certificate")


def _is_signed(key: object, made: bytes, signed: bytes) -> bool:
    match key:
        case RSAPublicKey():
            if key.key_size not in _RSA_BITS or key.public_numbers().e > _LARGEST_EXPONENT:
                return False
            key.verify(made, signed, padding.PKCS1v15(), SHA256())
        case EllipticCurvePublicKey():
            key.verify(made, signed, ECDSA(SHA256()))
        case Ed25519PublicKey():
            key.verify(made, signed)
        case _:
            return False
    return True
