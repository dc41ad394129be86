import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from schemas.tlog.signatures import (
    BadSignature,
    BadSigningKey,
    SigningKeys,
    canonical,
    new_key,
    public_keys_of,
    verified,
)

STATEMENT = {"type": "test/1", "value": "ธนาคาร", "times": [1, 2], "nothing": None}


def test_a_signed_statement_is_verified_by_the_public_key() -> None:
    keys = SigningKeys(new_key())
    trusted = public_keys_of("".join(keys.public_keys))
    statement, signers = verified(keys.sign(STATEMENT), trusted)
    assert statement == STATEMENT
    assert signers == list(trusted)


def test_statement_is_verifiable_with_either_key_during_a_rotation() -> None:
    old, new = new_key(), new_key()
    document = SigningKeys(new + old).sign(STATEMENT)
    for key in (old, new):
        assert verified(document, public_keys_of(SigningKeys(key).public_keys[0]))[0] == STATEMENT


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["statement"].update(value="another"),
        lambda document: document["signatures"][0].update(signature=base64.b64encode(bytes(64)).decode()),
        lambda document: document["signatures"][0].update(signature="no base64"),
        lambda document: document.pop("signatures"),
        lambda document: document["statement"].update(value=float("nan")),
    ],
)
def test_a_changed_document_is_refused(change: object) -> None:
    keys = SigningKeys(new_key())
    document = keys.sign(STATEMENT)
    change(document)  # type: ignore[operator]  # each of the above is a function
    with pytest.raises(BadSignature):
        verified(document, public_keys_of(keys.public_keys[0]))


def test_a_signature_by_a_key_that_is_not_trusted_proves_nothing() -> None:
    document = SigningKeys(new_key()).sign(STATEMENT)
    with pytest.raises(BadSignature, match="no key that you trust"):
        verified(document, public_keys_of(SigningKeys(new_key()).public_keys[0]))


@pytest.mark.parametrize("pem", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_malformed_private_key_is_refused(pem: str) -> None:
    with pytest.raises(BadSigningKey):
        SigningKeys(pem)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_a_statement_and_its_key_name(tmp_path: Path) -> None:
    keys = SigningKeys(new_key())
    document = keys.sign(STATEMENT)
    (tmp_path / "hub.pem").write_text(keys.public_keys[0])
    (tmp_path / "statement").write_bytes(canonical(STATEMENT))
    (tmp_path / "signature").write_bytes(base64.b64decode(document["signatures"][0]["signature"]))
    command = "openssl pkeyutl -verify -pubin -inkey hub.pem -rawin -in statement -sigfile signature"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    command = "openssl pkey -pubin -in hub.pem -outform DER -out der"
    subprocess.run(command.split(), cwd=tmp_path, check=True)
    assert hashlib.sha256((tmp_path / "der").read_bytes()).hexdigest() == document["signatures"][0]["key"]
