"""Signatures compared with the published examples of the schemes."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)
from hypothesis import given, settings, strategies as st

from feeds.connector import Misconfigured
from feeds.transport.signing import FileSigner, WebhookSigner

# The example of the Standard Webhooks libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, MOMENT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), '{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
# RFC 8032 §7.1, test 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
SIGNED = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
    "b00d291612bb0c00"
)


def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_message_is_signed_as_the_scheme_requires() -> None:
    assert WebhookSigner([SECRET]).headers(MESSAGE, MOMENT, BODY) == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_two_secrets_sign_side_by_side() -> None:
    signature = WebhookSigner([SECRET, SECRET]).headers(MESSAGE, MOMENT, BODY)["webhook-signature"]
    assert signature == f"{SIGNATURE} {SIGNATURE}"


def test_a_file_is_signed_by_ed25519() -> None:
    signer = FileSigner(pem(Ed25519PrivateKey.from_private_bytes(SEED)))
    assert signer.sign(b"\x72") == SIGNED


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_public_key_verifies_the_signature(data: bytes) -> None:
    signer = FileSigner(pem(Ed25519PrivateKey.from_private_bytes(SEED)))
    public = load_pem_public_key(signer.public_key.encode())
    public.verify(signer.sign(data), data)  # type: ignore[call-arg, union-attr]  # it is an Ed25519 key


def test_an_encrypted_key_is_refused_by_name() -> None:
    key = Ed25519PrivateKey.generate()
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"s3cret")).decode()
    with pytest.raises(Misconfigured, match="without a password"):
        FileSigner(locked)
