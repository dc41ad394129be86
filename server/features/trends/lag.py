"""The lag of the aggregation: the age of the oldest log row that is not yet in the figures."""

from sqlalchemy import BigInteger, Text, bindparam, cast, func, select

from server.features.trends import progress
from server.features.trends.tables import trend_progress
from server.store import collections
from server.store.database.engine import Tx
from server.store.tables import collections as collections_table, objects

_FOLDED = ("inbox", "released")


def oldest_unfolded(tx: Tx) -> int | None:
    """Return when the oldest uncounted row was added (microseconds), or None."""
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


_c, _p = collections_table.c, trend_progress.c
ANY_UNFOLDED = (
    select(_c.number)
    .join_from(collections_table, trend_progress, _p.name == progress.LOG + cast(_c.number, Text), isouter=True)
    .where(_c.kind.in_(_FOLDED), _c.number == _c.log, _c.last_added > func.coalesce(_p.place, -1))
)
_o = objects.c
_NEXT = (
    select(_o.date_added)
    .where(_o.collection == bindparam("of_log"), _o.date_added > bindparam("after", type_=BigInteger))
    .order_by(_o.date_added)
    .limit(1)
)
