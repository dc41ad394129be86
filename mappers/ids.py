"""Deterministic ids: everybody computes the same id for the same object, in every run.

Ids of observables follow the specification's rule (STIX 2.1 §2.9) in the OASIS namespace. All other ids are in our own
namespace, because that namespace is forbidden for them. Ids of objects published by a hub are derived from the hub's
secret: they are also the same in every run, but only the hub can compute them.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha1
from uuid import UUID

import orjson

OASIS = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
SCAMFEED = UUID("bbf4c776-505e-4daf-a562-f7db5a330f95")
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def _uuid5_in(namespace: UUID) -> Callable[[Mapping[str, object]], str]:
    """Return a function that names properties by UUIDv5 over their canonical JSON (RFC 8785).

    orjson with sorted keys writes RFC 8785 for strings, small integers and null, and nothing else is named here. The
    bit operations are RFC 9562 §5.5, several times as fast as ``uuid.uuid5``.
    """
    start = sha1(namespace.bytes, usedforsecurity=False)

    def name(properties: Mapping[str, object]) -> str:
        state = start.copy()
        state.update(orjson.dumps(properties, option=orjson.OPT_SORT_KEYS))
        return _uuid5(state.hexdigest())

    return name


def _beginning(start: bytes) -> Callable[[bytes], str]:
    """Return a function that names, in our namespace, texts that begin with ``start`` by their rest."""
    begun = sha1(SCAMFEED.bytes + start, usedforsecurity=False)

    def name(rest: bytes) -> str:
        state = begun.copy()
        state.update(rest)
        return _uuid5(state.hexdigest())

    return name


def _uuid5(h: str) -> str:
    """Return the UUID of a SHA-1 in hexadecimal."""
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{_VARIANT[h[16]]}{h[17:20]}-{h[20:32]}"


in_oasis = _uuid5_in(OASIS)
in_scamfeed = _uuid5_in(SCAMFEED)


@lru_cache(maxsize=4096)
def identity(name: str) -> str:
    """Return the id of the identity of the partner called ``name``."""
    return "identity--" + in_scamfeed({"name": name, "type": "identity"})


def identity_of(name_or_id: str) -> str:
    """Return the id of the identity with that name or id."""
    return name_or_id if name_or_id.startswith("identity--") else identity(name_or_id)


def indicator(created_by_ref: str, pattern: str, seq: int = 0) -> str:
    """Return the id of a creator's indicator for a pattern; ``seq`` counts listings after a revocation."""
    return "indicator--" + _of_creator(created_by_ref)(orjson.dumps(pattern) + b',"seq":%d,"type":"indicator"}' % seq)


@lru_cache(maxsize=4096)
def _of_creator(created_by_ref: str) -> Callable[[bytes], str]:
    return _beginning(b'{"created_by_ref":' + orjson.dumps(created_by_ref) + b',"pattern":')


def of_hub(secret: bytes, type_: str, *named: str | int) -> str:
    """Return the id of an object that a hub publishes, by its secret: to others it looks random (UUIDv4)."""
    h = hmac.digest(secret, orjson.dumps((type_, *named)), "sha256").hex()
    return f"{type_}--{h[:8]}-{h[8:12]}-4{h[13:16]}-{_VARIANT[h[16]]}{h[17:20]}-{h[20:32]}"


def relationship(relationship_type: str, source_ref: str, target_ref: str) -> str:
    """Return the id of the relationship of a type between two objects; the source's id includes the creator."""
    ends = orjson.dumps(source_ref) + b',"target_ref":' + orjson.dumps(target_ref)
    return "relationship--" + _of_type(relationship_type)(ends + b',"type":"relationship"}')


@lru_cache(maxsize=64)
def _of_type(relationship_type: str) -> Callable[[bytes], str]:
    return _beginning(b'{"relationship_type":' + orjson.dumps(relationship_type) + b',"source_ref":')


def sighting(
    created_by_ref: str,
    sighting_of_ref: str,
    first_seen: str | None,
    last_seen: str | None,
    where: Sequence[str] = (),
) -> str:
    """Return the id of a partner's sighting of an indicator in one span of time, ``where`` other than its own."""
    named: dict[str, object] = {
        "created_by_ref": created_by_ref,
        "first_seen": first_seen,
        "last_seen": last_seen,
        "sighting_of_ref": sighting_of_ref,
        "type": "sighting",
    }
    if where:
        named["where"] = sorted(where)
    return "sighting--" + in_scamfeed(named)


def language_content(object_ref: str) -> str:
    """Return the id of an object's texts in other languages; the object's id includes the creator."""
    return "language-content--" + in_scamfeed({"object_ref": object_ref, "type": "language-content"})


def opinion(created_by_ref: str, object_ref: str, word: str, since: str | None = None) -> str:
    """Return the id of a partner's opinion on an object, or action on it, as one word from one time on."""
    named = {
        "created_by_ref": created_by_ref,
        "object_ref": object_ref,
        "since": since,
        "type": "opinion",
        "word": word,
    }
    return "opinion--" + in_scamfeed(named)


def totals(
    created_by_ref: str, object_refs: Iterable[str], word: str, since: str | None, named: Sequence[str | None]
) -> str:
    """Return the id of a partner's totals of one outcome, by its reference or by its period."""
    of = {
        "created_by_ref": created_by_ref,
        "named": list(named),
        "object_refs": sorted(object_refs),
        "since": since,
        "type": "opinion",
        "word": word,
    }
    return "opinion--" + in_scamfeed(of)


def flow(created_by_ref: str, source_ref: str, target_ref: str, since: str | None, reference: str | None) -> str:
    """Return the id of a partner's statement that money went from one observable to another."""
    named = {
        "created_by_ref": created_by_ref,
        "reference": reference,
        "since": since,
        "source_ref": source_ref,
        "target_ref": target_ref,
        "type": "flow",
    }
    return "relationship--" + in_scamfeed(named)


def grouping(created_by_ref: str, name: str) -> str:
    """Return the id of a partner's case of that name."""
    return "grouping--" + in_scamfeed({"created_by_ref": created_by_ref, "name": name, "type": "grouping"})


def location(country: str) -> str:
    """Return the id of a country's location."""
    return "location--" + in_scamfeed({"country": country, "type": "location"})
