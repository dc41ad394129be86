"""The sets of private matching: tags and encrypted rows of a collection's listed values, by version.

A set follows the log of its collection up to a place. The process that reads on holds the set. One version of the set
is served: later additions are hidden, and later removals are still visible.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, insert, or_, select, update

from server.store import subjects
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, among
from server.store.database.times import now
from server.store.item import PLAIN
from server.store.matching.match_tables import match_rows, match_sets
from server.store.objects import bodies
from server.store.tables import columns_of, objects

_SECOND = 1_000_000
_HOLD_SECONDS = 60
_TAGS_AT_ONCE = 20_000


class MatchSet(NamedTuple):
    """A stored set, see the columns of ``match_sets``. Moments and versions are microseconds."""

    collection: int
    epoch: int
    public: bytes
    version: int
    kept_from: int
    read_up_to: int
    changed: bool
    issued: int
    size: int
    bits: int
    sha256: bytes


class MatchRow(NamedTuple):
    """The row of one value in a set; ``removed`` is the version in which it was removed."""

    name: bytes
    sealed: bytes
    ends: int | None
    added: int
    removed: int | None


class ChangedValues(NamedTuple):
    """The values in a stretch of a log, with their current listings, and the end of the stretch."""

    bodies: dict[str, list[bytes]]
    read_up_to: int


def find(tx: Tx, collection: int, epoch: int) -> MatchSet | None:
    """Return a set, or None."""
    row = tx.execute(_FIND, {"of_collection": collection, "of_epoch": epoch}).first()
    return None if row is None else MatchSet(*row)


def begin(tx: Tx, collection: int, epoch: int, public: bytes) -> None:
    """Begin a set, replacing one made with another key."""
    remove(tx, collection, epoch, most=None)
    first = MatchSet(collection, epoch, public, 0, 0, -1, True, 0, 0, 0, b"")
    tx.execute(insert(match_sets).values(**first._asdict(), holder="", until=0))


def hold(tx: Tx, found: MatchSet, holder: str) -> bool:
    """Hold a set for a minute to read the log for it. Return False if another process holds it, or has since."""
    moment = now()
    free = (match_sets.c.holder == holder) | (match_sets.c.until < moment)
    # A previous holder has already read further.
    held = update(match_sets).where(_is(found), free, match_sets.c.read_up_to == found.read_up_to)
    return bool(tx.execute(held.values(holder=holder, until=moment + _HOLD_SECONDS * _SECOND)).rowcount)


def let_go(tx: Tx, found: MatchSet, holder: str) -> None:
    """Let other processes hold the set."""
    tx.execute(update(match_sets).where(_is(found), match_sets.c.holder == holder).values(until=0))


def save(tx: Tx, found: MatchSet) -> None:
    """Store the progress of a set."""
    tx.execute(update(match_sets).where(_is(found)).values(found._asdict()))


def remove(tx: Tx, collection: int, epoch: int, *, most: int | None) -> bool:
    """Remove at most ``most`` rows of a set, and then the empty set. Return whether it is gone."""
    mine = (match_rows.c.collection == collection, match_rows.c.epoch == epoch)
    if most is not None:
        names = select(match_rows.c.name).where(*mine).limit(most)
        if tx.execute(delete(match_rows).where(*mine, match_rows.c.name.in_(names))).rowcount:
            return False
    else:
        tx.execute(delete(match_rows).where(*mine))
    tx.execute(delete(match_sets).where(match_sets.c.collection == collection, match_sets.c.epoch == epoch))
    return True


def other_epochs(tx: Tx, collection: int, epochs: Sequence[int]) -> list[int]:
    """Return the epochs of a collection's sets that are not among ``epochs``."""
    asked = select(match_sets.c.epoch).where(match_sets.c.collection == collection)
    return [epoch for epoch in tx.execute(asked).scalars() if epoch not in epochs]


def changed_values(tx: Tx, log: int, after: int, most: int) -> ChangedValues:
    """Return the values in at most ``most`` rows of a log after a place, and their current listings."""
    places = tx.execute(_CHANGED, {"log": log, "after": after, "rows": most}).all()
    end = int(places[-1][0]) if places else after
    numbers = {row[1] for row in places if row[1] is not None}
    # A revocation does not name the value; the earlier versions do.
    revoked = {(row[2], row[3]) for row in places if row[1] is None and row[4]}
    if revoked:
        before = tx.execute(_VALUES, {"log": log, "highs": sorted({high for high, _ in revoked})})
        numbers |= {value for high, low, value in before if (high, low) in revoked}
    names = subjects.names(tx, numbers)
    found: dict[str, list[bytes]] = {name: [] for name in names.values()}
    unpack = bodies.of(tx)
    for number, body in tx.execute(_LISTING, {"log": log, "numbers": sorted(names)}):
        found[names[number]].append(unpack.first(tx, body))
    return ChangedValues(found, end)


def rows(tx: Tx, found: MatchSet, names: Sequence[bytes]) -> dict[bytes, MatchRow]:
    """Return the current and removed rows of a set with these names."""
    stored: dict[bytes, MatchRow] = {}
    for start in range(0, len(names), 500):
        asked = _ROWS.where(_of(found), match_rows.c.name.in_(names[start : start + 500]))
        stored |= {bytes(row[0]): MatchRow(*row) for row in tx.execute(asked)}
    return stored


def write(tx: Tx, found: MatchSet, changed: Sequence[MatchRow]) -> None:
    """Write rows, replacing those with the same names."""
    _WRITE.run(tx, [(found.collection, found.epoch, *row) for row in changed])


def ended(tx: Tx, found: MatchSet, at: int, most: int) -> list[MatchRow]:
    """Return at most ``most`` current rows whose listing has ended by that time."""
    asked = _ROWS.where(_of(found), match_rows.c.removed.is_(None), match_rows.c.ends <= at)
    return [MatchRow(*row) for row in tx.execute(asked.order_by(match_rows.c.ends).limit(most))]


def forget(tx: Tx, found: MatchSet, before: int, most: int) -> int:
    """Remove at most ``most`` rows that were removed before that version, and return their number."""
    gone = match_rows.c.removed < before
    names = tx.execute(select(match_rows.c.name).where(_of(found), gone).limit(most)).scalars().all()
    if names:
        tx.execute(delete(match_rows).where(_of(found), gone, match_rows.c.name.in_(names)))
    return len(names)


def tags(tx: Tx, found: MatchSet) -> Iterator[bytes]:
    """Yield the names of the rows of the served version, in order."""
    after = b""
    while True:
        given = {**_key(found), "version": found.version, "after": after, "rows": _TAGS_AT_ONCE}
        page = [bytes(row[0]) for row in tx.execute(_TAGS, given)]
        yield from page
        if len(page) < _TAGS_AT_ONCE:
            return
        after = page[-1]


def changes(tx: Tx, found: MatchSet, since: int) -> tuple[list[bytes], list[bytes]]:
    """Return the names added and removed between the version ``since`` and the served one."""
    given = {**_key(found), "version": found.version, "since": since}
    came = [bytes(row[0]) for row in tx.execute(_CAME, given)]
    went = [bytes(row[0]) for row in tx.execute(_WENT, given)]
    return came, went


def bucket(tx: Tx, found: MatchSet, first: bytes, last: bytes) -> bytes:
    """Return the rows whose names are from ``first`` up to ``last``, in order."""
    given = {**_key(found), "version": found.version, "first": first, "last": last}
    return b"".join(bytes(name) + bytes(sealed) for name, sealed in tx.execute(_BUCKET, given))


def _key(found: MatchSet) -> Mapping[str, int]:
    return {"of_collection": found.collection, "of_epoch": found.epoch}


def _is(found: MatchSet) -> ColumnElement[bool]:
    return (match_sets.c.collection == found.collection) & (match_sets.c.epoch == found.epoch)


def _of(found: MatchSet) -> ColumnElement[bool]:
    return (match_rows.c.collection == found.collection) & (match_rows.c.epoch == found.epoch)


_r = match_rows.c
_FIND = select(*columns_of(MatchSet, match_sets)).where(
    match_sets.c.collection == bindparam("of_collection"), match_sets.c.epoch == bindparam("of_epoch")
)
# Rows without a value advance the place as well.
_CHANGED = (
    select(objects.c.date_added, objects.c.value, objects.c.id_high, objects.c.id_low, objects.c.revoked)
    .where(objects.c.collection == bindparam("log"), objects.c.date_added > bindparam("after", type_=BigInteger))
    .order_by(objects.c.date_added)
    .limit(bindparam("rows"))
)
_VALUES = select(objects.c.id_high, objects.c.id_low, objects.c.value).where(
    among(objects.c.id_high, "highs", BigInteger),
    objects.c.collection == bindparam("log"),
    objects.c.value.is_not(None),
)
_LISTING = select(objects.c.value, objects.c.body).where(
    among(objects.c.value, "numbers", BigInteger),
    objects.c.collection == bindparam("log"),
    objects.c.latest.op("&")(PLAIN) > 0,
    objects.c.revoked.is_(False),
)
_ROWS = select(*columns_of(MatchRow, match_rows))
_MINE = (_r.collection == bindparam("of_collection"), _r.epoch == bindparam("of_epoch"))
_SERVED = (
    _r.added <= bindparam("version", type_=BigInteger),
    or_(_r.removed.is_(None), _r.removed > bindparam("version", type_=BigInteger)),
)
_TAGS = select(_r.name).where(*_MINE, _r.name > bindparam("after"), *_SERVED).order_by(_r.name).limit(bindparam("rows"))
_BUCKET = (
    select(_r.name, _r.sealed)
    .where(*_MINE, _r.name >= bindparam("first"), _r.name <= bindparam("last"), *_SERVED)
    .order_by(_r.name)
)
_SINCE = bindparam("since", type_=BigInteger)
_CAME = select(_r.name).where(*_MINE, _r.added > _SINCE, *_SERVED)
# A row removed, restored and removed again may be included without any reader having it. Removing it is harmless.
_WENT = select(_r.name).where(*_MINE, _r.removed > _SINCE, _r.removed <= bindparam("version", type_=BigInteger))
_WRITE = ManyRows(
    "INSERT INTO match_rows (collection, epoch, name, sealed, ends, added, removed) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (collection, epoch, name) DO UPDATE SET sealed = excluded.sealed, ends = excluded.ends,"
    " added = excluded.added, removed = excluded.removed",
    "INSERT INTO match_rows (collection, epoch, name, sealed, ends, added, removed) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (collection, epoch, name) DO UPDATE SET sealed = excluded.sealed, ends = excluded.ends,"
    " added = excluded.added, removed = excluded.removed",
    ("integer", "integer", "bytea", "bytea", "bigint", "bigint", "bigint"),
)
