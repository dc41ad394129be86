"""The log: every version of every object of a collection, in the order of ``date_added``.

The log grows only at its end. But a newer version takes the mark of the latest from an older row, and a deleted row
disappears. Each such change is counted for the row's period of about 17 seconds, so that a cached page can be
recognised as still valid.

A shared collection and its full variant share one log. A row may have several objects, which the full variant shows one
after the other; see ``parts``. For additions see ``additions``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, func, or_, select, text

from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.item import FULL, LATER, OBSERVABLE, OF_VARIANT, PLAIN, RELATIONSHIP, Item
from server.store.objects import bodies, digests, object_ids, rows
from server.store.objects.additions import Appended, append, append_all, lock, remove, reserve
from server.store.objects.ends import CLOCK_DIFFERENCE, allocate
from server.store.objects.fast_reads import refuse_long
from server.store.objects.query import (
    ALL,
    EVERY,
    NAMES,
    UNLIMITED,
    Columns,
    Names,
    Query,
    ids_of,
    parameters,
    parts_of,
    statement,
)
from server.store.objects.rows import SPAN_BITS, Thing, private_collections_of
from server.store.tables import collections, objects, rewrites

__all__ = [
    "CLOCK_DIFFERENCE",
    "MOST_PAGE_BYTES",
    "Appended",
    "BodyPage",
    "Manifest",
    "ManifestRecord",
    "VersionPage",
    "added",
    "allocate",
    "append",
    "append_all",
    "change_mark",
    "count",
    "delete",
    "first_added",
    "has",
    "last_added",
    "last_withdrawn",
    "latest",
    "latest_everywhere",
    "latest_of_type",
    "lock",
    "manifest",
    "newest",
    "page",
    "private_collections_of",
    "reserve",
    "versions",
]

# A page ends with the object whose body reaches this size, even if more objects were requested.
MOST_PAGE_BYTES = 32 * 1024 * 1024


class BodyPage(NamedTuple):
    """Bodies as stored, the ``date_added`` of the ``first`` and the ``last``, and where the ``next`` page begins."""

    bodies: list[bytes]
    first: int | None
    last: int | None
    next: int | None


class ManifestRecord(NamedTuple):
    """One line of a manifest. Both times are in microseconds."""

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
    """A page of the versions of one object, each with its ``date_added``, in the order of addition."""

    versions: list[tuple[int, int]]
    first: int | None
    last: int | None
    next: int | None


# One object of a row: its ``date_added``, its bit, and the row as selected by ``query.statement``.
_Found = tuple[int, int, Any]


def page(tx: Tx, collection: Collection, query: Query) -> BodyPage:
    """Return the bodies selected by ``query``, up to the one that reaches ``MOST_PAGE_BYTES``.

    ``next`` is None on the last page, and never leads to an empty one.
    """
    if not query.ids:
        given = {"in_log": collection.log, "position": query.after - max(LATER.values())}
        refuse_long(tx, query.limit, lambda rows: tx.execute(_BEYOND, given | {"rows": rows}).first() is not None)
    if collection.part == PLAIN and not query.ids:
        return _plain_page(tx, collection, query)
    found, position = _ask(tx, collection, query, "bodies")
    unpacked = _bodies(tx, collection, found)
    if len(unpacked) < len(found):
        del found[len(unpacked) :]
        position = found[-1][0]
    return BodyPage(unpacked, *_ends(found), position)


def manifest(tx: Tx, collection: Collection, query: Query) -> Manifest:
    """Return the same page as ``page``, as manifest records instead of bodies."""
    found, position = _ask(tx, collection, query, "records")
    if not found:
        return Manifest([], None, None, None)
    dates, parts, named = zip(*found, strict=True)
    if collection.part == PLAIN:
        ids = object_ids.unpack_all([row[3:9] for row in named])
        stamps = [date if row[9] is None else row[9] for date, row in zip(dates, named, strict=True)]
        specs = [object_ids.spec_version(row[10]) for row in named]
    else:
        names = [Names(*row[3:]) for row in named]
        ids = object_ids.unpack_all([name.packed(part) for name, part in zip(names, parts, strict=True)])
        stamps = [name.stamp(part, date) for name, part, date in zip(names, parts, dates, strict=True)]
        specs = [name.spec(part) for name, part in zip(names, parts, strict=True)]
    records = list(map(ManifestRecord._make, zip(ids, dates, stamps, specs, strict=True)))
    return Manifest(records, *_ends(found), position)


def versions(tx: Tx, collection: Collection, object_id: str, query: Query = ALL) -> VersionPage:
    """Return the versions of one object, ignoring the ids and versions of ``query``."""
    asked = Query(query.after, query.limit, (object_id,), (), query.spec_versions, EVERY, granted=query.granted)
    found, position = _ask(tx, collection, asked, "records")
    stamps = [(Names(*row[3:]).stamp(part, date_added), date_added) for date_added, part, row in found]
    return VersionPage(stamps, *_ends(found), position)


def latest(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, Item]:
    """Return the newest version of each of ``ids`` in the collection."""
    return {thing.id: thing.item(tx) for thing in _latest(tx, collection, ids)}


def latest_everywhere(tx: Tx, ids: Iterable[str]) -> dict[int, dict[str, Item]]:
    """Return the newest version of each of ``ids`` in every released or private collection.

    The key is the number of the collection. A shared collection's full variant represents both.
    """
    found: dict[int, dict[str, Item]] = {}
    for thing in rows.latest_everywhere(tx, set(ids)):
        found.setdefault(thing.number, {})[thing.id] = thing.item(tx)
    return found


def has(tx: Tx, collection: Collection, object_id: str, granted: int = 0) -> bool:
    """Return whether the collection has any version of the object, unless it was withdrawn by ``granted``."""
    query = Query(limit=1, ids=(object_id,), spec_versions=_ANY, versions=EVERY, granted=granted)
    return bool(_ask(tx, collection, query, "records")[0])


def added(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, int]:
    """Return by id the ``date_added`` of the newest version of each of ``ids`` (microseconds)."""
    return {thing.id: thing.date_added + LATER[thing.part & _of(collection)] for thing in _latest(tx, collection, ids)}


def count(tx: Tx, collection: Collection) -> int:
    """Return the number of objects in the collection, regardless of their versions."""
    found: int = tx.execute(_COUNT, {"number": collection.number}).scalar_one()
    return found


def last_added(tx: Tx, collection: Collection) -> int | None:
    """Return the collection's last ``date_added`` (microseconds), or None if it is empty."""
    return tx.execute(_LAST, {"number": collection.number}).scalar_one() or None


def last_withdrawn(tx: Tx, collection: Collection, by: int) -> int:
    """Return the ``date_added`` of the last revocation in the collection up to ``by`` (microseconds), or 0."""
    return tx.execute(_LAST_REVOKED, {"in_log": collection.log, "bits": collection.part, "by": by}).scalar() or 0


def newest(tx: Tx, collection: Collection) -> int | None:
    """Return the ``date_added`` of the last object of the default listing (microseconds), or None if it is empty."""
    bits = _of(collection)
    row: Any = tx.execute(_NEWEST, {"in_log": collection.log, "bits": bits}).first()
    if row is None:
        return None
    date_added, latest_bits = row
    return max(int(date_added) + LATER[part] for part in OF_VARIANT[collection.part] if latest_bits & part)


def first_added(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, int]:
    """Return by id the ``date_added`` of the first version of each of ``ids`` in the collection."""
    found: dict[str, int] = {}
    for thing in rows.in_logs(tx, [collection.log], set(ids)):
        if part := thing.part & _of(collection):
            at = thing.date_added + LATER[part]
            found[thing.id] = min(at, found.get(thing.id, at))
    return found


def latest_of_type(tx: Tx, collection: Collection, type_: str, limit: int, *, up_to: int | None = None) -> list[str]:
    """Return the ids of the last added or changed objects of a type, the newest first.

    ``up_to`` is a ``date_added`` that limits the additions.
    """
    given = {"in_log": collection.log, "bits": collection.part, "of_type": type_, "rows": limit}
    given |= {"of_number": object_ids.type_number(type_)} | ({} if up_to is None else {"up_to": up_to})
    found: Iterable[Any] = tx.execute(_OF_TYPE if up_to is None else _OF_TYPE_UP_TO, given)
    return [Names(*row).id(collection.part) for row in found]


def delete(tx: Tx, collection: Collection, query: Query) -> int:
    """Delete the object versions selected by ``query``, and return their number.

    The newest remaining version of an object becomes its latest. Raises ``ValueError`` for a collection with variants.
    """
    if collection.part != PLAIN or collection.filled_by_release:
        raise ValueError("objects in a released collection are revoked, not deleted")
    lock(tx, [collection])
    found, _ = _ask(tx, collection, replace(query, limit=UNLIMITED), "records")
    if found:
        digests.forget(tx, collection)
        remove(tx, collection, [(date_added, Names(*row[3:]).id(part)) for date_added, part, row in found])
    return len(found)


def change_mark(tx: Tx, collection: Collection, first: int, last: int | None) -> tuple[int, int]:
    """Return a value that changes whenever a row added from ``first`` to ``last`` changes.

    Without ``last`` it covers the log to its end, including additions.
    """
    end = _NEVER if last is None else last
    where = {"number": collection.number, "begin": first >> SPAN_BITS, "end": end >> SPAN_BITS}
    found: int | None = tx.execute(_MARK, where).scalar()
    return int(found or 0), (tx.execute(_LAST, where).scalar() or 0) if last is None else 0


def _plain_page(tx: Tx, collection: Collection, query: Query) -> BodyPage:
    """Return a page as ``page`` does, where each row has one object."""
    asked, given = statement(query, "bodies", (PLAIN,)), parameters(collection, query)
    found: list[Any] = list(tx.execute(asked, {**given, "after": query.after, "rows": query.limit + 1}).all())
    if not found:
        return BodyPage([], None, None, None)
    unpacked = bodies.of(tx).firsts(tx, [row[2] for row in found[: query.limit]], MOST_PAGE_BYTES)
    last = found[len(unpacked) - 1][0]
    return BodyPage(unpacked, found[0][0], last, last if len(unpacked) < len(found) else None)


def _ask(tx: Tx, collection: Collection, query: Query, columns: Columns) -> tuple[list[_Found], int | None]:
    """Return the objects of a page, and the position to continue from."""
    found = _named(tx, collection, query, columns) if query.ids else _in_order(tx, collection, query, columns)
    if len(found) <= query.limit:
        return found, None
    del found[query.limit :]
    return found, found[-1][0]


def _ends(found: Sequence[_Found]) -> tuple[int | None, int | None]:
    return (found[0][0], found[-1][0]) if found else (None, None)


def _in_order(tx: Tx, collection: Collection, query: Query, columns: Columns) -> list[_Found]:
    """Fetch the objects selected by ``query``, plus one more to detect a next page."""
    parts = parts_of(collection, query)
    asked, given = statement(query, columns, parts), parameters(collection, query)
    most = query.limit + 1
    if parts in ((PLAIN,), (FULL,)):
        rows_found = tx.execute(asked, {**given, "after": query.after, "rows": most}).all()
        [part] = parts
        return [(row[0], part, row) for row in rows_found]
    places = [(part, LATER[part]) for part in parts]
    found: list[_Found] = []
    after = query.after - max(LATER.values())
    # Most rows have three objects, or one.
    wanted = most // 3 + _MORE_ROWS
    while True:
        rows_found = tx.execute(asked, {**given, "after": after, "rows": wanted}).all()
        for row in rows_found:
            date_added, bits = row[0], row[1]
            for part, later in places:
                if bits & part and date_added + later > query.after:
                    found.append((date_added + later, part, row))
        if len(rows_found) < wanted or len(found) >= most:
            return found[:most]
        after, wanted = rows_found[-1][0], most - len(found) + _MORE_ROWS


def _named(tx: Tx, collection: Collection, query: Query, columns: Columns) -> list[_Found]:
    """Fetch the objects selected by ``query`` by id, plus one more to detect a next page."""
    found: list[_Found] = []
    for part in parts_of(collection, query):
        ids = frozenset(ids_of(part, query.ids))
        if ids:
            found += _named_part(tx, collection, replace(query, ids=tuple(ids)), columns, part)
    found.sort(key=itemgetter(0, 1))
    return found[: query.limit + 1]


def _named_part(tx: Tx, collection: Collection, query: Query, columns: Columns, part: int) -> list[_Found]:
    asked, given = statement(query, columns, (part,)), parameters(collection, query)
    later, ids = LATER[part], frozenset(query.ids)
    found: list[_Found] = []
    after = query.after - later
    while True:
        wanted = query.limit + 1 - len(found)
        rows_found = tx.execute(asked, {**given, "after": after, "rows": wanted}).all()
        # Another id may begin like one of these.
        found += [(row[0] + later, part, row) for row in rows_found if Names(*row[3:]).id(part) in ids]
        if len(rows_found) < wanted or len(found) > query.limit:
            return found
        after = rows_found[-1][0]


def _bodies(tx: Tx, collection: Collection, found: Sequence[_Found]) -> list[bytes]:
    """Return the bodies of the found objects, limited to a page. Bodies stored together are unpacked once."""
    if not found:
        return []
    store = bodies.of(tx)
    if collection.part == PLAIN:
        return store.firsts(tx, [row[2] for _, _, row in found], MOST_PAGE_BYTES)
    unpacked: list[bytes] = []
    size = 0
    last: Any = None
    all_of_last: tuple[bytes, ...] = ()
    for _, part, row in found:
        if row is not last:
            last, all_of_last = row, store.all_of(tx, row[2])
        unpacked.append(all_of_last[_PLACE[part]])
        size += len(unpacked[-1])
        if size >= MOST_PAGE_BYTES:
            break
    return unpacked


def _latest(tx: Tx, collection: Collection, ids: Iterable[str]) -> Iterator[Thing]:
    bits = _of(collection)
    return (thing for thing in rows.latest_in(tx, collection.log, ids) if thing.part & thing.latest & bits)


def _of(collection: Collection) -> int:
    return sum(OF_VARIANT[collection.part])


_PLACE = {FULL: 0, OBSERVABLE: 1, RELATIONSHIP: 2}
_ANY = ("2.0", "2.1")
# Fetched in addition to the minimum.
_MORE_ROWS = 64
_NEVER = (1 << 63) - 1
_COUNT = select(collections.c.objects).where(collections.c.number == bindparam("number"))
_LAST = select(collections.c.last_added).where(collections.c.number == bindparam("number"))
_MARK = (
    select(func.sum(rewrites.c.count))
    .where(rewrites.c.collection == bindparam("number"))
    .where(rewrites.c.span >= bindparam("begin", type_=BigInteger))
    .where(rewrites.c.span <= bindparam("end", type_=BigInteger))
)
_c = objects.c
_LATEST = (_c.collection == bindparam("in_log"), text("latest > 0"), _c.latest.bitwise_and(bindparam("bits")) > 0)
_NEWEST = select(_c.date_added, _c.latest).where(*_LATEST).order_by(_c.date_added.desc()).limit(1)
_BEYOND = (
    select(_c.date_added)
    .where(_c.collection == bindparam("in_log"), _c.date_added > bindparam("position", type_=BigInteger))
    .order_by(_c.date_added)
    .limit(1)
    .offset(bindparam("rows"))
)
# As written in the partial index.
_LAST_REVOKED = (
    select(_c.date_added)
    .where(_c.collection == bindparam("in_log"), text("revoked"), _c.date_added <= bindparam("by", type_=BigInteger))
    .where(_c.parts.bitwise_and(bindparam("bits")) > 0)
    .order_by(_c.date_added.desc())
    .limit(1)
)
_OF_TYPE = (
    select(*NAMES)
    .where(*_LATEST, _c.type == bindparam("of_number"), or_(_c.type > 0, _c.type_name == bindparam("of_type")))
    .order_by(_c.date_added.desc())
    .limit(bindparam("rows"))
)
_OF_TYPE_UP_TO = _OF_TYPE.where(_c.date_added <= bindparam("up_to", type_=BigInteger))
