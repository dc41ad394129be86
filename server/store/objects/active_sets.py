"""The newest versions of a collection's objects as of a place in its log, whatever is added meanwhile.

A log is only added to, so that what was the newest at a place is found at any time later: the row still has the mark of
the newest, or every newer version stands after that place.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, bindparam, select

from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import parse
from server.store.objects import bodies, rows
from server.store.objects.parts import FULL, LATER, OBSERVABLE, OF_VARIANT, RELATIONSHIP
from server.store.objects.query import NAMES, Names
from server.store.objects.rows import Thing
from server.store.tables import objects

_PLACE = {OBSERVABLE: 1, RELATIONSHIP: 2}


class StoredVersion(NamedTuple):
    """A version of an object as it is served: its version as text, "" without one; its end in microseconds; its bytes.

    ``end`` is None where it ends never by itself.
    """

    id: str
    version: str
    end: int | None
    revoked: bool
    body: bytes


class LogStretch(NamedTuple):
    """The newest versions in a stretch of a log, and the place where it ends; no ``more`` rows follow up to there."""

    versions: list[StoredVersion]
    end: int
    more: bool


class _Row(NamedTuple):
    """One thing of a row of the log: see ``parts``."""

    id: str
    part: int
    date_added: int
    latest: bool
    body: bytes

    @property
    def place(self) -> tuple[int, int]:
        return self.date_added, self.part


def newest(tx: Tx, collection: Collection, after: int, upto: int, most: int) -> LogStretch:
    """Return of the rows after ``after`` what was the newest of its id at ``upto``, of at most so many rows."""
    found, end, more = _rows(tx, collection, after, upto, most)
    superseded = {row.id for row in found if not row.latest}
    last = _newest_places(_versions_of(tx, collection, superseded), upto)
    return LogStretch(
        [_read(row.id, row.body) for row in found if row.latest or last.get(row.id) == row.place], end, more
    )


class Change(NamedTuple):
    """What a stretch of a log did to the newest versions: those that it brought, and those that they superseded."""

    brought: list[StoredVersion]
    superseded: list[StoredVersion]
    end: int
    more: bool


def changes(tx: Tx, collection: Collection, after: int, upto: int, most: int) -> Change:
    """Return how the newest versions at the end of a stretch differ from those at ``after``, of so many rows."""
    found, end, more = _rows(tx, collection, after, upto, most)
    versions = _versions_of(tx, collection, {row.id for row in found})
    now, before = _newest_places(versions, end), _newest_places(versions, after)
    brought = [_read(row.id, row.body) for row in found if now.get(row.id) == row.place]
    gone = {id_: place for id_, place in before.items() if now.get(id_) != place}
    return Change(brought, _stored(tx, collection, gone), end, more)


def _rows(tx: Tx, collection: Collection, after: int, upto: int, most: int) -> tuple[list[_Row], int, bool]:
    """Return what the next rows have in a variant, the place where they end, and whether there are more."""
    parts, unpack = OF_VARIANT[collection.part], bodies.of(tx)
    given = {"in_log": collection.log, "part": collection.part, "after": after, "upto": upto, "rows": most}
    found: list[_Row] = []
    end = after
    rows_found: Sequence[Any] = tx.execute(_ROWS, given).all()
    for date_added, latest, packed, *columns in rows_found:
        names = Names(*columns)
        unpacked = unpack.all_of(tx, packed) if collection.part == FULL else (unpack.first(tx, packed),)
        for part in parts:
            if part == OBSERVABLE and names.observable_high is None:
                break
            end = date_added + LATER[part]
            found.append(_Row(names.id(part), part, date_added, bool(latest & part), unpacked[_PLACE.get(part, 0)]))
    return (found, end, True) if len(rows_found) == most else (found, upto, False)


def _versions_of(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, list[tuple[int, Thing]]]:
    """Return by id all versions of these objects in a variant, each with its bit."""
    bits = sum(OF_VARIANT[collection.part])
    found: dict[str, list[tuple[int, Thing]]] = {}
    for thing in rows.in_logs(tx, [collection.log], set(ids)):
        if part := thing.part & bits:
            found.setdefault(thing.id, []).append((part, thing))
    return found


def _newest_places(versions: dict[str, list[tuple[int, Thing]]], upto: int) -> dict[str, tuple[int, int]]:
    """Return by id the row and the bit of the newest version up to a place; ids without any are left out."""
    found = {}
    for id_, known in versions.items():
        there = [(part, thing) for part, thing in known if thing.date_added + LATER[part] <= upto]
        if there:
            part, thing = max(there, key=lambda pair: _age(*pair))
            found[id_] = (thing.date_added, part)
    return found


def _age(part: int, thing: Thing) -> tuple[str, int, int]:
    """Return what sorts the versions of one id, as additions to the log sort them."""
    date_added = thing.date_added + LATER[part]
    return thing.names.spec(part), thing.names.stamp(part, date_added), date_added


def _stored(tx: Tx, collection: Collection, places: dict[str, tuple[int, int]]) -> list[StoredVersion]:
    """Return the versions at these places of a log, by id."""
    unpack = bodies.of(tx)
    found = []
    for id_, (date_added, part) in places.items():
        given = {"in_log": collection.log, "at": date_added}
        for bits, packed in tx.execute(_AT, given):
            if bits & collection.part:
                found.append(_read(id_, unpack.all_of(tx, packed)[_PLACE.get(part, 0)]))
    return found


class _Facts(msgspec.Struct):
    """The properties of an object that are read."""

    modified: str | None = None
    created: str | None = None
    valid_until: str | None = None
    revoked: bool = False


_facts = msgspec.json.Decoder(_Facts)


def _read(id_: str, body: bytes) -> StoredVersion:
    facts = _facts.decode(body)
    end = None if facts.valid_until is None else parse(facts.valid_until)
    return StoredVersion(id_, facts.modified or facts.created or "", end, facts.revoked, body)


_c = objects.c
_ROWS = (
    select(_c.date_added, _c.latest, _c.body, *NAMES)
    .where(_c.collection == bindparam("in_log"), _c.parts.bitwise_and(bindparam("part")) > 0)
    .where(_c.date_added > bindparam("after", type_=BigInteger))
    .where(_c.date_added <= bindparam("upto", type_=BigInteger))
    .order_by(_c.date_added)
    .limit(bindparam("rows", type_=BigInteger))
)
_AT = select(_c.parts, _c.body).where(
    _c.collection == bindparam("in_log"), _c.date_added == bindparam("at", type_=BigInteger)
)
