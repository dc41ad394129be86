"""What connectors remember: how far they came, how their runs went, which files they have read.

Everything happens in the caller's transaction, so that a batch and its checkpoint are kept together or not at all.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import and_, delete, func, insert, select

from server.store.store import Tx
from server.store.tables import checkpoints, files_seen, runs
from server.store.times import micros, moment, now

_KEPT = 30 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a feed; ``error`` is None where it ended well.

    ``unread`` names the columns and cells that were not read, with their numbers (``columns`` and ``cells``).
    """

    feed: str
    started: datetime
    ended: datetime
    read: int
    accepted: int
    rejected: int
    error: str | None
    unread: dict[str, dict[str, int]] = field(default_factory=dict)


def load(tx: Tx, feed: str) -> dict[str, Any] | None:
    """Give the feed's last checkpoint, None before its first."""
    body = tx.execute(select(checkpoints.c.body).where(checkpoints.c.feed == feed)).scalar()
    if body is None:
        return None
    checkpoint: dict[str, Any] = orjson.loads(body)
    return checkpoint


def save(tx: Tx, feed: str, checkpoint: dict[str, Any]) -> None:
    """Remember how far the feed came."""
    tx.execute(delete(checkpoints).where(checkpoints.c.feed == feed))
    tx.execute(insert(checkpoints).values(feed=feed, body=orjson.dumps(checkpoint), saved=now()))


def record_run(
    tx: Tx,
    feed: str,
    *,
    started: datetime,
    ended: datetime,
    read: int,
    accepted: int,
    rejected: int,
    error: str | None,
    unread: dict[str, dict[str, int]] | None = None,
) -> None:
    """Remember how a run went, for a month; the moments are aware."""
    tx.execute(delete(runs).where(runs.c.feed == feed, runs.c.started < micros(started) - _KEPT))
    tx.execute(
        insert(runs).values(
            feed=feed,
            started=micros(started),
            id=str(uuid.uuid4()),
            ended=micros(ended),
            read=read,
            accepted=accepted,
            rejected=rejected,
            error=error,
            unread=orjson.dumps(unread) if unread and any(unread.values()) else None,
        )
    )


def last_runs(tx: Tx) -> dict[str, Run]:
    """Give the last run of each feed that ever ran."""
    newest = select(runs.c.feed, func.max(runs.c.started).label("started")).group_by(runs.c.feed).subquery()
    asked = select(
        runs.c.feed,
        runs.c.started,
        runs.c.ended,
        runs.c.read,
        runs.c.accepted,
        runs.c.rejected,
        runs.c.error,
        runs.c.unread,
    ).join(newest, and_(runs.c.feed == newest.c.feed, runs.c.started == newest.c.started))
    return {
        row.feed: Run(
            row.feed,
            moment(row.started),
            moment(row.ended),
            row.read,
            row.accepted,
            row.rejected,
            row.error,
            orjson.loads(row.unread) if row.unread else {},
        )
        for row in tx.execute(asked.order_by(runs.c.feed))
    }


def seen(tx: Tx, feed: str, digest: str) -> bool:
    """Tell whether the feed has read a file of this digest to its end."""
    return seen_as(tx, feed, digest) is not None


def seen_as(tx: Tx, feed: str, digest: str) -> str | None:
    """Give the name that the feed remembers a digest by, None where it does not remember it."""
    asked = select(files_seen.c.name).where(files_seen.c.feed == feed, files_seen.c.digest == digest)
    found: str | None = tx.execute(asked).scalar()
    return found


def mark_seen(tx: Tx, feed: str, digest: str, name: str) -> None:
    """Remember that the feed has read the file of this digest, last under this name."""
    tx.execute(delete(files_seen).where(files_seen.c.feed == feed, files_seen.c.digest == digest))
    tx.execute(insert(files_seen).values(feed=feed, digest=digest, name=name, seen=now()))
