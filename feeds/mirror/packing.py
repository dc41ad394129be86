"""Ids and versions in few bytes, from which each comes back to the letter, as the digest of a set needs it."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from feeds.mirror.entries import milliseconds
from schemas import timestamp
from schemas.errors import Rejected

_INDICATOR = "indicator--"
_PACKED = re.compile(r"indicator--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

PackedObjectId = bytes | str
PackedVersion = int | str


def pack_id(id_: str) -> PackedObjectId:
    """Return the id of an indicator as its sixteen bytes, any other id as it is."""
    if _PACKED.fullmatch(id_):
        return bytes.fromhex(id_[len(_INDICATOR) :].replace("-", ""))
    return id_


def unpack_id(packed: PackedObjectId) -> str:
    """Return the id that ``pack_id`` packed."""
    if isinstance(packed, str):
        return packed
    digits = packed.hex()
    return f"{_INDICATOR}{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@lru_cache(maxsize=4096)
def pack_version(version: str) -> PackedVersion:
    """Return a version as milliseconds where these are all that it states, any other version as it is."""
    try:
        packed = milliseconds(version)
    except Rejected:
        return version
    return packed if unpack_version(packed) == version else version


@lru_cache(maxsize=4096)
def unpack_version(packed: PackedVersion) -> str:
    """Return the version that ``pack_version`` packed."""
    return time_text(packed) if isinstance(packed, int) else packed


@lru_cache(maxsize=4096)
def time_text(at: int) -> str:
    """Return a time in milliseconds as STIX writes it."""
    return timestamp.text(datetime.fromtimestamp(at // 1000, UTC).replace(microsecond=at % 1000 * 1000))


def age_of(packed: PackedVersion) -> int:
    """Return the moment that a version states, in milliseconds, to compare two of one object; -1 for none."""
    if isinstance(packed, int):
        return packed
    try:
        return milliseconds(packed)
    except Rejected:
        return -1
