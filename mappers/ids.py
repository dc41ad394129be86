"""Ids that follow from what they name: the same thing gets the same id from everybody, at every run.

Observables are named by the specification's rule (STIX 2.1 §2.9) in the OASIS namespace. Everything else, for which
that namespace is forbidden, is named in a namespace of our own.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha1
from uuid import UUID

import orjson

OASIS = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
SCAMFEED = UUID("bbf4c776-505e-4daf-a562-f7db5a330f95")


def _uuid5_in(namespace: UUID) -> Callable[[Mapping[str, object]], str]:
    """Give a function that names properties by UUIDv5 over their canonical JSON (RFC 8785).

    orjson with sorted keys writes RFC 8785 for strings and small integers, which is all that is named here. The
    bit fiddling is RFC 9562 §5.5, several times as fast as ``uuid.uuid5``.
    """
    start = sha1(namespace.bytes, usedforsecurity=False)

    def name(properties: Mapping[str, object]) -> str:
        state = start.copy()
        state.update(orjson.dumps(properties, option=orjson.OPT_SORT_KEYS))
        h = state.hexdigest()
        variant = "89ab"[int(h[16], 16) & 3]
        return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{variant}{h[17:20]}-{h[20:32]}"

    return name


in_oasis = _uuid5_in(OASIS)
in_scamfeed = _uuid5_in(SCAMFEED)


@lru_cache(maxsize=4096)
def identity(name: str) -> str:
    """Give the id of the identity of the partner called ``name``."""
    return "identity--" + in_scamfeed({"name": name, "type": "identity"})


def indicator(created_by_ref: str, pattern: str, seq: int = 0) -> str:
    """Give the id of one creator's indicator for a pattern; ``seq`` counts listings anew after a revocation."""
    named = {"created_by_ref": created_by_ref, "pattern": pattern, "seq": seq, "type": "indicator"}
    return "indicator--" + in_scamfeed(named)


def relationship(relationship_type: str, source_ref: str, target_ref: str) -> str:
    """Give the id of the relationship of that type between two objects; the source already says whose it is."""
    named = {
        "relationship_type": relationship_type,
        "source_ref": source_ref,
        "target_ref": target_ref,
        "type": "relationship",
    }
    return "relationship--" + in_scamfeed(named)


def sighting(created_by_ref: str, sighting_of_ref: str, first_seen: str, last_seen: str) -> str:
    """Give the id of what one partner saw of an indicator in one span of time."""
    named = {
        "created_by_ref": created_by_ref,
        "first_seen": first_seen,
        "last_seen": last_seen,
        "sighting_of_ref": sighting_of_ref,
        "type": "sighting",
    }
    return "sighting--" + in_scamfeed(named)
