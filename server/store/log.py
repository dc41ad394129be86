"""The log: every version of every object of a collection, in the one order of its ``date_added``.

The log grows at its end alone, but a newer version takes the mark of the latest from an older row, and a deleted row
is gone from its place. Each such change is counted for the stretch of about 17 seconds that the row was added in, so
that a page made before can be known as still good.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Integer,
    bindparam,
    delete as sql_delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from server.store.collections import Collection, UnknownCollection, all_collections, private_collections_of
from server.store.engine import HAS_TIMELINES, Tx
from server.store.item import Item
from server.store.query import ALL, EVERY, UNLIMITED, Columns, Query, parameters, statement
from server.store.sql import CLOCK, TIMELINE, any_of, chunks, database_time, insert_many
from server.store.tables import collections, objects, rewrites
from server.store.times import now

_FULL = "-full"
# Stretches of the log are 2**24 microseconds long.
_SPAN_BITS = 24
_LARGEST_STEP = 1 << 24


class Appended(NamedTuple):
    """The result of an append, in the order of its items.

    ``added`` and ``unchanged`` are object ids; ``first`` and ``last`` the ``date_added`` of the added, None without.
    """

    added: list[str]
    unchanged: list[str]
    first: int | None
    last: int | None


class BodyPage(NamedTuple):
    """Objects as stored, the ``date_added`` of the ``first`` and the ``last``, and where the ``next`` page begins."""

    bodies: list[bytes]
    first: int | None
    last: int | None
    next: int | None


class ManifestRecord(NamedTuple):
    """One line of a manifest; both times in microseconds."""

    id: str
    date_added: int
    version: int
    spec_version: str


class Manifest(NamedTuple):
    """A page of records."""

    records: list[ManifestRecord]
    first: int | None
    last: int | None
    next: int | None


class VersionPage(NamedTuple):
    """A page of the versions of one object, each with its ``date_added``, in the order they were added."""

    versions: list[tuple[int, int]]
    first: int | None
    last: int | None
    next: int | None


@dataclass(slots=True)
class VersionRow:
    """The row of one version of an object in the log, without its body."""

    date_added: int
    spec_version: str
    version: int | None
    latest: bool
    legacy: bool


def lock(tx: Tx, wanted: Iterable[Collection]) -> None:
    """Lock all these collections for appending until the transaction ends, in the one order that cannot deadlock.

    The inbox comes first: whoever adds to what the release rules fill holds it, so that it may add more later.
    """
    for _, number in sorted({(collection.kind != "inbox", collection.number) for collection in wanted}):
        _lock(tx, number)


def append(tx: Tx, collection: Collection, items: Sequence[Item]) -> Appended:
    """Add the object versions that the collection does not have yet; adding the same again changes nothing.

    The order in which appended objects become visible is the order of their ``date_added``: the collection stays
    locked from here to the end of the transaction. A batch ends on a whole millisecond, so that a client that keeps
    milliseconds only neither loses nor repeats. An older version than those there is stored, but is not the latest.
    """
    end_of_log = _lock_end(tx, collection.number)
    history = stored_versions(tx, collection, {item.id for item in items})
    fresh: list[Item] = []
    added: list[str] = []
    unchanged: list[str] = []
    known = {(id_, row.spec_version, row.version) for id_, rows in history.items() for row in rows}
    for item in items:
        key = (item.id, item.spec_version, item.version)
        if key in known or (item.version is None and item.id in history):
            unchanged.append(item.id)
            continue
        known.add(key)
        if item.version is None:
            history.setdefault(item.id, [])
        fresh.append(item)
        added.append(item.id)
    if not fresh:
        return Appended(added, unchanged, None, None)
    start, end = allocate(end_of_log.last, len(fresh), end_of_log.moment)
    _insert(tx, collection, fresh, start, history)
    tx.execute(_ADDED, {"of_number": collection.number, "end": end, "on_timeline": end_of_log.timeline})
    return Appended(added, unchanged, start, end)


def append_all(tx: Tx, appends: Sequence[tuple[Collection, Sequence[Item]]], *, last: bool = False) -> list[Appended]:
    """Add to several collections, as ``append`` does to each; return what was added, in the order of ``appends``.

    All that one transaction adds to any collection is added by one call, the last thing before its end: from here on
    the collections are locked. A shared collection and its full variant are both given what enters them; the ``basis``
    of a listing enters with it where the full variant is. As the ``last`` thing it may commit the transaction.
    """
    lock(tx, [collection for collection, _ in appends])
    return [append(tx, collection, _with_basis(collection, items)) for collection, items in appends]


def _with_basis(collection: Collection, items: Sequence[Item]) -> list[Item]:
    is_full = collection.kind == "released" and collection.alias.endswith(_FULL)
    return [each for item in items for each in (item, *((item.basis or ()) if is_full else ()))]


def latest_everywhere(tx: Tx, ids: Iterable[str]) -> dict[int, dict[str, Item]]:
    """Find the newest version of each of ``ids`` in every collection that the release rules fill.

    Returned by the number of the collection; a shared collection's full variant stands for both.
    """
    wanted = set(ids)
    by_number = {collection.number: collection for collection in all_collections(tx)}
    aliases = {collection.alias for collection in by_number.values()}
    places = {
        number: wanted
        for number, collection in by_number.items()
        if collection.kind == "released" and collection.alias + _FULL not in aliases
    }
    for id_, numbers in private_collections_of(tx, wanted).items():
        for number in numbers:
            places[number] = places.get(number, set()) | {id_}
    return {number: latest(tx, by_number[number], there) for number, there in places.items()}


def allocate(last: int, count: int, moment: int) -> tuple[int, int]:
    """Choose ``count`` consecutive microseconds after ``last``, not before ``moment``, that end on a millisecond.

    ``moment`` is of the database's clock, on which all nodes agree.
    """
    end = -(-(max(moment, last + 1) + count - 1) // 1000) * 1000
    return end - count + 1, end


def page(tx: Tx, collection: Collection, query: Query) -> BodyPage:
    """Return the bodies that ``query`` asks for.

    ``next`` is None on the last page, and never leads to an empty one.
    """
    rows, first, last, position = _ask(tx, collection, query, "bodies")
    return BodyPage([row[1] for row in rows], first, last, position)


def manifest(tx: Tx, collection: Collection, query: Query) -> Manifest:
    """Return the page that ``page`` returns, as manifest records instead of bodies."""
    rows, first, last, position = _ask(tx, collection, query, "manifest")
    return Manifest([ManifestRecord(row[1], row[0], row[2], row[3]) for row in rows], first, last, position)


def versions(tx: Tx, collection: Collection, object_id: str, query: Query = ALL) -> VersionPage:
    """Return the versions of one object, whatever ids and versions ``query`` asks for."""
    asked = Query(query.after, query.limit, (object_id,), (), query.spec_versions, EVERY)
    rows, first, last, position = _ask(tx, collection, asked, "versions")
    return VersionPage([(row[1], row[0]) for row in rows], first, last, position)


def latest(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, Item]:
    """Find the newest version of each of ``ids`` that the collection has."""
    log = objects.c
    found: dict[str, Item] = {}
    for chunk in chunks(ids):
        rows = tx.execute(
            select(log.id, log.type, log.spec_version, log.version, log.revoked, log.body).where(
                log.collection == collection.number, any_of(tx, log.id, chunk), log.latest
            )
        )
        found.update((row.id, Item(*row)) for row in rows)
    return found


def has(tx: Tx, collection: Collection, object_id: str) -> bool:
    """Return whether the collection holds any version of the object."""
    return tx.execute(_HAS, {"in_collection": collection.number, "object_id": object_id}).first() is not None


def added(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, int]:
    """Return by id the ``date_added`` of the newest version of each of ``ids`` (microseconds)."""
    log = objects.c
    found: dict[str, int] = {}
    for chunk in chunks(ids):
        asked = select(log.id, log.date_added).where(
            log.collection == collection.number, any_of(tx, log.id, chunk), log.latest
        )
        found.update((id_, at) for id_, at in tx.execute(asked))
    return found


def count(tx: Tx, collection: Collection) -> int:
    """Count the objects of the collection, each once whatever its versions."""
    log = objects.c
    return tx.execute(select(func.count()).where(log.collection == collection.number, log.latest)).scalar_one()


def last_added(tx: Tx, collection: Collection) -> int | None:
    """Return the collection's last ``date_added`` (microseconds), None if nothing was ever added."""
    asked = select(collections.c.last_added).where(collections.c.number == collection.number)
    return tx.execute(asked).scalar_one() or None


def newest(tx: Tx, collection: Collection) -> int | None:
    """Return the ``date_added`` of the last object of the default listing (microseconds), None where it is empty."""
    asked = select(func.max(objects.c.date_added)).where(objects.c.collection == collection.number, objects.c.latest)
    found: int | None = tx.execute(asked).scalar_one()
    return found


def first_added(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, int]:
    """Return by id the ``date_added`` of the first version of those of ``ids`` that the collection has."""
    log = objects.c
    found: dict[str, int] = {}
    for chunk in chunks(sorted(set(ids))):
        asked = (
            select(log.id, func.min(log.date_added))
            .where(log.collection == collection.number, any_of(tx, log.id, chunk))
            .group_by(log.id)
        )
        found.update((row[0], row[1]) for row in tx.execute(asked))
    return found


def latest_of_type(tx: Tx, collection: Collection, type_: str, limit: int) -> list[str]:
    """Return the ids of the objects of a type that were added or changed last, the newest first."""
    log = objects.c
    asked = (
        select(log.id)
        .where(log.collection == collection.number, log.latest, log.type == type_)
        .order_by(log.date_added.desc())
        .limit(limit)
    )
    return [row[0] for row in tx.execute(asked)]


def delete(tx: Tx, collection: Collection, query: Query) -> int:
    """Delete the object versions that ``query`` asks for, and return their number.

    The newest version that is left of an object becomes its latest.
    """
    _lock(tx, collection.number)
    keys, *_ = _ask(tx, collection, replace(query, limit=UNLIMITED), "keys")
    if not keys:
        return 0
    log = objects.c
    statement = sql_delete(objects).where(log.collection == collection.number, log.date_added == bindparam("at"))
    tx.execute(statement, [{"at": key[0]} for key in keys])
    count_changes(tx, collection, [key[0] for key in keys])
    left = stored_versions(tx, collection, {key[1] for key in keys}).values()
    update_marks(tx, collection, [(rows, len(rows)) for rows in left])
    return len(keys)


def mark_latest(rows: Sequence[VersionRow]) -> None:
    """Mark, among all rows of one id, the newest version in the newest STIX, and the rows that a newer STIX has too.

    An object that has no versions counts as of the moment it was added.
    """
    newest_spec = max(row.spec_version for row in rows)
    newest = max(rows, key=_age)
    for row in rows:
        row.latest = row is newest
        row.legacy = row.spec_version != newest_spec


def stored_versions(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, list[VersionRow]]:
    """Fetch the rows of the versions of each of ``ids`` that the collection has."""
    log = objects.c
    history: dict[str, list[VersionRow]] = {}
    columns = select(log.id, log.date_added, log.spec_version, log.version, log.latest, log.legacy)
    for chunk in chunks(ids):
        found = tx.execute(columns.where(log.collection == collection.number, any_of(tx, log.id, chunk)))
        for id_, *row in found:
            history.setdefault(id_, []).append(VersionRow(*row))
    return history


def update_marks(tx: Tx, collection: Collection, histories: Iterable[tuple[Sequence[VersionRow], int]]) -> None:
    """Mark the rows of each id anew, and update those among the first so many of them whose marks changed."""
    changed = []
    for rows, stored in histories:
        before = [(row.latest, row.legacy) for row in rows]
        mark_latest(rows)
        changed += [
            {"at": row.date_added, "is_latest": row.latest, "is_legacy": row.legacy}
            for row, marks in list(zip(rows, before, strict=True))[:stored]
            if (row.latest, row.legacy) != marks
        ]
    if changed:
        log = objects.c
        marks = (
            update(objects)
            .where(log.collection == collection.number, log.date_added == bindparam("at"))
            .values(latest=bindparam("is_latest"), legacy=bindparam("is_legacy"))
        )
        tx.execute(marks, changed)
        count_changes(tx, collection, [row["at"] for row in changed])


def count_changes(tx: Tx, collection: Collection, dates: Iterable[int]) -> None:
    """Count a change of the rows that were added at ``dates``; the caller holds the collection's lock.

    A stretch's count grows by a random number, so that a database that lost its last changes never comes to a count
    that was told before, with other rows.
    """
    for span in sorted({date >> _SPAN_BITS for date in dates}):
        changes = 1 + secrets.randbelow(_LARGEST_STEP)
        here = (rewrites.c.collection == collection.number, rewrites.c.span == span)
        if not tx.execute(update(rewrites).where(*here).values(count=rewrites.c.count + changes)).rowcount:
            tx.execute(insert(rewrites).values(collection=collection.number, span=span, count=changes))


def change_mark(tx: Tx, collection: Collection, first: int, last: int | None) -> tuple[int, int]:
    """Return a value that differs whenever a row added from ``first`` to ``last`` has changed.

    Without ``last`` this goes to the end of the log, and an addition is a change too.
    """
    end = _NEVER if last is None else last
    where = {"number": collection.number, "begin": first >> _SPAN_BITS, "end": end >> _SPAN_BITS}
    found: int | None = tx.execute(_MARK, where).scalar()
    return int(found or 0), (tx.execute(_LAST, where).scalar() or 0) if last is None else 0


_NEVER = (1 << 63) - 1
_LAST = select(collections.c.last_added).where(collections.c.number == bindparam("number"))
_MARK = (
    select(func.sum(rewrites.c.count))
    .where(rewrites.c.collection == bindparam("number"))
    .where(rewrites.c.span >= bindparam("begin", type_=BigInteger))
    .where(rewrites.c.span <= bindparam("end", type_=BigInteger))
)


_HAS = (
    select(1).where(objects.c.collection == bindparam("in_collection"), objects.c.id == bindparam("object_id")).limit(1)
)


# Run with every POST, so put together once. Rows that refer to a collection may be added while it is locked.
_THIS = collections.c.number == bindparam("of_number")
_LOCK = select(collections.c.last_added).where(_THIS).with_for_update(key_share=True)
_ADDED = (
    update(collections)
    .where(_THIS)
    .values(last_added=bindparam("end", type_=BigInteger), timeline=bindparam("on_timeline"))
)
_LOCK_END = select(collections.c.last_added, collections.c.timeline).where(_THIS).with_for_update(key_share=True)
_LOCK_END_BY_CLOCK = _LOCK_END.add_columns(literal_column(CLOCK, BigInteger), literal_column(TIMELINE, Integer))

# The clocks of two database servers differ by less than this.
CLOCK_DIFFERENCE = 60_000_000


class _LogEnd(NamedTuple):
    """The last ``date_added`` of a collection, the earliest of the next one, and the database's timeline."""

    last: int
    moment: int
    timeline: int


def _lock_end(tx: Tx, number: int) -> _LogEnd:
    """Lock a collection for appending until the transaction ends.

    After a change of the timeline the next ``date_added`` is later than the clock of any server would have given: what
    the server before had added last, and some reader has read, may have been lost with it.
    """
    by_clock = bool(tx.info.get(HAS_TIMELINES))
    row = tx.execute(_LOCK_END_BY_CLOCK if by_clock else _LOCK_END, {"of_number": number}).first()
    if row is None:
        raise UnknownCollection("the collection does not exist any more")
    if not by_clock:
        moment = now() if tx.dialect.name == "sqlite" else database_time(tx)
        return _LogEnd(row[0], moment, row[1])
    last, before, moment, timeline = row
    return _LogEnd(last, moment + CLOCK_DIFFERENCE if before not in (0, timeline) else moment, timeline)


def _lock(tx: Tx, number: int) -> int:
    last: int | None = tx.execute(_LOCK, {"of_number": number}).scalar()
    if last is None:
        raise UnknownCollection("the collection does not exist any more")
    return last


def _ask(
    tx: Tx, collection: Collection, query: Query, columns: Columns
) -> tuple[list[Any], int | None, int | None, int | None]:
    """Fetch the rows of a page, the ``date_added`` of its ends, and the position to go on from."""
    rows: list[Any] = list(tx.execute(statement(query, columns), parameters(collection, query)).all())
    if not rows:
        return rows, None, None, None
    position = None
    if query.limit < len(rows):
        rows.pop()
        position = rows[-1][0]
    return rows, rows[0][0], rows[-1][0], position


def _insert(
    tx: Tx, collection: Collection, items: list[Item], start: int, history: dict[str, list[VersionRow]]
) -> None:
    fresh: dict[str, list[VersionRow]] = {}
    rows: list[VersionRow] = []
    for date_added, item in enumerate(items, start):
        row = VersionRow(date_added, item.spec_version, item.version, latest=True, legacy=False)
        rows.append(row)
        fresh.setdefault(item.id, []).append(row)
    update_marks(
        tx,
        collection,
        [
            ([*old, *new], len(old))
            for id_, new in fresh.items()
            for old in [history.get(id_, [])]
            if old or len(new) > 1
        ],
    )
    number = collection.number
    insert_many(
        tx,
        objects,
        [
            (number, row.date_added, *item[:5], row.latest, row.legacy, item.body)
            for row, item in zip(rows, items, strict=True)
        ],
    )


def _age(row: VersionRow) -> tuple[str, int, int]:
    return row.spec_version, row.date_added if row.version is None else row.version, row.date_added
