"""Reports beyond the values that an organisation alone may block in an hour: one decision is about all of them."""

from collections.abc import Iterable

from server.release.fuse.statements import MANY_BLOCKS, is_open_burst
from server.store import partners, reviews
from server.store.database.engine import Tx
from server.store.reviews import Review

# The reviews of an organisation's burst that the queue shows on a page.
SAMPLE = 5


def of_same_burst(tx: Tx, found: Iterable[Review], until: int | None = None) -> list[Review]:
    """Return the other open reviews of the bursts that these reviews are in, opened ``until`` then (microseconds)."""
    known = {review.object_id: review for review in found if is_open_burst(review)}
    if not known:
        return []
    registry = partners.load_registry(tx)
    organisations = {partner.name: partner.counts_as for partner in registry.by_identity.values()}
    wanted = {organisations.get(review.partner, review.partner) for review in known.values()}
    open_ = reviews.all_reviews(tx, "open", None, MANY_BLOCKS, limit=None)
    return [
        review
        for review in open_
        if review.object_id not in known
        and organisations.get(review.partner, review.partner) in wanted
        and (until is None or review.opened <= until)
    ]
