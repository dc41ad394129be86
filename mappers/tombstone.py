"""Tombstones: revoked objects of which nothing is left but their ids and times, for readers that still have them."""

from collections.abc import Mapping
from typing import Any

from schemas import timestamp

# A pattern that nothing matches: the digest of no file.
_NOTHING = f"[file:hashes.'SHA-256' = '{'0' * 64}']"
_KEPT = ("type", "spec_version", "id", "created_by_ref", "created", "modified", "revoked", "object_marking_refs")
_NAME = "Erased"
# All others name what they are about by ids that anybody can compute from the value: nothing of them is left.
TYPES = frozenset(("indicator", "sighting", "opinion", "note", "grouping", "language-content"))


def tombstone(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return a revoked object with the properties alone that its type cannot be without, none of which names a value.

    ``obj`` is the last version of an object that the hub published; its version stays the same.
    """
    left = {name: obj[name] for name in _KEPT if name in obj} | {"revoked": True}
    match obj["type"]:
        case "indicator":
            begin = timestamp.parse(obj["valid_from"])
            end = timestamp.parse(obj.get("valid_until", obj["modified"]))
            times = {"valid_from": timestamp.text(begin), "valid_until": timestamp.text(end)}
            return left | {
                "name": _NAME,
                "pattern": _NOTHING,
                "pattern_type": "stix",
                "pattern_version": "2.1",
                **times,
            }
        case "sighting":
            return left | {"sighting_of_ref": obj["sighting_of_ref"]}
        case "opinion":
            return left | {"opinion": "neutral", "object_refs": obj["object_refs"]}
        case "note":
            return left | {"content": _NAME, "object_refs": obj["object_refs"]}
        case "grouping":
            return left | {"context": "unspecified", "name": _NAME, "object_refs": obj["object_refs"]}
        case "language-content":
            return left | {"object_ref": obj["object_ref"], "contents": {"en": {"name": _NAME}}}
    return left
