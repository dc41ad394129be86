"""Which stretches of the log have changed since they were written, so that a page made before can be known as good.

The log grows at its end alone, but a newer version takes the mark of the latest from an older row, and what is deleted
is gone from its place. Each such change is counted for the stretch of about 17 seconds that the row was added in.
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import BigInteger, bindparam, func, insert, select, update

from server.store.collections import Collection
from server.store.store import Tx
from server.store.tables import collections, rewrites

# 2**24 microseconds.
_SPAN_BITS = 24


def note(tx: Tx, collection: Collection, dates: Iterable[int]) -> None:
    """Count a change of the rows that were added at ``dates``; the caller holds the collection's lock."""
    for span, changes in Counter(date >> _SPAN_BITS for date in dates).items():
        here = (rewrites.c.collection == collection.number, rewrites.c.span == span)
        if not tx.execute(update(rewrites).where(*here).values(count=rewrites.c.count + changes)).rowcount:
            tx.execute(insert(rewrites).values(collection=collection.number, span=span, count=changes))


def mark(tx: Tx, collection: Collection, first: int, last: int | None) -> tuple[int, int]:
    """Give what is different whenever a row added from ``first`` to ``last`` has changed.

    Without ``last`` this goes to the end of the log, and an addition is a change too.
    """
    end = _NEVER if last is None else last
    where = {"number": collection.number, "begin": first >> _SPAN_BITS, "end": end >> _SPAN_BITS}
    found: int | None = tx.execute(_MARK, where).scalar()
    return int(found or 0), (tx.execute(_LAST, where).scalar() or 0) if last is None else 0


_NEVER = (1 << 63) - 1
_LAST = select(collections.c.last_added).where(collections.c.number == bindparam("number"))
_MARK = (
    select(func.sum(rewrites.c.count))
    .where(rewrites.c.collection == bindparam("number"))
    .where(rewrites.c.span >= bindparam("begin", type_=BigInteger))
    .where(rewrites.c.span <= bindparam("end", type_=BigInteger))
)
