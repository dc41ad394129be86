"""When a repeated report is news: only if it changes what a reader would do, or keeps an indicator alive."""

from collections.abc import Mapping
from typing import Any

from mappers import extension
from schemas import timestamp

_TIMES = frozenset({"created", "modified", "valid_from", "valid_until"})
_SEEN = frozenset({"first_seen", "last_seen"})


def is_news(known: Mapping[str, Any], obj: Mapping[str, Any]) -> bool:
    """Tell whether ``obj``, a newer version of ``known``, is worth a version of its own to those who read.

    Repeats that differ in their times alone are not, until half the life that is left runs out: a list that is sent
    again each day must not make every reader load it again each day.
    """
    if _substance(known) != _substance(obj):
        return True
    if "valid_until" not in known or "valid_until" not in obj:
        return False
    end, new_end = timestamp.parse(known["valid_until"]), timestamp.parse(obj["valid_until"])
    said, said_again = timestamp.parse(known["modified"]), timestamp.parse(obj["modified"])
    if new_end < end:
        return True
    return new_end > end and said_again - said > (end - said) / 2


def _substance(obj: Mapping[str, Any]) -> dict[str, Any]:
    substance = {name: value for name, value in obj.items() if name not in _TIMES}
    ours = obj.get("extensions", {}).get(extension.ID)
    if ours is not None:
        reduced = {name: value for name, value in ours.items() if name not in _SEEN}
        substance["extensions"] = {**obj["extensions"], extension.ID: reduced}
    return substance
