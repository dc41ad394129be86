"""The digest of a set of objects: the same for the same ids and versions, in whichever order they came."""

from hashlib import sha256

_MODULUS = 1 << 256


def part(id_: str, version: str) -> int:
    """Return what one object adds to the digest of its set: SHA-256 of id, a space and version, as a number."""
    return int.from_bytes(sha256(f"{id_} {version}".encode()).digest())


def add(total: int, number: int) -> int:
    """Return the digest of a set with an object more, whose part is ``number``."""
    return (total + number) % _MODULUS


def remove(total: int, number: int) -> int:
    """Return the digest of a set with an object less, whose part is ``number``."""
    return (total - number) % _MODULUS


def text(total: int) -> str:
    """Return a digest as 64 hexadecimal digits."""
    return f"{total:064x}"
