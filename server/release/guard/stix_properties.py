"""Whether a contributed object has what the release rules read of it: required properties, of their types."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from schemas import timestamp
from schemas.errors import Rejected
from server.store.item import Item

# Clocks differ. A version from further ahead could never be superseded, and clients that keep their place by the latest
# ``modified`` (XSOAR) would miss what comes until then.
MAX_CLOCK_SKEW = timedelta(minutes=5)
_MARKING_REFS = "object_marking_refs"
# Of how many objects one may speak: what says something for or against others is bounded more than a case's members.
MOST_REFERENCES = {"opinion": 100, "note": 100, "grouping": 1_000}


def read(item: Item) -> dict[str, Any]:
    """Give the object of an item that passed the guard, as the rules read it. Raises ``Rejected``."""
    try:
        obj: dict[str, Any] = msgspec.json.decode(item.body)
    except (msgspec.MsgspecError, RecursionError):
        raise Rejected(
            "unusual-json", "numbers or characters that not every reader takes; write them plainly"
        ) from None
    _strings(obj, ("created_by_ref", "lang", "name", "description"), required=False)
    _list_of_strings(obj, _MARKING_REFS)
    _list_of_strings(obj, "labels")
    _extensions(obj)
    match obj["type"]:
        case "indicator":
            _strings(obj, ("pattern", "pattern_type", "valid_from"), required=True)
            _moments(obj, ("valid_from", "valid_until"))
        case "sighting":
            _strings(obj, ("sighting_of_ref",), required=True)
            _list_of_strings(obj, "where_sighted_refs")
        case "opinion":
            _strings(obj, ("opinion",), required=True)
            _list_of_strings(obj, "object_refs", required=True)
        case "note":
            _strings(obj, ("content",), required=True)
            _list_of_strings(obj, "object_refs", required=True)
        case "grouping":
            _strings(obj, ("context",), required=True)
            _list_of_strings(obj, "object_refs", required=True)
        case "relationship":
            _strings(obj, ("relationship_type", "source_ref", "target_ref"), required=True)
    if len(obj.get("object_refs", ())) > (most := MOST_REFERENCES.get(obj["type"], 1_000)):
        raise Rejected("too-many-references", f"object_refs: names more than {most} objects; send several objects")
    _moments(obj, ("created", "modified"))
    return obj


def _strings(obj: Mapping[str, Any], names: tuple[str, ...], *, required: bool) -> None:
    for name in names:
        if (name in obj or required) and not isinstance(obj.get(name), str):
            raise Rejected("bad-property", f"{name}: has to be a text")


def _list_of_strings(obj: Mapping[str, Any], name: str, *, required: bool = False) -> None:
    if name in obj and not (isinstance(obj[name], list) and all(isinstance(each, str) for each in obj[name])):
        raise Rejected("bad-property", f"{name}: has to be a list of texts")
    if required and not obj.get(name):
        raise Rejected("bad-property", f"{name}: has to name one object at least")


def _extensions(obj: Mapping[str, Any]) -> None:
    extensions = obj.get("extensions", {})
    if not (isinstance(extensions, dict) and all(isinstance(each, dict) for each in extensions.values())):
        raise Rejected("bad-property", "extensions: has to be an object of objects")
    for each in extensions.values():
        if not isinstance(each.get("details", {}), dict):
            raise Rejected("bad-property", "extensions: details has to be an object")


def _moments(obj: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if name not in obj:
            continue
        _strings(obj, (name,), required=True)
        try:
            moment = timestamp.parse(obj[name])
        except Rejected as refusal:
            raise Rejected("bad-property", f"{name}: {refusal.message}") from None
        if name == "modified" and moment > timestamp.now() + MAX_CLOCK_SKEW:
            raise Rejected(
                "from-the-future", "modified: is more than five minutes ahead of this server's clock; set yours"
            )
