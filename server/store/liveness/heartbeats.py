"""Heartbeats: when the parts of the hub last worked, and so the time up to which a collection is current.

They are read from the database that answers the reader, so that a lagging replica reports an older time.
"""

from typing import Literal, NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.store import jobs
from server.store.collections import Collection
from server.store.database import sql
from server.store.database.engine import Tx
from server.store.liveness.tables import heartbeats

# The release rules run during writes, so a server that can write can release. The schedule runs the feeds.
Part = Literal["server", "schedule"]

SECONDS = 10.0
_LEAST = int(SECONDS / 2 * 1_000_000)


class Heartbeat(NamedTuple):
    """The times (microseconds) up to which the log and released listings are current; None before the first beat."""

    written: int | None
    released: int | None

    def of(self, collection: Collection) -> int | None:
        """Return the time up to which ``collection`` is current, or None for one without readers."""
        if collection.kind == "inbox":
            return None
        return self.released if collection.filled_by_release else self.written


def beat(tx: Tx, part: Part) -> None:
    """Record that ``part`` works now. Of several concurrent processes, one writes."""
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
            # Another process made it at the same moment.
            pass
    elif had > at:
        # The database's clock was set back.
        tx.execute(row.values(at=at))


def forget(tx: Tx, part: Part) -> None:
    """Stop expecting ``part``, because this hub no longer has one."""
    tx.execute(delete(heartbeats).where(heartbeats.c.part == part))


def last_beats(tx: Tx) -> dict[str, int]:
    """Return when each part last worked (microseconds)."""
    # Fast reads have plain tuples for rows.
    return {str(part): int(at) for part, at in tx.execute(select(heartbeats).order_by(heartbeats.c.part))}


def current(tx: Tx) -> Heartbeat:
    """Return the time up to which this hub's collections are current.

    Released listings are not more current than the schedule, if there is one, nor than the start of an unfinished large
    job. Until its end some values are in their earlier state.
    """
    beats = last_beats(tx)
    written = beats.get("server", beats.get("schedule"))
    if written is None:
        return Heartbeat(None, None)
    limits = [written, *beats.values(), *(job.begun for job in jobs.unfinished(tx))]
    return Heartbeat(written, min(limits))
