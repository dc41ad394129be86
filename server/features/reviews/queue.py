"""The queue of reviews for operators: filtered, page by page, never as a whole."""

from collections import Counter
from collections.abc import Set
from typing import NamedTuple

from server.features.reviews.bursts import SAMPLE
from server.release import review as reviewing
from server.release.fuse.statements import MANY_BLOCKS, is_open_burst
from server.release.hub import Hub
from server.release.review import ReviewSummary
from server.store import partners, reviews
from server.store.database.engine import Tx
from server.store.reviews import Review, ReviewState

# Maximum number of reviews checked for one page by a selective filter; the next page continues from there.
MOST_LOOKED_AT = 2_000

# The time when a review was opened, and the id of its object.
QueuePlace = tuple[int, str]


class QueueFilter(NamedTuple):
    """The requested reviews; an empty condition does not restrict them.

    ``country`` is that of the partner, ``opened_before`` a moment (microseconds).
    """

    state: ReviewState = "open"
    rule: str = ""
    partner: str = ""
    kind: str = ""
    country: str = ""
    opened_before: int | None = None


class QueuePage(NamedTuple):
    """A page of the queue, and the place of the next one, None at the end."""

    rows: list[ReviewSummary]
    place: QueuePlace | None


def queue_page(hub: Hub, tx: Tx, wanted: QueueFilter, after: QueuePlace | None, most: int) -> QueuePage:
    """Return a page of at most ``most`` reviews, the oldest first; even an empty page may have a next one."""
    in_country = _in_country(tx, wanted.country) if wanted.country else None
    rows: list[ReviewSummary] = []
    place, looked = after, 0
    shown: Counter[str] = Counter()
    while looked < MOST_LOOKED_AT:
        found, is_last = _batch(tx, wanted, place, most + 1)
        passing = [review for review in found if _passes(review, wanted, in_country)]
        if wanted.rule != MANY_BLOCKS:
            passing = [review for review in passing if _is_in_sample(review, shown)]
        summaries = reviewing.summaries(hub, tx, passing) if passing else []
        rows += [summary for summary in summaries if wanted.kind in ("", summary.kind)]
        if len(rows) > most:
            return QueuePage(rows[:most], _place(rows[most - 1].review))
        if is_last:
            return QueuePage(rows, None)
        place, looked = _place(found[-1]), looked + len(found)
    return QueuePage(rows, place)


def _batch(tx: Tx, wanted: QueueFilter, after: QueuePlace | None, size: int) -> tuple[list[Review], bool]:
    """Return the next reviews of a rule, or else of a partner, or else all, and whether they are the last.

    The store is asked for only one condition, for which it has an index, so it reads no other rows.
    """
    partner = wanted.partner if not wanted.rule else ""
    found = reviews.all_reviews(tx, wanted.state, partner or None, wanted.rule or None, size, after)
    old = [review for review in found if wanted.opened_before is None or review.opened < wanted.opened_before]
    return old, len(found) < size or len(old) < len(found)


def _passes(review: Review, wanted: QueueFilter, in_country: Set[str] | None) -> bool:
    return wanted.partner in ("", review.partner) and (in_country is None or review.partner in in_country)


def _is_in_sample(review: Review, shown: Counter[str]) -> bool:
    """Return whether a page shows a review: of the burst of a partner it shows a few, and one decides all."""
    if not is_open_burst(review):
        return True
    shown[review.partner] += 1
    return shown[review.partner] <= SAMPLE


def _in_country(tx: Tx, country: str) -> frozenset[str]:
    found = partners.load_registry(tx).partners.values()
    return frozenset(partner.name for partner in found if partner.country == country)


def _place(review: Review) -> QueuePlace:
    return review.opened, review.object_id
