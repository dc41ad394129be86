"""The properties of a contributed object that the release rules read: present if required, and of the right type."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from schemas import timestamp
from schemas.errors import Rejected
from server.release.reasons import Reason
from server.store.item import Item

# Clocks differ. A version from further ahead could never be superseded, and clients that remember the latest
# ``modified`` (XSOAR) would miss all versions until then.
MAX_CLOCK_SKEW = timedelta(minutes=5)
# Maximum number of objects that one annotation may refer to; lower if it counts for or against others' reports.
MAX_REFERENCES = {"opinion": 100, "note": 100}
_MAX_REFERENCES_BY_DEFAULT = 1_000
_TEXTS = {
    "indicator": ("pattern", "pattern_type", "valid_from"),
    "sighting": ("sighting_of_ref",),
    "opinion": ("opinion",),
    "note": ("content",),
    "grouping": ("context",),
    "relationship": ("relationship_type", "source_ref", "target_ref"),
}
_WITH_OBJECT_REFS = frozenset({"opinion", "note", "grouping"})


def read(item: Item) -> dict[str, Any]:
    """Parse an item that passed ``stix_object.check``, and check the properties that the rules read. Raises
    ``Rejected``.
    """
    try:
        obj: dict[str, Any] = msgspec.json.decode(item.body)
    except (msgspec.MsgspecError, RecursionError):
        raise Reason.UNUSUAL_JSON.rejected() from None
    type_ = obj["type"]
    _check_texts(obj, ("created_by_ref", "lang", "name", "description"), required=False)
    _check_list(obj, "object_marking_refs")
    _check_list(obj, "labels")
    _check_extensions(obj)
    _check_texts(obj, _TEXTS.get(type_, ()), required=True)
    if type_ == "indicator":
        _check_timestamps(obj, ("valid_from", "valid_until"))
    elif type_ == "sighting":
        _check_list(obj, "where_sighted_refs")
    elif type_ in _WITH_OBJECT_REFS:
        _check_list(obj, "object_refs", required=True)
    most = MAX_REFERENCES.get(type_, _MAX_REFERENCES_BY_DEFAULT)
    if len(obj.get("object_refs", ())) > most:
        raise Reason.TOO_MANY_REFERENCES.rejected(most=most)
    _check_timestamps(obj, ("created", "modified"))
    return obj


def _check_texts(obj: Mapping[str, Any], names: tuple[str, ...], *, required: bool) -> None:
    for name in names:
        if (name in obj or required) and not isinstance(obj.get(name), str):
            raise Reason.NOT_A_TEXT.rejected(name=name)


def _check_list(obj: Mapping[str, Any], name: str, *, required: bool = False) -> None:
    if name in obj and not (isinstance(obj[name], list) and all(isinstance(text, str) for text in obj[name])):
        raise Reason.NOT_A_LIST.rejected(name=name)
    if required and not obj.get(name):
        raise Reason.EMPTY_LIST.rejected(name=name)


def _check_extensions(obj: Mapping[str, Any]) -> None:
    extensions = obj.get("extensions", {})
    if not isinstance(extensions, dict):
        raise Reason.BAD_EXTENSIONS.rejected()
    for extension in extensions.values():
        if not (isinstance(extension, dict) and isinstance(extension.get("details", {}), dict)):
            raise Reason.BAD_EXTENSIONS.rejected()


def _check_timestamps(obj: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if name not in obj:
            continue
        _check_texts(obj, (name,), required=True)
        try:
            moment = timestamp.parse(obj[name])
        except Rejected as refusal:
            raise Reason.BAD_TIMESTAMP.rejected(name=name, why=refusal.message) from None
        if name == "modified" and moment > timestamp.now() + MAX_CLOCK_SKEW:
            raise Reason.FROM_THE_FUTURE.rejected()
