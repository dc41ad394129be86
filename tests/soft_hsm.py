"""A SoftHSM token as a hardware security module; Debian has it as ``softhsm2``."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_LABEL, _PIN = "hub", "1234"
# The name of the curve, as a DER printable string.
_EDWARDS25519 = b"\x13\x0cedwards25519"


@dataclass
class SoftHsm:
    """A token, the library that opens it, and the file of its PIN."""

    module: Path
    pin: Path

    def make_key(self, label: str) -> str:
        """Make an Ed25519 key in the token, and return its URI."""
        import pkcs11  # missing in some environments that load the fixtures
        from pkcs11 import Attribute, KeyType, Mechanism

        token = pkcs11.lib(str(self.module)).get_token(token_label=_LABEL)
        with token.open(user_pin=_PIN, rw=True) as session:
            curve = session.create_domain_parameters(
                KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _EDWARDS25519}, local=True
            )
            curve.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=label)
        return self.uri(label)

    def uri(self, label: str, pin: Path | None = None) -> str:
        """Return the URI of a key."""
        return f"pkcs11:token={_LABEL};object={label}?module-path={self.module}&pin-source={pin or self.pin}"


def soft_hsm(folder: Path, patch: pytest.MonkeyPatch) -> SoftHsm:
    """Make a token in a folder, the only one of this process. Skip the test without SoftHSM."""
    found = [file for path in ("lib", "lib64") for file in Path("/usr", path).glob("**/softhsm/libsofthsm2.so")]
    program = shutil.which("softhsm2-util")
    if not found or program is None:
        pytest.skip("NO KEY OF AN HSM WAS USED: softhsm2 is not installed")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    made = [program, "--init-token", "--free", "--label", _LABEL, "--pin", _PIN, "--so-pin", _PIN]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "pin").write_text(f"{_PIN}\n")
    (folder / "pin").chmod(0o600)
    return SoftHsm(found[0], folder / "pin")
