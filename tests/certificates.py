"""Certificates made by tests, and signatures with their keys."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding


def rsa_key() -> rsa.RSAPrivateKey:
    """Return a new RSA key."""
    return rsa.generate_private_key(65_537, 2_048)


def curve_key() -> ec.EllipticCurvePrivateKey:
    """Return a new key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def certified(key: Any) -> str:
    """Return a certificate of a key, as PEM."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client.example")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=36_500))
    made = builder.sign(key, None if isinstance(key, Ed25519PrivateKey) else SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def signed(key: Any, text: str) -> str:
    """Return the signature of a text in base64, as openssl makes it."""
    match key:
        case rsa.RSAPrivateKey():
            made = key.sign(text.encode(), padding.PKCS1v15(), SHA256())
        case ec.EllipticCurvePrivateKey():
            made = key.sign(text.encode(), ec.ECDSA(SHA256()))
        case _:
            made = key.sign(text.encode())
    return base64.encodebytes(made).decode()
