"""Keys in an HSM sign there. Errors of a URI, PIN or token are reported without any secret."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.tlog.signatures import BadSigningKey, SigningKeys, new_key, public_keys_of, verified
from server.release.hsm import HsmKey
from tests.soft_hsm import SoftHsm

MODULE = "module-path=/usr/lib/none.so&pin-source=/etc/none"


def test_hsm_key_and_file_key_sign_together(hsm: SoftHsm) -> None:
    uri = hsm.make_key("beside")
    keys = SigningKeys(f"{uri}\n{new_key()}", HsmKey)
    document = keys.sign({"a": 1})
    for pem in keys.public_keys:
        assert verified(document, public_keys_of(pem))[0] == {"a": 1}
    assert keys.entries[0] == f"{uri}\n"
    assert keys.public_keys[0] == SigningKeys("".join(keys.entries), HsmKey).public_keys[0]


def test_a_wrong_pin_is_tried_once_and_is_in_no_message(hsm: SoftHsm, tmp_path: Path) -> None:
    hsm.make_key("guarded")
    wrong = tmp_path / "pin"
    wrong.write_text("987654")
    wrong.chmod(0o600)
    uri = hsm.uri("guarded", wrong)
    for message in ("the PIN is wrong", "before the token is locked"):
        with pytest.raises(BadSigningKey, match=message) as refused:
            HsmKey(uri)
        assert "987654" not in str(refused.value)
    assert len(HsmKey(hsm.uri("guarded")).sign(b"a")) == 64
    wrong.chmod(0o644)
    with pytest.raises(BadSigningKey, match="chmod 600"):
        HsmKey(uri)
    with pytest.raises(BadSigningKey, match="it has the PIN"):
        HsmKey(hsm.uri("guarded", tmp_path / "none"))


def test_missing_or_changed_key_is_refused(hsm: SoftHsm) -> None:
    uri = hsm.make_key("real")
    with pytest.raises(BadSigningKey, match="no such key"):
        HsmKey(hsm.uri("absent"))
    with pytest.raises(BadSigningKey, match="0 tokens"):
        HsmKey(uri.replace("token=hub", "token=bank"))
    with pytest.raises(BadSigningKey, match="another key of this name"):
        HsmKey(uri, Ed25519PrivateKey.generate().public_key()).sign(b"a")
    with pytest.raises(BadSigningKey, match="cannot open shared object"):
        HsmKey(uri.replace(str(hsm.module), "/usr/lib/none.so"))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("file:/etc/key", "not a URI"),
        ("pkcs11:token=a b;object=c", "not a URI"),
        (f"pkcs11:token=a?{MODULE}", "no object or id"),
        ("pkcs11:object=a?pin-source=/etc/none", "no module-path"),
        (f"pkcs11:object=a?{MODULE}&pin-value=1234", "no PIN may be in it"),
        (f"pkcs11:object=a;type=public?{MODULE}", "must be private"),
        (f"pkcs11:object=a;object=b?{MODULE}", "once"),
        (f"pkcs11:object=a;slot-id=1?{MODULE}", "once"),
        ("pkcs11:object=" + "a" * 2_000, "not a URI"),
    ],
)
def test_uri_without_a_key_is_refused_without_its_values(uri: str, message: str) -> None:
    with pytest.raises(BadSigningKey, match=message) as refused:
        HsmKey(uri)
    assert "1234" not in str(refused.value)


def test_several_keys_of_one_name_are_refused(hsm: SoftHsm) -> None:
    hsm.make_key("twice")
    with pytest.raises(BadSigningKey, match="several such keys; add the id"):
        HsmKey(hsm.make_key("twice"))
