"""The rows of the logs to aggregate: new ones in order, and earlier ones of the same values and ids."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, bindparam, func, select, text

from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.item import PLAIN
from server.store.objects import bodies, object_ids, rows
from server.store.objects.object_ids import PackedId
from server.store.tables import collections, objects


class SourceRow(NamedTuple):
    """A row of a log: ``key`` is its id or inbox key; ``value`` the number of its value."""

    added: int
    space: int
    type: str
    key: str
    value: int | None
    revoked: bool
    body: bytes


class Stretch(NamedTuple):
    """The next rows of a log, the place where they end, and whether there are more."""

    rows: list[SourceRow]
    end: int
    more: bool


class ListedVersion(NamedTuple):
    """A version of a listing of a value in a shared collection."""

    value: int
    log: int
    id: str
    added: int
    revoked: bool


def stretch(tx: Tx, log: Collection, after: int, most: int) -> Stretch:
    """Return the next rows of a log of any sort. The statement reads only the rows that it returns."""
    end: int = tx.execute(_LAST, {"of_log": log.number}).scalar_one()
    if end <= after:
        return Stretch([], after, False)
    found: Sequence[Any] = tx.execute(_ROWS, {"of_log": log.number, "after": after, "upto": end, "rows": most}).all()
    unpacked = bodies.of(tx).firsts(tx, [row[3] for row in found])
    read = [
        SourceRow(
            row[0],
            row[4],
            object_ids.type_name(row[7], row[8]),
            object_ids.unpack(PackedId(*row[4:])),
            row[1],
            bool(row[2]),
            body,
        )
        for row, body in zip(found, unpacked, strict=True)
    ]
    more = len(found) == most
    return Stretch(read, read[-1].added if more else end, more)


def first_reports(tx: Tx, inbox: Collection, values: Iterable[int]) -> dict[int, dict[int, int]]:
    """Return by value and space when the first report of the value was added there."""
    found: dict[int, dict[int, int]] = {}
    for chunk in chunks(sorted(set(values))):
        for value, space, added in tx.execute(_FIRST_REPORTS, {"of_log": inbox.number, "values": chunk}):
            found.setdefault(value, {})[space] = added
    return found


def bodies_at(tx: Tx, log: Collection, places: Iterable[int]) -> dict[int, bytes]:
    """Return the bodies of these rows of a log, by ``date_added``."""
    found: dict[int, bytes] = {}
    unpack = bodies.of(tx)
    for chunk in chunks(sorted(set(places))):
        for added, packed in tx.execute(_BODIES, {"of_log": log.number, "places": chunk}):
            found[added] = unpack.first(tx, packed)
    return found


def latest_reports(tx: Tx, inbox: Collection, values: Iterable[int]) -> dict[int, list[tuple[int, bytes]]]:
    """Return by value the newest version of each of its reports, with the reporter's space."""
    found: dict[int, list[tuple[int, bytes]]] = {}
    unpack = bodies.of(tx)
    for chunk in chunks(sorted(set(values))):
        for value, space, packed in tx.execute(_LATEST_REPORTS, {"of_log": inbox.number, "values": chunk}):
            found.setdefault(value, []).append((space, unpack.first(tx, packed)))
    return found


def listed_versions(tx: Tx, logs: Iterable[int], values: Iterable[int]) -> dict[int, list[ListedVersion]]:
    """Return by value all versions of its listings in these logs, in the order of addition."""
    numbers = sorted(set(logs))
    of_id: dict[str, int] = {}
    for chunk in chunks(sorted(set(values))):
        for value, *packed in tx.execute(_LISTED, {"values": chunk, "logs": numbers}):
            of_id[object_ids.unpack(PackedId(*packed))] = value
    found: dict[int, list[ListedVersion]] = {}
    # A revocation does not contain the value.
    for thing in rows.in_logs(tx, numbers, of_id):
        if thing.part & PLAIN:
            version = ListedVersion(of_id[thing.id], thing.log, thing.id, thing.date_added, bool(thing.revoked))
            found.setdefault(version.value, []).append(version)
    for versions in found.values():
        versions.sort(key=lambda version: (version.added, version.log))
    return found


def first_versions(tx: Tx, inbox: Collection, keys: Iterable[str]) -> dict[str, int]:
    """Return by key when the first version of each contribution was added."""
    found: dict[str, int] = {}
    for thing in rows.in_logs(tx, [inbox.number], set(keys)):
        found[thing.id] = min(thing.date_added, found.get(thing.id, thing.date_added))
    return found


def values_of(tx: Tx, keys: Iterable[str]) -> dict[str, int]:
    """Return by key the numbers of the values of reports (by inbox key) and listings (by id)."""
    found: dict[str, int] = {}
    for chunk in chunks(sorted(set(keys))):
        wanted = set(chunk)
        for value, *packed in tx.execute(_VALUES, {"halves": sorted(map(object_ids.half, chunk))}):
            key = object_ids.unpack(PackedId(*packed))
            if key in wanted:
                found[key] = value
    return found


_c = objects.c
_NAME = (_c.space, _c.id_high, _c.id_low, _c.type, _c.type_name, _c.id_text)
_LAST = select(collections.c.last_added).where(collections.c.number == bindparam("of_log"))
_ROWS = (
    select(_c.date_added, _c.value, _c.revoked, _c.body, *_NAME)
    .where(_c.collection == bindparam("of_log"), _c.date_added > bindparam("after", type_=BigInteger))
    .where(_c.date_added <= bindparam("upto", type_=BigInteger), _c.parts.bitwise_and(PLAIN) > 0)
    .order_by(_c.date_added)
    .limit(bindparam("rows"))
)
_FIRST_REPORTS = (
    select(_c.value, _c.space, func.min(_c.date_added))
    .where(among(_c.value, "values", BigInteger), text("value IS NOT NULL"))
    .where(_c.collection == bindparam("of_log"))
    .group_by(_c.value, _c.space)
)
_LATEST_REPORTS = select(_c.value, _c.space, _c.body).where(
    among(_c.value, "values", BigInteger),
    text("value IS NOT NULL"),
    _c.collection == bindparam("of_log"),
    _c.latest > 0,
)
_BODIES = select(_c.date_added, _c.body).where(
    _c.collection == bindparam("of_log"), among(_c.date_added, "places", BigInteger)
)
_LISTED = (
    select(_c.value, *_NAME)
    .where(among(_c.value, "values", BigInteger), text("value IS NOT NULL"), among(_c.collection, "logs", Integer))
    .distinct()
)
_VALUES = select(_c.value, *_NAME).where(among(_c.id_high, "halves", BigInteger), _c.value.is_not(None))
