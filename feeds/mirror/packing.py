"""Ids and versions in few bytes, from which each comes back to the letter, as the digest of a set needs it."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from feeds.mirror.entries import milliseconds
from schemas.errors import Rejected

_INDICATOR = "indicator--"
_PACKED = re.compile(r"indicator--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_DAY = 86_400_000

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


def unpack_version(packed: PackedVersion) -> str:
    """Return the version that ``pack_version`` packed."""
    return time_text(packed) if isinstance(packed, int) else packed


def time_text(at: int) -> str:
    """Return a time in milliseconds as STIX writes it; times of one day share most of the work."""
    day, rest = divmod(at, _DAY)
    seconds, fraction = divmod(rest, 1000)
    return f"{_day_text(day)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:03}Z"


@lru_cache(maxsize=4096)
def _day_text(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def age_of(packed: PackedVersion) -> int:
    """Return the moment that a version states, in milliseconds, to compare two of one object; -1 for none."""
    if isinstance(packed, int):
        return packed
    try:
        return milliseconds(packed)
    except Rejected:
        return -1
