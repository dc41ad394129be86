"""One version of one STIX object, as the log keeps it and as it goes out."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from server.store.times import parse

_VERSIONED = "2.1"
_PLAIN = "2.0"


class Item(NamedTuple):
    """What the log knows of an object version, and its bytes.

    ``version`` is ``modified``, else ``created``, in microseconds since the epoch; None where the object has neither
    (observables), and then the id alone names it. ``body`` is the object as compact JSON, value for value as it came.
    """

    id: str
    type: str
    spec_version: str
    version: int | None
    revoked: bool
    body: bytes

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> "Item":
        """Take a STIX object that is known to be well formed (the guard looks at what others send)."""
        return cls.of_parsed(obj, compact(obj))

    @classmethod
    def of_bytes(cls, body: bytes) -> "Item":
        """Take the compact JSON of a STIX object that is known to be well formed."""
        return cls.of_parsed(msgspec.json.decode(body), body)

    @classmethod
    def of_parsed(cls, obj: Mapping[str, Any], body: bytes) -> "Item":
        """Take a well-formed object together with the bytes it is to be kept as."""
        moment = obj.get("modified") or obj.get("created")
        version = None if moment is None else parse(moment)
        return cls(obj["id"], obj["type"], spec_version(obj), version, obj.get("revoked") is True, body)


def spec_version(obj: Mapping[str, Any]) -> str:
    """Say which STIX an object speaks; STIX 2.0 objects carry no ``spec_version``, nor need 2.1's observables."""
    said = obj.get("spec_version")
    if said is not None:
        return str(said)
    return _PLAIN if "created" in obj else _VERSIONED


def compact(obj: Mapping[str, Any]) -> bytes:
    """Write an object without white space, its keys in their order and its integers whole."""
    try:
        return orjson.dumps(obj)
    except TypeError:
        # Integers beyond 64 bits, which orjson refuses.
        return json.dumps(obj, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
