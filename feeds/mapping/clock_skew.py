"""What a source dates ahead of this clock: said as of now, for a version from the future would be refused and lost."""

from collections.abc import Sequence
from typing import Any

from schemas import timestamp
from schemas.errors import Rejected
from server.release.guard.shape import AHEAD

_Object = dict[str, Any]


def as_of_now(items: Sequence[Sequence[_Object]]) -> tuple[list[Sequence[_Object]], int]:
    """Return ``items`` with none dated ahead, and how many of them were.

    Who is a few minutes ahead is within what the release rules allow. A later version of the same object is dated when
    it is pulled, which is later than this.
    """
    latest, now = timestamp.text(timestamp.now() + AHEAD), timestamp.text(timestamp.now())
    dated = [[_dated(obj, latest, now) for obj in objects] for objects in items]
    return list(dated), sum(made != [*objects] for made, objects in zip(dated, items, strict=True))


def _dated(obj: _Object, latest: str, now: str) -> _Object:
    try:
        if timestamp.text(timestamp.parse(obj["modified"])) <= latest:
            return obj
        created = min(now, timestamp.text(timestamp.parse(obj["created"])))
    except (KeyError, TypeError, AttributeError, Rejected):
        return obj  # it has no versions, or is of no form: the release rules say so
    return {**obj, "created": created, "modified": now}
