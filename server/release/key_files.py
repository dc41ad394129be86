"""Files of secrets, which are in no database, and which nobody but the file's owner may read."""

from pathlib import Path

_LENGTH = 32
_LONGEST = 64 * 1024


class BadKeyFile(ValueError):
    """The file has no secret that can be used; the message says what to do."""


def read_secret(file: Path, hint: str, encoding: str = "ascii") -> str:
    """Return the text of a file, of which 64 KiB are read at most.

    Raises ``BadKeyFile``, with the ``hint`` where the file cannot be read.
    """
    try:
        mode = file.stat().st_mode
        with file.open(encoding=encoding) as opened:
            text = opened.read(_LONGEST)
    except (OSError, ValueError):
        raise BadKeyFile(f"{file}: cannot be read{hint}") from None
    if mode & 0o077:
        raise BadKeyFile(f"{file}: others than its owner may read it: chmod 600 it")
    return text


def read_key(file: Path) -> bytes:
    """Return the 32 bytes of a key, written as 64 hexadecimal digits. Raises ``BadKeyFile``."""
    text = read_secret(file, ": write 64 hexadecimal digits into it (openssl rand -hex 32)").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _LENGTH:
        raise BadKeyFile(f"{file}: holds no 64 hexadecimal digits: write them by openssl rand -hex 32")
    return key
