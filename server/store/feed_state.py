"""The stored state of each feed: checkpoint, runs, files read, failures, dead letters, and its current node.

Everything happens in the caller's transaction, so that a batch and its checkpoint are stored together. A lease belongs
to one holder for a few seconds by the database's clock, and the holder keeps renewing it. A holder that paused for
longer may continue without knowing that another has taken over. Its token is then outdated: ``renew_lease``, called in
the transaction of each write, raises, and the transaction is rolled back.
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import Update, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from server.store import collections, log
from server.store.collections import UnknownCollection
from server.store.database import sql
from server.store.database.engine import Tx
from server.store.database.sql import any_of, chunks, insert_many
from server.store.database.times import micros, moment, now
from server.store.tables import checkpoints, columns_of, dead_letters, feed_states, files_read, leases, runs

_SECOND = 1_000_000
# How long runs are stored.
_RUN_HISTORY = 30 * 86_400 * _SECOND
LEASE_SECONDS = 3.0
# No lease is longer. A lease that ends later was written before the clock was set back.
_LONGEST_LEASE = 60 * _SECOND


@dataclass(frozen=True, slots=True)
class FeedRun:
    """One run of a feed; ``error`` is None if it succeeded.

    ``unread`` counts unread columns and cells by name, and refused rows by reason (``columns``, ``cells``, ``rows``);
    ``likely`` has the columns that look like known ones. ``status`` is the HTTP status of the peer's answer that ended
    the run, or None.
    """

    feed: str
    started: datetime
    ended: datetime
    read: int
    accepted: int
    rejected: int
    error: str | None
    unread: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: int | None = None


def load_checkpoint(tx: Tx, feed: str) -> dict[str, Any] | None:
    """Return the feed's last checkpoint, or None before its first."""
    body = tx.execute(select(checkpoints.c.body).where(checkpoints.c.feed == feed)).scalar()
    if body is None:
        return None
    checkpoint: dict[str, Any] = orjson.loads(body)
    return checkpoint


def save_checkpoint(tx: Tx, feed: str, checkpoint: dict[str, Any]) -> None:
    """Store the feed's checkpoint."""
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
    unread: dict[str, dict[str, Any]] | None = None,
    status: int | None = None,
) -> None:
    """Record a run, and remove runs older than a month. The moments are aware."""
    tx.execute(delete(runs).where(runs.c.feed == feed, runs.c.started < micros(started) - _RUN_HISTORY))
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
            status=status,
        )
    )


def last_runs(tx: Tx) -> dict[str, FeedRun]:
    """Return the last run of each feed that has run."""
    newest = select(runs.c.feed, func.max(runs.c.started).label("started")).group_by(runs.c.feed).subquery()
    mine = and_(runs.c.feed == newest.c.feed, runs.c.started == newest.c.started)
    asked = select(*columns_of(FeedRun, runs)).join(newest, mine)
    return {row.feed: _run(row) for row in tx.execute(asked.order_by(runs.c.feed))}


def _run(row: Any) -> FeedRun:
    unread = orjson.loads(row.unread) if row.unread else {}
    return replace(FeedRun(*row), started=moment(row.started), ended=moment(row.ended), unread=unread)


def last_run(tx: Tx, feed: str) -> FeedRun | None:
    """Return the last run of a feed, or None."""
    return next(iter(last_runs_of(tx, feed, 1)), None)


def last_runs_of(tx: Tx, feed: str, limit: int) -> list[FeedRun]:
    """Return the last runs of a feed, the newest first."""
    r = runs.c
    asked = select(*columns_of(FeedRun, runs)).where(r.feed == feed)
    return [_run(row) for row in tx.execute(asked.order_by(r.started.desc()).limit(limit))]


def has_read_file(tx: Tx, feed: str, digest: str) -> bool:
    """Return whether the feed has completely read a file with this digest."""
    return file_name_of(tx, feed, digest) is not None


def file_name_of(tx: Tx, feed: str, digest: str) -> str | None:
    """Return the last name of the file with this digest when the feed read it, or None."""
    asked = select(files_read.c.name).where(files_read.c.feed == feed, files_read.c.digest == digest)
    found: str | None = tx.execute(asked).scalar()
    return found


def record_file(tx: Tx, feed: str, digest: str, name: str) -> None:
    """Record that the feed has read the file with this digest and name."""
    record_files(tx, feed, {digest: name})


def record_files(tx: Tx, feed: str, names: Mapping[str, str]) -> None:
    """Record that the feed has read the files with these digests and names."""
    for chunk in chunks(sorted(names)):
        tx.execute(delete(files_read).where(files_read.c.feed == feed, any_of(tx, files_read.c.digest, chunk)))
    seen = now()
    insert_many(tx, files_read, [(feed, digest, name, seen) for digest, name in sorted(names.items())])


Breaker = Literal["closed", "open", "half-open", "stopped"]

# After this many consecutive failures the breaker opens, and the next run is a trial.
_OPENS_AT = 3


@dataclass(frozen=True, slots=True)
class FeedState:
    """The successes and failures of a feed. Moments are in microseconds by the database's clock, None before the first.

    ``failures`` counts consecutive failed runs. Since ``stopped``, a person has to fix something. ``runs`` to
    ``rejected`` are sums over all runs.
    """

    feed: str
    started: int | None = None
    ended: int | None = None
    succeeded: int | None = None
    failures: int = 0
    retry_at: int = 0
    stopped: int | None = None
    runs: int = 0
    failed: int = 0
    read: int = 0
    accepted: int = 0
    rejected: int = 0

    def breaker(self, now: int) -> Breaker:
        """Return the state of the circuit breaker; ``half-open`` allows a single trial run after a pause."""
        if self.stopped is not None:
            return "stopped"
        if self.failures < _OPENS_AT:
            return "closed"
        return "open" if now < self.retry_at else "half-open"


def load_state(tx: Tx, feed: str) -> FeedState:
    """Return the state of a feed, also of one that never ran."""
    row = tx.execute(select(*columns_of(FeedState, feed_states)).where(feed_states.c.feed == feed)).first()
    return FeedState(*row) if row else FeedState(feed)


def all_states(tx: Tx) -> dict[str, FeedState]:
    """Return the state of each feed that has run."""
    return {
        row.feed: FeedState(*row)
        for row in tx.execute(select(*columns_of(FeedState, feed_states)).order_by(feed_states.c.feed))
    }


def save_state(tx: Tx, state: FeedState) -> None:
    """Store the state of a feed."""
    values = asdict(state)
    if not tx.execute(update(feed_states).where(feed_states.c.feed == state.feed).values(values)).rowcount:
        tx.execute(insert(feed_states).values(values))


def clear_failures(tx: Tx, feed: str) -> None:
    """Let the feed run at its next time, regardless of earlier failures."""
    forgiven = {"failures": 0, "retry_at": 0, "stopped": None}
    tx.execute(update(feed_states).where(feed_states.c.feed == feed).values(forgiven))


class DeadLetter(NamedTuple):
    """A dead letter: ``subject`` is the item's STIX id, ``reason`` the class of the error, without its text."""

    id: str
    subject: str
    body: bytes
    reason: str
    first: datetime
    last: datetime
    attempts: int


def add_dead_letter(tx: Tx, feed: str, subject: str, body: bytes, reason: str) -> None:
    """Set an item aside. The same item again counts as another attempt."""
    id_ = hashlib.sha256(subject.encode() + b"\0" + body).hexdigest()[:32]
    now, d = sql.database_time(tx), dead_letters.c
    mine = (d.feed == feed, d.id == id_)
    again = update(dead_letters).where(*mine).values(last=now, reason=reason, attempts=d.attempts + 1)
    if not tx.execute(again).rowcount:
        row = {"feed": feed, "id": id_, "subject": subject, "body": body, "reason": reason}
        tx.execute(insert(dead_letters).values(row | {"first": now, "last": now, "attempts": 1}))


def find_dead_letters(
    tx: Tx, feed: str, *, attempts_below: int | None = None, limit: int | None = None
) -> list[DeadLetter]:
    """Return the feed's dead letters, the oldest first. ``attempts_below`` selects those with fewer attempts."""
    d = dead_letters.c
    asked = select(*columns_of(DeadLetter, dead_letters)).where(d.feed == feed).limit(limit)
    if attempts_below is not None:
        asked = asked.where(d.attempts < attempts_below)
    return [
        DeadLetter(*row)._replace(first=moment(row.first), last=moment(row.last))
        for row in tx.execute(asked.order_by(d.first, d.id))
    ]


def remove_dead_letters(tx: Tx, feed: str, ids: Iterable[str]) -> None:
    """Remove dead letters that were delivered or are no longer needed."""
    for chunk in chunks(ids):
        tx.execute(delete(dead_letters).where(dead_letters.c.feed == feed, any_of(tx, dead_letters.c.id, chunk)))


def count_dead_letters(tx: Tx) -> dict[str, int]:
    """Return the number of dead letters of each feed that has any."""
    counted = select(dead_letters.c.feed, func.count().label("letters")).group_by(dead_letters.c.feed)
    return {row.feed: row.letters for row in tx.execute(counted)}


class LeaseHolder(NamedTuple):
    """The node that holds a feed, and the end of its lease by the database's clock (microseconds)."""

    holder: str
    until: int


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """The health of a feed: its state, its lease, its dead letters, and its lag.

    ``lag`` is in seconds. For a push it is the time between the last delivered and the newest object of its collection.
    For a pull it is the time since the last successful run, or None.
    """

    state: FeedState
    breaker: Breaker = "closed"
    held: LeaseHolder | None = None
    letters: int = 0
    lag: float | None = None


def health_of_feeds(tx: Tx) -> Mapping[str, FeedHealth]:
    """Return the health of each feed that has run or runs now."""
    now, held, letters = sql.database_time(tx), lease_holders(tx), count_dead_letters(tx)
    states = all_states(tx)
    ends = {collection.id: log.newest(tx, collection) for collection in collections.all_collections(tx)}
    return {
        feed: _health(tx, states.get(feed, FeedState(feed)), held.get(feed), letters.get(feed, 0), ends, now)
        for feed in sorted(states.keys() | held.keys() | letters.keys())
    }


def health_of(tx: Tx, feed: str) -> FeedHealth:
    """Return the health of one feed, also of one that never ran."""
    letters = select(func.count()).select_from(dead_letters).where(dead_letters.c.feed == feed)
    checkpoint, ends = load_checkpoint(tx, feed) or {}, dict[str, int | None]()
    if "collection" in checkpoint:
        with suppress(UnknownCollection):
            collection = collections.get(tx, checkpoint["collection"])
            ends[collection.id] = log.newest(tx, collection)
    now = sql.database_time(tx)
    return _health(tx, load_state(tx, feed), None, tx.execute(letters).scalar_one(), ends, now)


def _health(
    tx: Tx, state: FeedState, held: LeaseHolder | None, letters: int, ends: Mapping[str, int | None], now: int
) -> FeedHealth:
    checkpoint = load_checkpoint(tx, state.feed) or {}
    lag = None if state.succeeded is None else (now - state.succeeded) / _SECOND
    if checkpoint.get("collection") in ends and "after" in checkpoint:
        end = ends[checkpoint["collection"]]
        lag = 0.0 if end is None else max(0, end - checkpoint["after"]) / _SECOND
    return FeedHealth(state, state.breaker(now), held, letters, lag)


class Lease(NamedTuple):
    """The right to run ``feed`` while ``token`` is the newest."""

    feed: str
    holder: str
    token: int


class LeaseLost(Exception):
    """Another holder has taken over the feed. The current transaction must not be stored."""


def acquire_lease(tx: Tx, feed: str, holder: str, seconds: float = LEASE_SECONDS) -> Lease | None:
    """Lease the feed for ``seconds``, or return None if another holder has it."""
    _add_lease_row(tx, feed)
    now = sql.database_time(tx)
    free = or_(leases.c.until <= now, leases.c.until > now + _LONGEST_LEASE)
    leased = (
        update(leases)
        .where(leases.c.feed == feed, free)
        .values(holder=holder, token=leases.c.token + 1, until=now + int(seconds * _SECOND))
    )
    if not tx.execute(leased).rowcount:
        return None
    token = tx.execute(select(leases.c.token).where(leases.c.feed == feed)).scalar_one()
    return Lease(feed, holder, token)


def renew_lease(tx: Tx, lease: Lease, seconds: float = LEASE_SECONDS) -> None:
    """Renew the lease. Call it in each transaction that writes under the lease. Raises ``LeaseLost``.

    An expired lease stays valid until another holder takes it.
    """
    renewed = _this_lease(lease).values(until=sql.database_time(tx) + int(seconds * _SECOND))
    if not tx.execute(renewed).rowcount:
        raise LeaseLost(f"another node now runs {lease.feed}")


def release_lease(tx: Tx, lease: Lease) -> None:
    """End the lease, so that the next holder need not wait. A lease taken over by another is unchanged."""
    tx.execute(_this_lease(lease).values(until=0))


def lease_holders(tx: Tx) -> dict[str, LeaseHolder]:
    """Return the current holder of each leased feed."""
    rows = tx.execute(
        select(leases.c.feed, leases.c.holder, leases.c.until).where(leases.c.until > sql.database_time(tx))
    )
    return {row.feed: LeaseHolder(row.holder, row.until) for row in rows}


def _this_lease(lease: Lease) -> Update:
    return update(leases).where(
        leases.c.feed == lease.feed, leases.c.holder == lease.holder, leases.c.token == lease.token
    )


def _add_lease_row(tx: Tx, feed: str) -> None:
    if tx.execute(select(1).where(leases.c.feed == feed)).first() is not None:
        return
    try:
        with tx.begin_nested():
            tx.execute(insert(leases).values(feed=feed, holder="", token=0, until=0))
    except IntegrityError:
        # Another node made it at the same moment.
        pass
