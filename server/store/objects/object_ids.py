"""The stored ids of objects: the halves of a UUID, and the numbers of types."""

import re
import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

# Never change or move an entry: the numbers are in the log of every store. Add new types at the end.
_TYPES = (
    "",
    "indicator",
    "relationship",
    "sighting",
    "opinion",
    "note",
    "grouping",
    "identity",
    "marking-definition",
    "extension-definition",
    "language-content",
    "location",
    "domain-name",
    "url",
    "user-account",
    "email-addr",
    "ipv4-addr",
    "ipv6-addr",
    "software",
    "bank-account",
    "cryptocurrency-wallet",
    "phone-number",
    "app",
    "observed-data",
    "report",
    "incident",
    "campaign",
    "threat-actor",
    "intrusion-set",
    "attack-pattern",
    "course-of-action",
    "infrastructure",
    "malware",
    "malware-analysis",
    "tool",
    "vulnerability",
    "artifact",
    "autonomous-system",
    "directory",
    "email-message",
    "file",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "windows-registry-key",
    "x509-certificate",
    "bundle",
)
_NUMBERS = {name: number for number, name in enumerate(_TYPES) if name}
RELATIONSHIP = "relationship"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SPEC_VERSION = re.compile(r"[1-9]\.[0-9]")
_SPACE = re.compile(r"[0-9]{1,9}")
_HALVES = struct.Struct(">qq")


class PackedId(NamedTuple):
    """An id or inbox key in the columns of the log; ``text`` is the id if it is not a type and a UUID."""

    space: int
    high: int
    low: int
    type: int
    type_name: str | None
    text: str | None

    @property
    def is_whole(self) -> bool:
        """Return whether the UUID's halves and the type's number represent the id completely."""
        return not (self.space or self.type_name or self.text)


# The positions of the digits of a UUID in its text.
_DIGITS = tuple(place for place in range(36) if place not in (8, 13, 18, 23))


# A contribution names each of its objects several times.
@lru_cache(maxsize=16_384)
def pack(key: str, type_: str) -> PackedId:
    """Return the columns of an object's id or inbox key and type."""
    space, id_ = split(key)
    number = _NUMBERS.get(type_, 0)
    name = None if number else type_
    uuid = id_[-36:]
    if id_[-38:-36] != "--" or not _UUID.fullmatch(uuid):
        return PackedId(space, *_digest(id_), number, name, id_)
    high, low = _HALVES.unpack(bytes.fromhex(uuid.replace("-", "")))
    return PackedId(space, high, low, number, name, None if id_[:-38] == type_ else id_)


def unpack(packed: Sequence[Any]) -> str:
    """Return the id or key that was given to ``pack``, from the fields of its result."""
    space, high, low, number, name, text = packed
    id_ = text
    if id_ is None:
        h = _HALVES.pack(high, low).hex()
        id_ = f"{name or _TYPES[number]}--{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
    return f"{space}/{id_}" if space else id_


def unpack_all(packed: Sequence[Sequence[Any]]) -> list[str]:
    """Return the result of ``unpack`` for many at once."""
    halves = [half for columns in packed for half in columns[1:3]]
    digits = struct.pack(f">{len(halves)}q", *halves).hex().encode()
    # Processes one digit position of all UUIDs at a time, to avoid a step per id.
    spelled = bytearray(b"-" * (36 * len(packed)))
    for number, place in enumerate(_DIGITS):
        spelled[place::36] = digits[number::32]
    uuids = spelled.decode()
    return [
        f"{_TYPES[columns[3]]}--{uuids[at : at + 36]}"
        if columns[3] and columns[5] is None and not columns[0]
        else unpack(columns)
        for at, columns in zip(range(0, len(uuids), 36), packed, strict=True)
    ]


@lru_cache(maxsize=16_384)
def half(key: str) -> int:
    """Return the number by which the log finds an id or key. Several ids share it, so compare the results."""
    uuid = key[-36:]
    if key[-38:-36] == "--" and _UUID.fullmatch(uuid):
        return _HALVES.unpack(bytes.fromhex(uuid.replace("-", "")))[0]  # type: ignore[no-any-return]
    return _digest(split(key)[1])[0]


def split(key: str) -> tuple[int, str]:
    """Return the space and the id of a key. A plain id is in space 0."""
    space, _, id_ = key.partition("/")
    return (int(space), id_) if id_ and _SPACE.fullmatch(space) else (0, key)


def type_number(name: str) -> int:
    """Return the number of a type, or 0."""
    return _NUMBERS.get(name, 0)


def type_name(number: int, name: str | None) -> str:
    """Return the name of a type by its columns."""
    return name or _TYPES[number]


@lru_cache(maxsize=16_384)
def type_of(id_: str) -> str:
    """Return the type in an id or key."""
    return split(id_)[1].partition("--")[0]


@lru_cache(maxsize=64)
def spec_number(spec_version: str) -> int:
    """Return a version of STIX, such as 2.1, as a number: 21; 0 for any other text, which no object has."""
    return int(spec_version.replace(".", "")) if _SPEC_VERSION.fullmatch(spec_version) else 0


@lru_cache(maxsize=64)
def spec_version(number: int) -> str:
    """Return the version of STIX for a ``spec_number``."""
    return f"{number // 10}.{number % 10}"


def _digest(id_: str) -> tuple[int, int]:
    high, low = _HALVES.unpack(blake2b(id_.encode(), digest_size=16).digest())
    return high, low
