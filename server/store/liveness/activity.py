"""Activity: the hours in which a partner contributed, a feed delivered items, and a collection grew."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from sqlalchemy import Integer, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.liveness.tables import activity
from server.store.release_tables import volumes
from server.store.tables import objects, runs

What = Literal["partner", "source", "collection"]

HOUR = 3_600 * 1_000_000
# The number of days from which the usual activity is computed.
DAYS = 60
_FORGET = delete(activity).where(activity.c.hour < bindparam("before", type_=Integer))
_GREATEST_BEFORE = select(func.max(objects.c.date_added)).where(
    objects.c.collection == bindparam("of_log"), objects.c.date_added < bindparam("before")
)


def note(tx: Tx, what: What, name: str, hours: Iterable[int]) -> None:
    """Record the hours of activity of a partner, source or collection. Known hours stay unchanged."""
    rows = [{"what": what, "name": name, "hour": hour} for hour in sorted(set(hours))]
    if rows:
        insertion = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
        tx.execute(insertion(activity).on_conflict_do_nothing(), rows)


def known_hours(tx: Tx) -> dict[tuple[str, str], list[int]]:
    """Return the hours of activity of each, in order."""
    found: dict[tuple[str, str], list[int]] = {}
    asked = select(activity.c.what, activity.c.name, activity.c.hour)
    for what, name, hour in tx.execute(asked.order_by(activity.c.what, activity.c.name, activity.c.hour)):
        found.setdefault((what, name), []).append(hour)
    return found


def forget(tx: Tx, before: int) -> None:
    """Remove the hours ``before`` an hour."""
    tx.execute(_FORGET, {"before": before})


def volumes_of_day(tx: Tx, day: int) -> Mapping[str, int]:
    """Return how many objects each partner has contributed on a day."""
    return {row.partner: row.received for row in tx.execute(select(volumes).where(volumes.c.day == day))}


def days_of_partners(tx: Tx, since: int) -> dict[str, list[int]]:
    """Return by partner the days ``since`` a day on which it contributed."""
    asked = select(volumes.c.partner, volumes.c.day).where(volumes.c.day >= since, volumes.c.received > 0)
    found: dict[str, list[int]] = {}
    for partner, day in tx.execute(asked.order_by(volumes.c.partner, volumes.c.day)):
        found.setdefault(partner, []).append(day)
    return found


def hours_of_source(tx: Tx, feed: str, since: int) -> set[int]:
    """Return the hours since an hour in which a run of a feed delivered items."""
    asked = select(runs.c.started).where(runs.c.feed == feed, runs.c.started >= since * HOUR, runs.c.accepted > 0)
    return {started // HOUR for started in tx.execute(asked).scalars()}


def hours_of_collection(tx: Tx, collection: Collection, since: int) -> Sequence[int]:
    """Return the hours since an hour in which a collection grew, with one log query per such hour."""
    found: list[int] = []
    before = (collection.last_added // HOUR + 1) * HOUR
    while True:
        at = tx.execute(_GREATEST_BEFORE, {"of_log": collection.log, "before": before}).scalar()
        if at is None or at < since * HOUR:
            return found[::-1]
        found.append(at // HOUR)
        before = found[-1] * HOUR
