"""The digest of each collection's active set, updated while its log grows: a sum, so objects can be removed.

The active set at a moment consists of the newest version of each object, unless it is revoked or has ended by then. Its
digest is the sum, modulo 2^256, of the SHA-256 of each id and version with a space between them.

The log is aggregated into the sum in steps. Each is computed without a lock and written in one short transaction.
Expiring objects are in a bucket of the minute in which they end. The sum is exact for the last aggregated minute.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, LargeBinary, bindparam, delete, insert, select, update

from schemas.tlog.entries import DIGEST_MODULUS, digest_part, digest_text
from server.store.collections import Collection
from server.store.database.engine import Store, Tx
from server.store.database.sql import ManyRows, chunks
from server.store.database.times import now
from server.store.objects import active_sets
from server.store.objects.active_sets import StoredVersion
from server.store.tables import collections, digest_buckets, digests

_MINUTE = 60_000_000
_ROWS = 2_000
# The bucket of objects that do not expire.
_NEVER = 1 << 62
_LISTING = "indicator--"


class ActiveDigest(NamedTuple):
    """The digest of an active set, the moment, and the place in the log (microseconds).

    ``active`` is the number of its objects of any type, ``listings`` that of the indicators among them.
    """

    as_of: int
    added_up_to: int
    active: int
    listings: int
    digest: str


@dataclass(slots=True)
class _Sum:
    """Objects, the listings among them, and the sum of their digests. As a difference, each may be negative."""

    active: int = 0
    listings: int = 0
    sum: int = 0

    def add(self, version: StoredVersion, sign: int) -> None:
        self.active += sign
        self.listings += sign * version.id.startswith(_LISTING)
        self.sum += sign * digest_part(version.id, version.version)


class _State(NamedTuple):
    """The place up to which a log is aggregated; ``target`` is the end of the first aggregation, None once reached."""

    folded: int
    target: int | None
    minute: int
    active: int
    listings: int
    sum: int


# By the minute in which the counted objects end.
_Buckets = dict[int, _Sum]


def of(tx: Tx, collection: Collection) -> ActiveDigest | None:
    """Return the digest up to the aggregated place, or None if no first aggregation is complete."""
    state = _state(tx, collection)
    if state is None or state.target is not None:
        return None
    return ActiveDigest(state.minute * _MINUTE, state.folded, state.active, state.listings, digest_text(state.sum))


def is_current(tx: Tx, collection: Collection) -> bool:
    """Return whether the digest is up to date."""
    state = _state(tx, collection)
    is_whole = state is not None and state.target is None and state.minute == now() // _MINUTE
    return is_whole and state is not None and state.folded >= _last_added(tx, collection)


def begin(tx: Tx, collection: Collection) -> None:
    """Start maintaining the digest of a collection. Repeating it changes nothing."""
    if _state(tx, collection) is None:
        # Before the first row, and different from the state of any step begun earlier.
        folded = -1 - secrets.randbits(62)
        row = {"collection": collection.number, "folded": folded, "minute": now() // _MINUTE}
        tx.execute(
            insert(digests).values(**row, target=_last_added(tx, collection), active=0, listings=0, sum=_bytes(0))
        )


def keep(store: Store, collection: Collection) -> None:
    """Let the digest of a collection be kept, as ``begin`` does, in a transaction of its own."""
    with store.begin() as tx:
        begin(tx, collection)


def forget(tx: Tx, collection: Collection) -> None:
    """Restart the digest of a collection with deleted rows: the sum does not record their versions."""
    tx.execute(delete(digest_buckets).where(digest_buckets.c.collection == collection.number))
    tx.execute(delete(digests).where(digests.c.collection == collection.number))


def remove(tx: Tx, collection: Collection, gone: Iterable[StoredVersion], upto: int) -> None:
    """Remove deleted versions, which were the newest of their objects, from the digest.

    A digest not aggregated up to ``upto``, which covers the deleted rows, is restarted.
    """
    state = _state(tx, collection, lock=True)
    if state is None:
        return
    if state.target is not None or state.folded < upto:
        forget(tx, collection)
        begin(tx, collection)
        return
    buckets: _Buckets = {}
    _count(buckets, gone, -1)
    _add(tx, collection, state.minute, state.minute, buckets)


def kept(tx: Tx) -> set[int]:
    """Return the numbers of the collections with digests."""
    return set(tx.execute(select(digests.c.collection)).scalars())


def fold(store: Store, collection: Collection) -> bool:
    """Aggregate the next stretch of a log and the expired objects. Return whether there is more to do now."""
    with store.read() as tx:
        state = _state(tx, collection)
        if state is None:
            return False
        end = _last_added(tx, collection)
        buckets: _Buckets = {}
        more = False
        folded, target = state.folded, state.target
        if target is not None:
            stretch = active_sets.newest(tx, collection, folded, target, _ROWS)
            _count(buckets, stretch.versions, 1)
            folded, more = stretch.end, stretch.more or target < end
            target = target if stretch.more else None
        elif end > folded:
            change = active_sets.changes(tx, collection, folded, end, _ROWS)
            _count(buckets, change.brought, 1)
            _count(buckets, change.superseded, -1)
            folded, more = change.end, change.more
    minute = max(state.minute, now() // _MINUTE)
    if (folded, target, minute) != (state.folded, state.target, state.minute):
        with store.begin() as tx:
            _write(tx, collection, state, state._replace(folded=folded, target=target, minute=minute), buckets)
    return more


def _count(buckets: _Buckets, versions: Iterable[StoredVersion], sign: int) -> None:
    for version in versions:
        if not version.revoked:
            minute = _NEVER if version.end is None else -(-version.end // _MINUTE)
            buckets.setdefault(minute, _Sum()).add(version, sign)


def _write(tx: Tx, collection: Collection, before: _State, after: _State, buckets: Mapping[int, _Sum]) -> None:
    """Write a step, unless another process has written it."""
    given = {"of_number": collection.number, "was_folded": before.folded, "was_minute": before.minute}
    if not tx.execute(
        _CLAIM, {**given, "folded": after.folded, "target": after.target, "minute": after.minute}
    ).rowcount:
        return
    _add(tx, collection, before.minute, after.minute, buckets)


def _add(tx: Tx, collection: Collection, since: int, minute: int, buckets: Mapping[int, _Sum]) -> None:
    """Add the counts to the sum of the minute ``since``, which becomes the sum of ``minute``.

    Other writers wait. The sum is read again, because objects may have been removed since the step began.
    """
    state = _state(tx, collection)
    if state is None:
        return
    # Objects that had ended by then no longer count.
    living = {at: part for at, part in buckets.items() if at > since}
    active = state.active + sum(part.active for part in living.values())
    listings = state.listings + sum(part.listings for part in living.values())
    total = state.sum + sum(part.sum for part in living.values())
    stored = _buckets(tx, collection, living)
    merged = [
        (
            collection.number,
            at,
            known.active + part.active,
            known.listings + part.listings,
            _bytes(known.sum + part.sum),
        )
        for at, part in living.items()
        for known in (stored.get(at, _Sum()),)
    ]
    _MERGE.run(tx, merged)
    ended = _ended(tx, collection, minute)
    active -= sum(part.active for part in ended)
    listings -= sum(part.listings for part in ended)
    total -= sum(part.sum for part in ended)
    tx.execute(_TOTAL, {"of_number": collection.number, "active": active, "listings": listings, "sum": _bytes(total)})


def _state(tx: Tx, collection: Collection, *, lock: bool = False) -> _State | None:
    row: Any = tx.execute(_LOCK_STATE if lock else _STATE, {"of_number": collection.number}).first()
    if row is None:
        return None
    folded, target, minute, active, listings, sum_ = row
    return _State(folded, target, minute, active, listings, int.from_bytes(sum_))


def _last_added(tx: Tx, collection: Collection) -> int:
    found: int = tx.execute(_LAST, {"of_number": collection.number}).scalar_one()
    return found


def _buckets(tx: Tx, collection: Collection, wanted: Iterable[int]) -> dict[int, _Sum]:
    asked = select(digest_buckets.c.minute, *_OF_BUCKET).where(digest_buckets.c.collection == collection.number)
    found: dict[int, _Sum] = {}
    for chunk in chunks(sorted(wanted)):
        for minute, active, listings, sum_ in tx.execute(asked.where(digest_buckets.c.minute.in_(chunk))):
            found[minute] = _Sum(active, listings, int.from_bytes(sum_))
    return found


def _ended(tx: Tx, collection: Collection, minute: int) -> Sequence[_Sum]:
    """Remove the buckets of objects that ended by a minute, and return them."""
    gone = (digest_buckets.c.collection == collection.number, digest_buckets.c.minute <= minute)
    asked = select(*_OF_BUCKET).where(*gone)
    found = [_Sum(active, listings, int.from_bytes(sum_)) for active, listings, sum_ in tx.execute(asked)]
    if found:
        tx.execute(delete(digest_buckets).where(*gone))
    return found


def _bytes(sum_: int) -> bytes:
    return (sum_ % DIGEST_MODULUS).to_bytes(32)


_d = digests.c
_OF_BUCKET = (digest_buckets.c.active, digest_buckets.c.listings, digest_buckets.c.sum)
_STATE = select(_d.folded, _d.target, _d.minute, _d.active, _d.listings, _d.sum).where(
    _d.collection == bindparam("of_number")
)
_LOCK_STATE = _STATE.with_for_update()
_LAST = select(collections.c.last_added).where(collections.c.number == bindparam("of_number"))
_CLAIM = (
    update(digests)
    .where(_d.collection == bindparam("of_number"))
    .where(_d.folded == bindparam("was_folded", type_=BigInteger))
    .where(_d.minute == bindparam("was_minute", type_=BigInteger))
    .values(
        folded=bindparam("folded", type_=BigInteger),
        target=bindparam("target", type_=BigInteger),
        minute=bindparam("minute", type_=BigInteger),
    )
)
_TOTAL = (
    update(digests)
    .where(_d.collection == bindparam("of_number"))
    .values(
        active=bindparam("active", type_=BigInteger),
        listings=bindparam("listings", type_=BigInteger),
        sum=bindparam("sum", type_=LargeBinary),
    )
)
_MERGE = ManyRows(
    "INSERT INTO digest_buckets (collection, minute, active, listings, sum) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (collection, minute) DO UPDATE"
    " SET active = excluded.active, listings = excluded.listings, sum = excluded.sum",
    "INSERT INTO digest_buckets (collection, minute, active, listings, sum) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (collection, minute) DO UPDATE"
    " SET active = excluded.active, listings = excluded.listings, sum = excluded.sum",
    ("integer", "bigint", "bigint", "bigint", "bytea"),
)
