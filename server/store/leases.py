"""Who runs a feed: one holder at a time, for a few seconds that it keeps renewing, by the database's clock.

A holder that was stopped for longer than its time may go on without knowing that another has taken over. Its token is
then the older one: ``hold`` in the transaction of each write tells, and nothing of that transaction is kept.
"""

from typing import NamedTuple

from sqlalchemy import Update, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from server.store import sql
from server.store.engine import Tx
from server.store.tables import leases

SECONDS = 3.0
_MICROS = 1_000_000
# Nobody holds anything for longer; what says so was written before the clock was set back.
_LONGEST = 60 * _MICROS


class Lease(NamedTuple):
    """The right to run ``feed``, as long as ``token`` is the newest."""

    feed: str
    holder: str
    token: int


class LeaseHolder(NamedTuple):
    """Who holds a feed, until when by the database's clock (microseconds)."""

    holder: str
    until: int


class LeaseLost(Exception):
    """Another has taken the feed over; what this one was about to write must not be."""


def acquire(tx: Tx, feed: str, holder: str, seconds: float = SECONDS) -> Lease | None:
    """Take the feed for ``seconds``, None where another holds it."""
    _make_row(tx, feed)
    now = sql.database_time(tx)
    free = or_(leases.c.until <= now, leases.c.until > now + _LONGEST)
    taken = (
        update(leases)
        .where(leases.c.feed == feed, free)
        .values(holder=holder, token=leases.c.token + 1, until=now + int(seconds * _MICROS))
    )
    if not tx.execute(taken).rowcount:
        return None
    token = tx.execute(select(leases.c.token).where(leases.c.feed == feed)).scalar_one()
    return Lease(feed, holder, token)


def renew(tx: Tx, lease: Lease, seconds: float = SECONDS) -> None:
    """Renew the lease; to be called in each transaction that writes by its right. Raises ``Fenced``.

    A lease whose time is over is still good where nobody has taken it since.
    """
    renewed = _mine(lease).values(until=sql.database_time(tx) + int(seconds * _MICROS))
    if not tx.execute(renewed).rowcount:
        raise LeaseLost(f"another node runs {lease.feed} now")


def release(tx: Tx, lease: Lease) -> None:
    """Let the next holder in at once; of a lease that another has taken nothing changes."""
    tx.execute(_mine(lease).values(until=0))


def holders(tx: Tx) -> dict[str, LeaseHolder]:
    """Say who holds which feed just now."""
    rows = tx.execute(
        select(leases.c.feed, leases.c.holder, leases.c.until).where(leases.c.until > sql.database_time(tx))
    )
    return {row.feed: LeaseHolder(row.holder, row.until) for row in rows}


def _mine(lease: Lease) -> Update:
    return update(leases).where(
        leases.c.feed == lease.feed, leases.c.holder == lease.holder, leases.c.token == lease.token
    )


def _make_row(tx: Tx, feed: str) -> None:
    if tx.execute(select(1).where(leases.c.feed == feed)).first() is not None:
        return
    try:
        with tx.begin_nested():
            tx.execute(insert(leases).values(feed=feed, holder="", token=0, until=0))
    except IntegrityError:
        # Another node made it in the same moment.
        pass
