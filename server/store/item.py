"""One version of one STIX object, as stored in the log and as sent, and the bits for the objects of a log row."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from server.store.database.times import parse

# A collection without variants, or the plain variant of a shared one.
PLAIN = 1
# The full variant: the object itself, and the observable and the relationship that accompany a listing there.
FULL = 2
OBSERVABLE = 4
RELATIONSHIP = 8

# The offset of each object from the row's ``date_added``.
LATER = {PLAIN: 0, FULL: 0, OBSERVABLE: 1, RELATIONSHIP: 2}
# All objects of a variant, in order.
OF_VARIANT = {PLAIN: (PLAIN,), FULL: (FULL, OBSERVABLE, RELATIONSHIP)}


_VERSIONED = "2.1"
_PLAIN = "2.0"


class Item(NamedTuple):
    """An object version: the columns of the log, and its bytes.

    ``version`` is ``modified``, else ``created``, in microseconds since the epoch. It is None for an object with
    neither (observables), which only its id identifies. ``body`` is the object as compact JSON, with its values
    unchanged.

    ``subject`` is the value of a report or listing, in the value index's form. ``basis`` is the observable and the
    relationship that accompany a listing in the full variant of its collection. ``is_like_reports``: the texts
    of a listing, or those in other languages, are those of reports in the inbox, by which an erasure finds it.
    """

    id: str
    type: str
    spec_version: str
    version: int | None
    revoked: bool
    body: bytes
    subject: str | None = None
    basis: "tuple[Item, Item] | None" = None
    is_like_reports: bool = False

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> "Item":
        """Make an item of a well-formed STIX object. The guard checks partners' objects first."""
        return cls.of_parsed(obj, compact(obj))

    @classmethod
    def of_bytes(cls, body: bytes) -> "Item":
        """Make an item of the compact JSON of a well-formed STIX object."""
        return cls.of_parsed(msgspec.json.decode(body), body)

    @classmethod
    def of_parsed(cls, obj: Mapping[str, Any], body: bytes) -> "Item":
        """Make an item of a well-formed object and the bytes to store."""
        moment = obj.get("modified") or obj.get("created")
        version = None if moment is None else parse(moment)
        return cls(obj["id"], obj["type"], spec_version(obj), version, obj.get("revoked") is True, body)


def spec_version(obj: Mapping[str, Any]) -> str:
    """Return the STIX version of an object. STIX 2.0 objects and some 2.1 observables have no ``spec_version``."""
    stated = obj.get("spec_version")
    if stated is not None:
        return str(stated)
    return _PLAIN if "created" in obj else _VERSIONED


def compact(obj: Mapping[str, Any]) -> bytes:
    """Serialise an object as JSON without white space, keeping the order of keys and exact integers."""
    try:
        return orjson.dumps(obj)
    except TypeError:
        # Integers beyond 64 bits, which orjson rejects.
        return json.dumps(obj, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
