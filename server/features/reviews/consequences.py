"""The consequences of a review decision, found by applying it in a transaction that is then rolled back."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from mappers import extension
from server.release import review as reviewing
from server.release.hub import Hub
from server.release.query.lookup import lookup
from server.release.review import ReviewSummary
from server.store.database.engine import Tx, finish
from server.store.reviews import Review, ReviewState

# A value may be listed for each of the partners that a contributor names.
_MOST_LISTINGS = 100


class Consequence(NamedTuple):
    """The strongest grade of a value before and after, None if it is not listed; and the number of listings that
    change.
    """

    summary: ReviewSummary
    before: str | None
    after: str | None
    changed: int


class _Undone(Exception):
    """Rolls the transaction back."""


def consequences(hub: Hub, found: Sequence[Review], state: ReviewState, by: str) -> list[Consequence]:
    """Return what this decision on these open reviews would change; nothing is changed. Raises what ``decide``
    raises.
    """
    result: list[Consequence] = []
    with suppress(_Undone), hub.store.begin() as tx:
        summaries = reviewing.summaries(hub, tx, found)
        before = [_listed(tx, summary) for summary in summaries]
        reviewing.decide(hub, tx, [review.object_id for review in found], state, by, by_two=True)
        finish(tx)
        for summary, grades in zip(summaries, before, strict=True):
            after = _listed(tx, summary)
            changed = sum(grades.get(id_) != after.get(id_) for id_ in {*grades, *after})
            result.append(Consequence(summary, _strongest(grades), _strongest(after), changed))
        raise _Undone
    return result


def _listed(tx: Tx, summary: ReviewSummary) -> Mapping[str, str]:
    """Return the grades of a value's listings by their ids."""
    if summary.value is None:
        return {}
    listed = [
        listing
        for reading in lookup(tx, summary.value)
        if reading.kind == summary.kind
        for listing in reading.listings
        if not listing.get("revoked")
    ]
    return {listing["id"]: str(extension.context_of(listing).get("grade")) for listing in listed[:_MOST_LISTINGS]}


def _strongest(grades: Mapping[str, str]) -> str | None:
    return min(grades.values(), key=_place, default=None)


def _place(grade: str) -> int:
    return _ORDER.index(grade) if grade in _ORDER else len(_ORDER)


_ORDER = ("block", "hold", "step-up", "warn", "monitor", "investigate")
