"""When to publish a new version: only if it changes what a reader would do, or keeps an indicator alive."""

from collections.abc import Mapping
from typing import Any

from mappers import extension
from schemas import timestamp
from schemas.fields import Fusion
from schemas.report import FIELDS

_TIMES = frozenset({"created", "modified", "valid_from", "valid_until"})
_SEEN = frozenset(field.extension_property for field in FIELDS.values() if field.is_time)
# The properties of the hub's indicators that readers act on; other changes are published with the next version.
_ACTED_ON = ("revoked", "confidence", "object_marking_refs")
_ACTED_ON_OF_OURS = (
    *(field.extension_property for field in FIELDS.values() if field.declaration.acted_on),
    *("grade", "disputed", "holds", "referral", "sharing"),
)
# Properties joined from several reports.
_JOINED = (
    *(field.extension_property for field in FIELDS.values() if field.declaration.fused is Fusion.UNION),
    *("reporter_kinds", "scam_types"),
)
_BY_THE_HUB = "reporters"


def changes_what_a_reader_does(known: Mapping[str, Any], obj: Mapping[str, Any]) -> bool:
    """Return whether ``obj``, a newer version of ``known``, changes what a reader does.

    In a partner's object every property counts except its times; in a listing only those that readers act on. A change
    of times alone counts if the end has moved far enough. A list that is sent again each day must not make every reader
    load it again each day.
    """
    if _is_the_hubs(known) and _is_the_hubs(obj):
        return _acted_on(known) != _acted_on(obj) or _end_moved_far(known, obj) or _says_less(known, obj)
    if _substance(known) != _substance(obj):
        return True
    if "valid_until" not in known or "valid_until" not in obj:
        return False
    end, new_end = timestamp.parse(known["valid_until"]), timestamp.parse(obj["valid_until"])
    modified, new_modified = timestamp.parse(known["modified"]), timestamp.parse(obj["modified"])
    if new_end < end:
        return True
    return new_end > end and new_modified - modified > (end - modified) / 2


def _is_the_hubs(obj: Mapping[str, Any]) -> bool:
    return isinstance(extension.context_of(obj).get(_BY_THE_HUB), int) and "valid_until" in obj


def _acted_on(obj: Mapping[str, Any]) -> list[Any]:
    ours = extension.context_of(obj)
    corroborated = ours[_BY_THE_HUB] > 1
    return [corroborated, *map(obj.get, _ACTED_ON), *map(ours.get, _ACTED_ON_OF_OURS)]


def _says_less(known: Mapping[str, Any], obj: Mapping[str, Any]) -> bool:
    """Return whether a reporter revoked or narrowed a report, so that its wording must not stay published."""
    before, now = extension.context_of(known), extension.context_of(obj)
    return now[_BY_THE_HUB] < before[_BY_THE_HUB] or any(
        entry not in now.get(name, ()) for name in _JOINED for entry in before.get(name, ())
    )


def _end_moved_far(known: Mapping[str, Any], obj: Mapping[str, Any]) -> bool:
    """Return whether the end has moved, in either direction, by more than half of the life left at the known
    version.
    """
    end, new_end = timestamp.parse(known["valid_until"]), timestamp.parse(obj["valid_until"])
    left = end - timestamp.parse(obj["modified"])
    return new_end != end and abs(new_end - end) > left / 2


def _substance(obj: Mapping[str, Any]) -> dict[str, Any]:
    substance = {name: value for name, value in obj.items() if name not in _TIMES}
    ours = obj.get("extensions", {}).get(extension.ID)
    if ours is not None:
        reduced = {name: value for name, value in ours.items() if name not in _SEEN}
        substance["extensions"] = {**obj["extensions"], extension.ID: reduced}
    return substance
