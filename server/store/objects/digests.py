"""The digest of each collection's active set, kept while its log grows: a sum, so that objects come and go.

The active set at a moment has of each object the newest version, where that is not revoked and has not ended by then.
Its digest is the sum, modulo 2^256, of the SHA-256 of each id and version with a space between them.

The log is folded into the sum in steps, of which each is computed without a lock and written in one short transaction.
What ends is in a bucket of the minute in which it ends; the sum is of the last minute that was folded, and exact.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, LargeBinary, bindparam, delete, insert, select, update

from schemas.api import set_digest
from server.store.collections import Collection
from server.store.database.engine import Store, Tx
from server.store.database.sql import ManyRows, chunks
from server.store.database.times import now
from server.store.objects import active_sets
from server.store.objects.active_sets import StoredVersion
from server.store.tables import collections, digest_buckets, digests

_MODULUS = 1 << 256
_MINUTE = 60_000_000
_ROWS = 2_000
# The bucket of what never ends by itself.
_NEVER = 1 << 62


class ActiveDigest(NamedTuple):
    """The digest of an active set, the number of its objects, the moment, and the place in the log (microseconds)."""

    as_of: int
    added_up_to: int
    active: int
    digest: str


@dataclass(slots=True)
class _Sum:
    """Objects and the sum of their digests; both may be below zero as a difference."""

    active: int = 0
    sum: int = 0

    def add(self, version: StoredVersion, sign: int) -> None:
        self.active += sign
        self.sum += sign * set_digest.part(version.id, version.version)


class _State(NamedTuple):
    """The place up to which a log is folded; ``target`` is where the first fold ends, None once it has."""

    folded: int
    target: int | None
    minute: int
    active: int
    sum: int


# By the minute in which what they count has ended.
_Buckets = dict[int, _Sum]


def of(tx: Tx, collection: Collection) -> ActiveDigest | None:
    """Return the digest as far as it is folded; None before the first fold has ended, and where none was begun."""
    state = _state(tx, collection)
    if state is None or state.target is not None:
        return None
    return ActiveDigest(state.minute * _MINUTE, state.folded, state.active, set_digest.text(state.sum))


def is_current(tx: Tx, collection: Collection) -> bool:
    """Return whether there is nothing to fold just now."""
    state = _state(tx, collection)
    is_whole = state is not None and state.target is None and state.minute == now() // _MINUTE
    return is_whole and state is not None and state.folded >= _last_added(tx, collection)


def begin(tx: Tx, collection: Collection) -> None:
    """Let the digest of a collection be kept from now on; repeating it changes nothing."""
    if _state(tx, collection) is None:
        # Before the first row, and where no step that began before could go on.
        folded = -1 - secrets.randbits(62)
        row = {"collection": collection.number, "folded": folded, "minute": now() // _MINUTE}
        tx.execute(insert(digests).values(**row, target=_last_added(tx, collection), active=0, sum=_bytes(0)))


def forget(tx: Tx, collection: Collection) -> None:
    """Begin anew with a collection of which rows are deleted: a sum does not know of which versions."""
    tx.execute(delete(digest_buckets).where(digest_buckets.c.collection == collection.number))
    tx.execute(delete(digests).where(digests.c.collection == collection.number))


def remove(tx: Tx, collection: Collection, gone: Iterable[StoredVersion], upto: int) -> None:
    """Remove versions from the digest that were the newest of their objects, and are gone from the log.

    A digest that is not folded up to that place, where all that was removed stood, is begun anew.
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
    """Return the numbers of the collections whose digests are kept."""
    return set(tx.execute(select(digests.c.collection)).scalars())


def fold(store: Store, collection: Collection) -> bool:
    """Fold the next stretch of a log, and what has ended meanwhile; return whether there is more to fold now."""
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
    """Add what is counted to the sum of the minute ``since``, which is of another ``minute`` from now on.

    Others wait: the sum is read anew, as something may have been taken out since the step was begun.
    """
    state = _state(tx, collection)
    if state is None:
        return
    # What had ended by then is counted no more.
    living = {at: part for at, part in buckets.items() if at > since}
    active = state.active + sum(part.active for part in living.values())
    total = state.sum + sum(part.sum for part in living.values())
    stored = _buckets(tx, collection, living)
    merged = [
        (collection.number, at, known.active + part.active, _bytes(known.sum + part.sum))
        for at, part in living.items()
        for known in (stored.get(at, _Sum()),)
    ]
    _MERGE.run(tx, merged)
    ended = _ended(tx, collection, minute)
    active -= sum(part.active for part in ended)
    total -= sum(part.sum for part in ended)
    tx.execute(_TOTAL, {"of_number": collection.number, "active": active, "sum": _bytes(total)})


def _state(tx: Tx, collection: Collection, *, lock: bool = False) -> _State | None:
    row: Any = tx.execute(_LOCK_STATE if lock else _STATE, {"of_number": collection.number}).first()
    if row is None:
        return None
    folded, target, minute, active, sum_ = row
    return _State(folded, target, minute, active, int.from_bytes(sum_))


def _last_added(tx: Tx, collection: Collection) -> int:
    found: int = tx.execute(_LAST, {"of_number": collection.number}).scalar_one()
    return found


def _buckets(tx: Tx, collection: Collection, wanted: Iterable[int]) -> dict[int, _Sum]:
    asked = select(digest_buckets.c.minute, digest_buckets.c.active, digest_buckets.c.sum).where(
        digest_buckets.c.collection == collection.number
    )
    found: dict[int, _Sum] = {}
    for chunk in chunks(sorted(wanted)):
        for minute, active, sum_ in tx.execute(asked.where(digest_buckets.c.minute.in_(chunk))):
            found[minute] = _Sum(active, int.from_bytes(sum_))
    return found


def _ended(tx: Tx, collection: Collection, minute: int) -> Sequence[_Sum]:
    """Remove the buckets of what has ended by a minute, and return them."""
    gone = (digest_buckets.c.collection == collection.number, digest_buckets.c.minute <= minute)
    asked = select(digest_buckets.c.active, digest_buckets.c.sum).where(*gone)
    found = [_Sum(active, int.from_bytes(sum_)) for active, sum_ in tx.execute(asked)]
    if found:
        tx.execute(delete(digest_buckets).where(*gone))
    return found


def _bytes(sum_: int) -> bytes:
    return (sum_ % _MODULUS).to_bytes(32)


_d = digests.c
_STATE = select(_d.folded, _d.target, _d.minute, _d.active, _d.sum).where(_d.collection == bindparam("of_number"))
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
    .values(active=bindparam("active", type_=BigInteger), sum=bindparam("sum", type_=LargeBinary))
)
_MERGE = ManyRows(
    "INSERT INTO digest_buckets (collection, minute, active, sum) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (collection, minute) DO UPDATE SET active = excluded.active, sum = excluded.sum",
    "INSERT INTO digest_buckets (collection, minute, active, sum) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (collection, minute) DO UPDATE SET active = excluded.active, sum = excluded.sum",
    ("integer", "bigint", "bigint", "bytea"),
)
