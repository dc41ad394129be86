"""Files with secrets. Secrets are in no database, and only a file's owner may read it."""

import os
from pathlib import Path

_LENGTH = 32
_LONGEST = 64 * 1024


class BadKeyFile(ValueError):
    """The file has no usable secret; the message says what to do."""


def read_secret(file: Path, hint: str, encoding: str = "ascii") -> str:
    """Return the text of a file, at most its first 64 KiB.

    Raises ``BadKeyFile``, with the ``hint`` if the file cannot be read.
    """
    try:
        mode = file.stat().st_mode
        with file.open(encoding=encoding) as opened:
            text = opened.read(_LONGEST)
    except (OSError, ValueError):
        raise BadKeyFile(f"{file}: cannot be read{hint}") from None
    if mode & 0o077:
        raise BadKeyFile(f"{file}: users other than its owner may read it: chmod 600 it")
    return text


def write_beside(file: Path, text: str) -> Path:
    """Write a secret into a new file next to ``file``, for the caller to move; return its path. Raises ``OSError``."""
    made = file.with_name(f"{file.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    return made


def write_secret(file: Path, text: str) -> None:
    """Replace a file with a secret, whole or not at all. Raises ``OSError``."""
    write_beside(file, text).replace(file)


def read_key(file: Path) -> bytes:
    """Return the 32 bytes of a key, written as 64 hexadecimal digits. Raises ``BadKeyFile``."""
    text = read_secret(file, ": write 64 hexadecimal digits into it (openssl rand -hex 32)").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _LENGTH:
        raise BadKeyFile(f"{file}: does not have 64 hexadecimal digits: create them with openssl rand -hex 32")
    return key
