"""Retraction receipts: who was given what was taken back, and whether they know by now."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from server.release.query.spread import Spread, spread
from server.store import Store, collections, retractions
from server.store.collections import UnknownCollection
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.retractions import Receipt

# What was read before a revocation is known to the store some seconds later; so long it is looked for again.
_LATE = 10 * 60 * 1_000_000
_SECOND = 1_000_000
# Retractions that are looked at in one transaction.
_STEP = 500

TARGET = timedelta(hours=4)


class ReceiptTotals(NamedTuple):
    """The totals of receipts: how many are open, the oldest's age, how many are older than the target allows.

    ``unreached`` counts those that ended because the partner may not read the collection any more: somebody has to tell
    it. ``closed`` says in seconds how long those took that are closed, ``waiting`` how old the open ones are.
    """

    open: int
    oldest: float | None
    late: int
    waiting: Spread
    closed: Spread
    unreached: int = 0


def settle(tx: Tx) -> int:
    """Close the receipts of those who know by now, and say how many.

    Pages read shortly before a revocation are noted shortly after it: receipts for those are opened here.
    """
    for step in late_steps(tx):
        step(tx)
    return retractions.settle(tx)


def settle_in_steps(store: Store) -> int:
    """Do what ``settle`` does in short transactions, so that others do not wait while many receipts are settled."""
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
    """Return what opens the receipts that became known after their retraction, some hundred retractions a step."""
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
    """Return whether there is anything to settle: receipts that are open, or retractions that are new."""
    return bool(retractions.waiting(tx)[0] or retractions.recent(tx, now() - _LATE))


def acknowledge(tx: Tx, partner: str, *ids: str) -> int:
    """Close the partner's receipts for objects about which it stated an outcome; return how many."""
    return retractions.acknowledge(tx, partner, ids)


def open_receipts(tx: Tx) -> list[Receipt]:
    """List the open receipts, the oldest first."""
    return retractions.all_receipts(tx, only_open=True)


def age(opened: int, closed: int | None, at: int) -> float:
    """Return the seconds that a receipt was, or at ``at`` has been, open; moments in microseconds."""
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
