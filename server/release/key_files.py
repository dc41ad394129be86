"""Files of secret keys, which are in no database: 64 hexadecimal digits, that nobody but the file's owner may read."""

from pathlib import Path

_LENGTH = 32


class BadKeyFile(ValueError):
    """The file has no key that can be used; the message says how to make one."""


def read_key(file: Path) -> bytes:
    """Return the 32 bytes of a key. Raises ``BadKeyFile``."""
    try:
        mode, text = file.stat().st_mode, file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        made = "write 64 hexadecimal digits into it (openssl rand -hex 32)"
        raise BadKeyFile(f"{file}: cannot be read: {made}") from None
    if mode & 0o077:
        raise BadKeyFile(f"{file}: others than its owner may read it: chmod 600 it")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _LENGTH:
        raise BadKeyFile(f"{file}: holds no 64 hexadecimal digits: write them by openssl rand -hex 32")
    return key
