"""The hub's signing keys: a file of private keys, made if there is none; it names keys in an HSM."""

import os
from pathlib import Path

from schemas.tlog.signatures import BadSigningKey, SigningKeys, new_key
from server.release.hsm import PREFIX, HsmKey
from server.release.key_files import BadKeyFile, read_secret, write_beside
from server.settings import Settings

_BESIDE = "scamfeed-signing-key.pem"


def signing_key_file(settings: Settings) -> Path:
    """Return the file of the signing keys: the setting, or next to the store's file."""
    beside = settings.database_file.parent if settings.database_file else Path()
    return settings.signing_key_file or beside / _BESIDE


def load(settings: Settings, *, dry_run: bool = False) -> SigningKeys:
    """Read the signing keys; make one if no file is set and there is none, for a ``dry_run`` without storing it.

    Raises ``BadSigningKey``.
    """
    if settings.signing_key_file is None and settings.database_file is None:
        raise BadSigningKey(
            "set signing_key_file: all nodes sign with the same keys, and no key is made for PostgreSQL"
        )
    file = signing_key_file(settings)
    if str(file).startswith(PREFIX):
        return SigningKeys(str(file), HsmKey)
    if settings.signing_key_file is None and not file.exists():
        if dry_run:
            return SigningKeys(new_key(), HsmKey)
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
    """Write a new key, whole or not at all; of two concurrent calls, the first one's key stays."""
    try:
        made = write_beside(file, new_key())
        try:
            os.link(made, file)
        finally:
            made.unlink(missing_ok=True)
    except FileExistsError:
        pass
    except OSError as error:
        raise BadSigningKey(f"{file}: cannot be made: {error.strerror}") from None
