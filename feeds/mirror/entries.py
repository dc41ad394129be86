"""Objects of a hub as entries of a copy: what has to be kept of each, and nothing more.

Of an indicator this is its value, as a digest, and its listing: what a bank acts on. Of all other objects only id and
version are kept, which the digest of a collection needs. No value stands in the copy in clear.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from feeds.readers import stix
from feeds.readers.rows import ReportRow
from mappers import consensus, extension, foreign, kinds as mappers, pattern
from mappers.listing import listing_of
from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.vocabulary import Action

_NAME_BYTES = 16
_encoder = msgspec.json.Encoder(order="deterministic")


class MirrorEntry(NamedTuple):
    """One version of an object, as a copy keeps it.

    ``ends``: milliseconds since the epoch, None for no end. ``names``: the digests of the values that it lists, none
    where it is no indicator, is revoked, or names no value that can be checked. ``listing``: the listing in JSON
    without the parts that differ from value to value (id, collection, modified, valid_until). ``based_on``: of the
    relationship that a listing brought along, the ids of the listing and of its observable.
    """

    id: str
    version: str
    revoked: bool
    ends: int | None
    names: tuple[bytes, ...]
    listing: bytes
    based_on: tuple[str, str] | None = None


def name_of(kind: str, value: str) -> bytes:
    """Return the digest under which a normalised value is kept: one for all normal forms of one thing."""
    return digest_of_name(kinds.name_of(kind, value))


def digest_of_name(name: str) -> bytes:
    """Return the digest of a value's name, as ``kind:key``."""
    return blake2b(name.encode(), digest_size=_NAME_BYTES).digest()


def version_of(obj: Mapping[str, Any]) -> str:
    """Return an object's version as its hub serves it: ``modified``, else ``created``, else nothing."""
    version = obj.get("modified", obj.get("created"))
    return version if isinstance(version, str) else ""


def entry_of(obj: Mapping[str, Any], default_grade: Action = Action.INVESTIGATE) -> MirrorEntry | None:
    """Return the entry of an object of any maker; None for what is no object of STIX."""
    id_ = obj.get("id")
    if not isinstance(id_, str) or not id_:
        return None
    revoked = obj.get("revoked") is True
    ends, readable = _end_of(obj)
    names: tuple[bytes, ...] = ()
    listing = b""
    if obj.get("type") == "indicator" and not revoked and readable:
        name = _name_of_pattern(obj) if consensus.is_consensus(obj) else None
        try:
            names = _names_of_reports(obj) if name is None else (name,)
            listing = _listing(obj, default_grade) if names else b""
        except Rejected:
            names = ()
    return MirrorEntry(id_, version_of(obj), revoked, ends, names, listing, _based_on(obj))


def _based_on(obj: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the ids of a listing and its observable, where an object is the relationship between them."""
    if obj.get("relationship_type") != "based-on":
        return None
    listing, observable = obj.get("source_ref"), obj.get("target_ref")
    if isinstance(listing, str) and isinstance(observable, str) and listing.startswith("indicator--"):
        return listing, observable
    return None


def _end_of(obj: Mapping[str, Any]) -> tuple[int | None, bool]:
    """Return the end of an object's validity, and whether it can be read."""
    text = obj.get("valid_until")
    if text is None:
        return None, True
    try:
        return milliseconds(text), True
    except (Rejected, AttributeError, TypeError):
        return None, False


@lru_cache(maxsize=4096)
def milliseconds(text: str) -> int:
    """Return a time in milliseconds since the epoch. Raises ``Rejected``."""
    return round(timestamp.parse(text).timestamp() * 1000)


def _name_of_pattern(obj: Mapping[str, Any]) -> bytes | None:
    """Return the name of the one value that a listing of a hub spells, None where it spells none in our way."""
    try:
        mapper, normal = mappers.read(foreign.with_own_names(pattern.read(obj["pattern"])))
        return name_of(mapper.kind, normal.value)
    except (Rejected, KeyError, TypeError):
        return None


def _names_of_reports(obj: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the names of all values that any maker's indicator lists."""
    reports = [row.report for row in stix.rows_of(0, obj, {}) if isinstance(row, ReportRow)]
    return tuple(dict.fromkeys(name_of(report.kind, report.value) for report in reports))


def _listing(obj: Mapping[str, Any], default_grade: Action) -> bytes:
    """Return the listing of an indicator in JSON, without the parts that differ from value to value."""
    listing = listing_of(obj, "")
    if listing is None:
        return b""
    context = extension.context_of(obj)
    stated = "grade" in context or "requested_action" in context or "action" in foreign.report_fields(obj)
    changes: dict[str, Any] = {} if stated else {"grade": default_grade}
    return _encoder.encode(msgspec.structs.replace(listing, id="", modified="", valid_until=None, **changes))
