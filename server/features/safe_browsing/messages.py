"""The messages of the Safe Browsing v5 API that the hub sends, as JSON and as protobuf.

Names and numbers of the fields are those of ``google/security/safebrowsing/v5/safebrowsing.proto``. A field with its
default value is left out in both forms.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar

import msgspec

PROTOBUF = "application/x-protobuf"

_VARINT, _OCTETS = 0, 2


class ThreatType(Enum):
    """The threats of Safe Browsing that the hub lists."""

    SOCIAL_ENGINEERING = "SOCIAL_ENGINEERING"


class HashLength(Enum):
    """The lengths of hashes in the hub's lists."""

    FOUR_BYTES = "FOUR_BYTES"


_NUMBERS: Mapping[Enum, int] = {ThreatType.SOCIAL_ENGINEERING: 2, HashLength.FOUR_BYTES: 2}


class FullHashDetail(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The threat of a hash."""

    FIELDS: ClassVar[Mapping[str, int]] = {"threat_type": 1}

    threat_type: ThreatType


class FullHash(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The SHA-256 of the expression of a listed domain or URL, in base64."""

    FIELDS: ClassVar[Mapping[str, int]] = {"full_hash": 1, "full_hash_details": 2}

    full_hash: bytes
    full_hash_details: tuple[FullHashDetail, ...]


class FoundHashes(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The hashes that begin with any of the prefixes; the answer may be kept for ``cacheDuration``, as ``300s``."""

    FIELDS: ClassVar[Mapping[str, int]] = {"full_hashes": 1, "cache_duration": 2}

    full_hashes: tuple[FullHash, ...] = ()
    cache_duration: str = ""


class RiceDeltaEncoded32Bit(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Sorted numbers of 32 bits: the first, and the Rice-coded differences to each next one, in base64."""

    FIELDS: ClassVar[Mapping[str, int]] = {
        "first_value": 1,
        "rice_parameter": 2,
        "entries_count": 3,
        "encoded_data": 4,
    }

    first_value: int = 0
    rice_parameter: int = 0
    entries_count: int = 0
    encoded_data: bytes = b""


class HashListMetadata(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The threats in a list, its meaning, and the length of its hashes."""

    FIELDS: ClassVar[Mapping[str, int]] = {"threat_types": 1, "description": 4, "hash_length": 6}

    threat_types: tuple[ThreatType, ...]
    description: str
    hash_length: HashLength


class HashList(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A list of hash prefixes, or its changes since the version that the client has.

    Octets are in base64. ``partialUpdate``: remove the entries at the places ``compressedRemovals`` from the client's
    sorted list, then add ``additionsFourBytes``. Otherwise the additions are the whole list. ``sha256Checksum`` is that
    of the sorted list afterwards; it is missing if nothing has changed. Ask again after ``minimumWaitDuration``, or at
    once if that is missing.
    """

    FIELDS: ClassVar[Mapping[str, int]] = {
        "name": 1,
        "version": 2,
        "partial_update": 3,
        "additions_four_bytes": 4,
        "compressed_removals": 5,
        "minimum_wait_duration": 6,
        "sha256_checksum": 7,
        "metadata": 8,
    }

    name: str
    version: bytes = b""
    partial_update: bool = False
    additions_four_bytes: RiceDeltaEncoded32Bit | None = None
    compressed_removals: RiceDeltaEncoded32Bit | None = None
    minimum_wait_duration: str = ""
    sha256_checksum: bytes = b""
    metadata: HashListMetadata | None = None


class HashLists(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The lists that were asked for, in that order; or the names of all, and the token of the next page."""

    FIELDS: ClassVar[Mapping[str, int]] = {"hash_lists": 1, "next_page_token": 2}

    hash_lists: tuple[HashList, ...] = ()
    next_page_token: str = ""


def protobuf(message: Any) -> bytes:
    """Return a message in the binary form of Protocol Buffers."""
    written = bytearray()
    for name, number in message.FIELDS.items():
        if value := getattr(message, name):
            written += _field(name, number, value)
    return bytes(written)


def _field(name: str, number: int, value: Any) -> bytes:
    if name in _DURATIONS:
        return _octets(number, _number_field(1, int(value.removesuffix("s"))))
    if isinstance(value, int):
        return _number_field(number, value)
    if isinstance(value, Enum):
        return _number_field(number, _NUMBERS[value])
    if isinstance(value, tuple):
        return _repeated(number, value)
    if isinstance(value, str):
        value = value.encode()
    return _octets(number, value if isinstance(value, bytes) else protobuf(value))


def _repeated(number: int, values: Sequence[Any]) -> bytes:
    """Return all elements: numbers in one field, and each message in a field of its own."""
    if isinstance(values[0], Enum):
        return _octets(number, b"".join(_varint(_NUMBERS[value]) for value in values))
    return b"".join(_octets(number, protobuf(value)) for value in values)


def _number_field(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value) if value else b""


def _octets(number: int, octets: bytes) -> bytes:
    return _varint(number << 3 | _OCTETS) + _varint(len(octets)) + octets


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


_DURATIONS = frozenset(("cache_duration", "minimum_wait_duration"))
