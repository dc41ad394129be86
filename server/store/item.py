"""One version of one STIX object, as the log stores it and as it is sent."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from server.store.database.times import parse

_VERSIONED = "2.1"
_PLAIN = "2.0"


class Item(NamedTuple):
    """An object version: the columns of the log, and its bytes.

    ``version`` is ``modified``, else ``created``, in microseconds since the epoch; None where the object has neither
    (observables), and then the id alone names it. ``body`` is the object as compact JSON, value for value as it came.

    ``subject`` is the value, named as in the value index, that a report or a listing is about. ``basis`` are the
    observable and the relationship that a listing brings along in the full variant of its collection.
    """

    id: str
    type: str
    spec_version: str
    version: int | None
    revoked: bool
    body: bytes
    subject: str | None = None
    basis: "tuple[Item, Item] | None" = None

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> "Item":
        """Make an item of a well-formed STIX object (the guard checks those of partners first)."""
        return cls.of_parsed(obj, compact(obj))

    @classmethod
    def of_bytes(cls, body: bytes) -> "Item":
        """Make an item of the compact JSON of a well-formed STIX object."""
        return cls.of_parsed(msgspec.json.decode(body), body)

    @classmethod
    def of_parsed(cls, obj: Mapping[str, Any], body: bytes) -> "Item":
        """Make an item of a well-formed object and the bytes it is to be stored as."""
        moment = obj.get("modified") or obj.get("created")
        version = None if moment is None else parse(moment)
        return cls(obj["id"], obj["type"], spec_version(obj), version, obj.get("revoked") is True, body)


def spec_version(obj: Mapping[str, Any]) -> str:
    """Return the STIX version of an object; STIX 2.0 objects carry no ``spec_version``, nor need 2.1's observables."""
    stated = obj.get("spec_version")
    if stated is not None:
        return str(stated)
    return _PLAIN if "created" in obj else _VERSIONED


def compact(obj: Mapping[str, Any]) -> bytes:
    """Write an object as JSON without white space, its keys in their order and its integers whole."""
    try:
        return orjson.dumps(obj)
    except TypeError:
        # Integers beyond 64 bits, which orjson refuses.
        return json.dumps(obj, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
