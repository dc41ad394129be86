"""Heartbeats: when the parts of the hub last showed that they work, and so up to when a collection is current.

They are read from the database that answers the reader, so that a replica which lags behind shows it.
"""

from typing import Literal, NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.store import jobs
from server.store.collections import Collection
from server.store.database import sql
from server.store.database.engine import Tx
from server.store.liveness.tables import heartbeats

# The release rules run where objects are written, so a server that can write can release; the schedule runs the feeds.
Part = Literal["server", "schedule"]

SECONDS = 10.0
_LEAST = int(SECONDS / 2 * 1_000_000)


class Heartbeat(NamedTuple):
    """Up to when (microseconds) the log is written, and what is released is current; None before the first beat."""

    written: int | None
    released: int | None

    def of(self, collection: Collection) -> int | None:
        """Return up to when ``collection`` is current; None for one that nobody reads."""
        if collection.kind == "inbox":
            return None
        return self.released if collection.filled_by_release else self.written


def beat(tx: Tx, part: Part) -> None:
    """Record that ``part`` works now; of several processes that do so at once, one writes."""
    at = sql.database_time(tx)
    row = update(heartbeats).where(heartbeats.c.part == part)
    if tx.execute(row.where(heartbeats.c.at <= at - _LEAST).values(at=at)).rowcount:
        return
    had = tx.execute(select(heartbeats.c.at).where(heartbeats.c.part == part)).scalar()
    if had is None:
        try:
            with tx.begin_nested():
                tx.execute(insert(heartbeats).values(part=part, at=at))
        except IntegrityError:
            # Another process made it in the same moment.
            pass
    elif had > at:
        # The database's clock was set back.
        tx.execute(row.values(at=at))


def forget(tx: Tx, part: Part) -> None:
    """Expect no more of ``part``: this hub has none any longer."""
    tx.execute(delete(heartbeats).where(heartbeats.c.part == part))


def last_beats(tx: Tx) -> dict[str, int]:
    """Return when each part that ever worked did so last (microseconds)."""
    # Fast reads have plain tuples for rows.
    return {str(part): int(at) for part, at in tx.execute(select(heartbeats).order_by(heartbeats.c.part))}


def current(tx: Tx) -> Heartbeat:
    """Return up to when this hub's collections are current.

    What is released is no more current than the schedule, where there is one, and than the beginning of large work that
    is not done: until its end some values stand as they stood before it.
    """
    beats = last_beats(tx)
    written = beats.get("server", beats.get("schedule"))
    if written is None:
        return Heartbeat(None, None)
    limits = [written, *beats.values(), *(job.begun for job in jobs.unfinished(tx))]
    return Heartbeat(written, min(limits))
