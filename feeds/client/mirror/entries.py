"""Objects of a hub as entries of a copy: only the parts that checks need.

Of an indicator these are the digest of its value, and the listing that a bank acts on. Of all other objects a copy
stores only id and version, which the digest of a collection needs. A copy stores no value in clear.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from feeds.readers import stix
from feeds.readers.rows import ReportRow
from mappers import consensus, extension, kinds as mappers, pattern, report_reader
from mappers.listing import listing_of
from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.site import host_of_page
from schemas.vocabulary import Action

_INDICATOR = "indicator--"
_PACKED = re.compile(r"indicator--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_DAY = 86_400_000

PackedObjectId = bytes | str
PackedVersion = int | str


def pack_id(id_: str) -> PackedObjectId:
    """Pack the id of an indicator into its sixteen bytes; leave any other id unchanged."""
    if _PACKED.fullmatch(id_):
        return bytes.fromhex(id_[len(_INDICATOR) :].replace("-", ""))
    return id_


def unpack_id(packed: PackedObjectId) -> str:
    """Undo ``pack_id``."""
    if isinstance(packed, str):
        return packed
    digits = packed.hex()
    return f"{_INDICATOR}{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def is_listing(packed: PackedObjectId) -> bool:
    """Return whether a packed id is that of an indicator."""
    return isinstance(packed, bytes) or packed.startswith(_INDICATOR)


@lru_cache(maxsize=4096)
def pack_version(version: str) -> PackedVersion:
    """Pack a version into milliseconds if it has no finer part; leave any other version unchanged."""
    try:
        packed = milliseconds(version)
    except Rejected:
        return version
    return packed if unpack_version(packed) == version else version


def unpack_version(packed: PackedVersion) -> str:
    """Undo ``pack_version``."""
    return time_text(packed) if isinstance(packed, int) else packed


def time_text(at: int) -> str:
    """Format a time in milliseconds as in STIX; times of the same day share most of the work."""
    day, rest = divmod(at, _DAY)
    seconds, fraction = divmod(rest, 1000)
    return f"{_day_text(day)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:03}Z"


@lru_cache(maxsize=4096)
def _day_text(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def age_of(packed: PackedVersion) -> int:
    """Return the moment of a version in milliseconds, to compare versions of one object; -1 if it has none."""
    if isinstance(packed, int):
        return packed
    try:
        return milliseconds(packed)
    except Rejected:
        return -1


_NAME_BYTES = 16
_encoder = msgspec.json.Encoder(order="deterministic")


class MirrorEntry(NamedTuple):
    """One version of an object, as a copy stores it.

    ``ends``: milliseconds since the epoch, None for no end. ``names``: the digests of the listed values, and for a URL
    the digest of its host's pages; empty if the object is not an indicator, is revoked, or lists no value that can be
    checked. ``listing``: the listing in JSON without the parts that differ from value to value (id, collection,
    modified, valid_until). ``based_on``: for a relationship that accompanies a listing, the ids of the listing and of
    its observable.
    """

    id: str
    version: str
    revoked: bool
    ends: int | None
    names: tuple[bytes, ...]
    listing: bytes
    based_on: tuple[str, str] | None = None


def names_of(kind: str, value: str) -> tuple[bytes, ...]:
    """Return the digests under which a normalised value is stored, equal for all normal forms of one value."""
    name = kinds.name_of(kind, value)
    host = host_of_page(name)
    return (digest_of_name(name),) if host is None else (digest_of_name(name), digest_of_pages(host))


def digest_of_pages(host: str) -> bytes:
    """Return the digest under which the pages of a host are stored."""
    return digest_of_name(f"pages:{host}")


def digest_of_name(name: str) -> bytes:
    """Return the digest of a value's name (``kind:key``)."""
    return blake2b(name.encode(), digest_size=_NAME_BYTES).digest()


def version_of(obj: Mapping[str, Any]) -> str:
    """Return the version of an object as its hub serves it: ``modified``, else ``created``, else empty."""
    version = obj.get("modified", obj.get("created"))
    return version if isinstance(version, str) else ""


def entry_of(obj: Mapping[str, Any], default_grade: Action = Action.INVESTIGATE) -> MirrorEntry | None:
    """Convert an object of any producer to an entry; None if it is not a STIX object."""
    id_ = obj.get("id")
    if not isinstance(id_, str) or not id_:
        return None
    revoked = obj.get("revoked") is True
    ends, readable = _end_of(obj)
    names: tuple[bytes, ...] = ()
    listing = b""
    if obj.get("type") == "indicator" and not revoked and readable:
        name = _names_of_pattern(obj) if consensus.is_consensus(obj) else None
        try:
            names = _names_of_reports(obj) if name is None else name
            listing = _listing(obj, default_grade) if names else b""
        except Rejected:
            names = ()
    return MirrorEntry(id_, version_of(obj), revoked, ends, names, listing, _based_on(obj))


def _based_on(obj: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the ids of a listing and its observable if the object is the relationship between them."""
    if obj.get("relationship_type") != "based-on":
        return None
    listing, observable = obj.get("source_ref"), obj.get("target_ref")
    if isinstance(listing, str) and isinstance(observable, str) and listing.startswith("indicator--"):
        return listing, observable
    return None


def _end_of(obj: Mapping[str, Any]) -> tuple[int | None, bool]:
    """Return the end of an object's validity, and whether it is readable."""
    text = obj.get("valid_until")
    if text is None:
        return None, True
    try:
        return milliseconds(text), True
    except (Rejected, AttributeError, TypeError):
        return None, False


@lru_cache(maxsize=4096)
def milliseconds(text: str) -> int:
    """Convert a time to milliseconds since the epoch. Raises ``Rejected``."""
    return round(timestamp.parse(text).timestamp() * 1000)


def _names_of_pattern(obj: Mapping[str, Any]) -> tuple[bytes, ...] | None:
    """Return the names of the one value that a hub's listing states, None if the pattern is not in our form."""
    try:
        mapper, normal = mappers.read(report_reader.with_own_names(pattern.read(obj["pattern"])))
        return names_of(mapper.kind, normal.value)
    except (Rejected, KeyError, TypeError):
        return None


def _names_of_reports(obj: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the names of all values in an indicator of any producer."""
    reports = [row.report for row in stix.rows_of(0, obj, {}) if isinstance(row, ReportRow)]
    return tuple(dict.fromkeys(name for report in reports for name in names_of(report.kind, report.value)))


def _listing(obj: Mapping[str, Any], default_grade: Action) -> bytes:
    """Return the listing of an indicator in JSON, without the parts that differ from value to value."""
    listing = listing_of(obj, "")
    if listing is None:
        return b""
    context = extension.context_of(obj)
    stated = "grade" in context or "requested_action" in context or "action" in report_reader.foreign_fields(obj)
    changes: dict[str, Any] = {} if stated else {"grade": default_grade}
    return _encoder.encode(msgspec.structs.replace(listing, id="", modified="", valid_until=None, **changes))
