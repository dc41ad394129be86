"""The lag of the fold: since when something in a log waits to become figures."""

from sqlalchemy import BigInteger, bindparam, select

from server.store import collections
from server.store.database.engine import Tx
from server.store.tables import objects
from server.store.trends import progress

_FOLDED = ("inbox", "released")


def oldest_unfolded(tx: Tx) -> int | None:
    """Return when the oldest row was added that no figure counts yet (microseconds), None where there is none."""
    places = progress.load(tx)
    behind = [
        (log.number, places.get(progress.of_log(log.number), -1))
        for log in collections.all_collections(tx)
        if log.kind in _FOLDED and log.number == log.log
    ]
    oldest = [
        added
        for number, place in behind
        if (added := tx.execute(_NEXT, {"of_log": number, "after": place}).scalar()) is not None
    ]
    return min(oldest, default=None)


_o = objects.c
_NEXT = (
    select(_o.date_added)
    .where(_o.collection == bindparam("of_log"), _o.date_added > bindparam("after", type_=BigInteger))
    .order_by(_o.date_added)
    .limit(1)
)
