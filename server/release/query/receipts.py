"""Retraction receipts: which partners received revoked objects, and whether they know of the revocation."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from server.release.query.spread import Spread, spread
from server.store import Store, collections, retractions
from server.store.collections import UnknownCollection
from server.store.database.engine import Tx
from server.store.database.times import now

# A read shortly before a revocation is stored some seconds later; look for such reads for this long.
_LATE = 10 * 60 * 1_000_000
_SECOND = 1_000_000
# Number of retractions checked in one transaction.
_STEP = 500

TARGET = timedelta(hours=4)


class ReceiptTotals(NamedTuple):
    """The totals of receipts: how many are open, the oldest's age, and how many exceed the target.

    ``unreached`` counts those that ended because the partner may no longer read the collection: a person has to tell
    it. ``closed`` are the durations of the closed ones in seconds, ``waiting`` the ages of the open ones.
    """

    open: int
    oldest: float | None
    late: int
    waiting: Spread
    closed: Spread
    unreached: int = 0


def settle_in_steps(store: Store) -> int:
    """Close the receipts of partners that know of the revocation, and return how many.

    Reads shortly before a revocation are stored shortly after it: receipts for those are opened here. All is done in
    short transactions, so that others do not wait while many receipts are settled.
    """
    with store.read() as tx:
        late = late_steps(tx)
    for step in late:
        with store.begin() as tx:
            step(tx)
    with store.read() as tx:
        settlements = retractions.settlements(tx)
    closed = 0
    for close in settlements:
        with store.begin() as tx:
            closed += close(tx)
    return closed


def late_steps(tx: Tx) -> list[Callable[[Tx], int]]:
    """Return the steps that open receipts for late reads, some hundred retractions each."""
    steps: list[Callable[[Tx], int]] = []
    for id_, ids in retractions.recent(tx, now() - _LATE).items():
        try:
            collection = collections.get(tx, id_)
        except UnknownCollection:
            continue
        for start in range(0, len(ids), _STEP):
            some = ids[start : start + _STEP]
            steps.append(partial(retractions.open_receipts, collection=collection, ids=some, late=True))
    return steps


def to_settle(tx: Tx) -> bool:
    """Return whether there is anything to settle: open receipts, or new retractions."""
    return bool(retractions.waiting(tx)[0] or retractions.recent(tx, now() - _LATE))


def acknowledge(tx: Tx, partner: str, *ids: str) -> int:
    """Close the partner's receipts for objects on which it stated an outcome; return how many."""
    return retractions.acknowledge(tx, partner, ids)


def age(opened: int, closed: int | None, at: int) -> float:
    """Return for how many seconds a receipt was open, or has been at ``at``; moments in microseconds."""
    return max(0, (at if closed is None else closed) - opened) / _SECOND


def totals_since(tx: Tx, since: int, target: timedelta = TARGET) -> ReceiptTotals:
    """Return the totals of receipts that are open, or were opened at or after ``since`` (microseconds)."""
    found = totals_of(retractions.spans(tx, since), now(), target)
    return found._replace(unreached=retractions.count_unreached(tx, since))


def totals_of(spans: Iterable[tuple[int, int | None]], at: int, target: timedelta = TARGET) -> ReceiptTotals:
    """Return the totals at ``at`` of receipts that were opened and closed at ``spans`` (microseconds)."""
    closed: list[float] = []
    waiting: list[float] = []
    late = 0
    for opened_at, closed_at in spans:
        seconds = age(opened_at, closed_at, at)
        late += seconds > target.total_seconds()
        (waiting if closed_at is None else closed).append(seconds)
    return ReceiptTotals(len(waiting), max(waiting, default=None), late, spread(waiting), spread(closed))
