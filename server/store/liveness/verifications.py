"""Verifications of pushes: the peer's answer to a request to confirm that deliveries reach it."""

from typing import NamedTuple

from sqlalchemy import and_, delete, func, insert, select

from server.store.database import sql
from server.store.database.engine import Tx
from server.store.liveness.tables import verifications

_KEPT = 30 * 86_400 * 1_000_000


class Verification(NamedTuple):
    """A verification of a feed ``at`` a moment (microseconds): the ``state`` sent, the peer's answer, the verdict."""

    feed: str
    at: int
    state: str
    answer: str
    well: bool


def record(tx: Tx, feed: str, state: str, answer: str, *, well: bool) -> Verification:
    """Record a verification as of now. Remove those older than a month, except the last."""
    v = verifications.c
    last = tx.execute(select(func.max(v.at)).where(v.feed == feed)).scalar() or 0
    at = max(sql.database_time(tx), last + 1)
    tx.execute(delete(verifications).where(v.feed == feed, v.at < at - _KEPT))
    verification = Verification(feed, at, state, answer, well)
    tx.execute(insert(verifications).values(verification._asdict()))
    return verification


def history(tx: Tx, feed: str, limit: int = 100) -> list[Verification]:
    """Return the last verifications of a feed, the latest first."""
    asked = select(verifications).where(verifications.c.feed == feed).order_by(verifications.c.at.desc())
    return [Verification(*row) for row in tx.execute(asked.limit(limit))]


def last_verifications(tx: Tx) -> dict[str, Verification]:
    """Return the last verification of each feed that has had one."""
    v = verifications.c
    newest = select(v.feed, func.max(v.at).label("at")).group_by(v.feed).subquery()
    asked = select(verifications).join(newest, and_(v.feed == newest.c.feed, v.at == newest.c.at)).order_by(v.feed)
    return {row.feed: Verification(*row) for row in tx.execute(asked)}
