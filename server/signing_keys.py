"""The hub's signing keys: a file of private keys, made where there is none; keys of an HSM are named in it."""

import os
from pathlib import Path

from schemas.proof.signatures import BadSigningKey, SigningKeys, new_key
from server.release.hsm import PREFIX, HsmKey
from server.release.key_files import BadKeyFile, read_secret
from server.settings import Settings

_BESIDE = "scamfeed-signing-key.pem"


def signing_key_file(settings: Settings) -> Path:
    """Return the file of the signing keys: as it is set, else beside the store's file."""
    beside = settings.database_file.parent if settings.database_file else Path()
    return settings.signing_key_file or beside / _BESIDE


def load(settings: Settings) -> SigningKeys:
    """Read the signing keys; where no file is set and there is none, make one. Raises ``BadSigningKey``."""
    if settings.signing_key_file is None and settings.database_file is None:
        raise BadSigningKey("set signing_key_file: all nodes sign by the same keys, and none is made for PostgreSQL")
    file = signing_key_file(settings)
    if str(file).startswith(PREFIX):
        return SigningKeys(str(file), HsmKey)
    if settings.signing_key_file is None and not file.exists():
        _make(file)
    try:
        text = read_secret(file, "; make one: openssl genpkey -algorithm ed25519")
    except BadKeyFile as error:
        raise BadSigningKey(str(error)) from None
    try:
        return SigningKeys(text, HsmKey)
    except BadSigningKey as error:
        raise BadSigningKey(f"{file}: {error}") from None


def _make(file: Path) -> None:
    """Write a new key, whole or not at all; of two that make one at once, the first one's stays."""
    made = file.with_name(f"{file.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(new_key())
            out.flush()
            os.fsync(out.fileno())
        os.link(made, file)
    except FileExistsError:
        pass
    except OSError as error:
        raise BadSigningKey(f"{file}: cannot be made: {error.strerror}") from None
    finally:
        made.unlink(missing_ok=True)
