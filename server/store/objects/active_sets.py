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

    ``end`` is None where it ends never by itself. What a listing brought along is revoked with the listing.
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


# The row of a version of an object, and which thing of the row it is: see ``parts``.
_Place = tuple[int, int]


class _Row(NamedTuple):
    """One thing of a row of the log, and the id of the listing that brought it along; "" for none."""

    id: str
    part: int
    date_added: int
    latest: int
    body: bytes
    listing: str

    @property
    def place(self) -> _Place:
        return self.date_added, self.part


class _Newest(NamedTuple):
    """The place of the newest version of an object, and whether the listing that brought it along is revoked."""

    place: _Place
    is_withdrawn: bool


def newest(tx: Tx, collection: Collection, after: int, upto: int, most: int) -> LogStretch:
    """Return of the rows after ``after`` what was the newest of its id at ``upto``, of at most so many rows."""
    found, end, more = _rows(tx, collection, after, upto, most)
    superseded = {row.id for row in found if not row.latest & row.part}
    last = _newest_things(_versions_of(tx, collection, superseded), upto)
    standing = [row for row in found if row.latest & row.part or _is_at(last.get(row.id), row.place)]
    changed = {row.listing for row in standing if row.listing and not row.latest & FULL}
    listings = _newest_things(_versions_of(tx, collection, changed), upto)
    withdrawn = {id_ for id_, (_, thing) in listings.items() if thing.revoked}
    return LogStretch([read_version(row.id, row.body, row.listing in withdrawn) for row in standing], end, more)


class Change(NamedTuple):
    """The change of the newest versions by a stretch of a log: those that it brought, and those that they superseded.

    What a listing brought along is among both where the listing changed.
    """

    brought: list[StoredVersion]
    superseded: list[StoredVersion]
    end: int
    more: bool


def changes(tx: Tx, collection: Collection, after: int, upto: int, most: int) -> Change:
    """Return how the newest versions at the end of a stretch differ from those at ``after``, of so many rows."""
    found, end, more = _rows(tx, collection, after, upto, most)
    touched = {row.id for row in found}
    versions = _versions_of(tx, collection, touched)
    if collection.part == FULL:
        # What came with the listings that changed, and the listings that ever brought it.
        touched |= _brought_along(versions)
        versions |= _versions_of(tx, collection, touched - versions.keys())
        versions |= _versions_of(tx, collection, _listings(versions) - versions.keys())
    now, before = _newest_of(versions, touched, end), _newest_of(versions, touched, after)
    differing = [id_ for id_ in touched if now.get(id_) != before.get(id_)]
    here = {row.place: row.body for row in found}
    return Change(
        _stored(tx, collection, differing, now, here), _stored(tx, collection, differing, before, here), end, more
    )


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
        own = ""
        for part in parts:
            if part == OBSERVABLE and names.observable_high is None:
                break
            end = date_added + LATER[part]
            id_ = names.id(part)
            found.append(_Row(id_, part, date_added, latest, unpacked[_PLACE.get(part, 0)], own))
            own = own or id_
    return (found, end, True) if len(rows_found) == most else (found, upto, False)


_Versions = dict[str, list[tuple[int, Thing]]]


def _versions_of(tx: Tx, collection: Collection, ids: Iterable[str]) -> _Versions:
    """Return by id all versions of these objects in a variant, each with its bit."""
    bits = sum(OF_VARIANT[collection.part])
    found: _Versions = {}
    for thing in rows.in_logs(tx, [collection.log], set(ids)):
        if part := thing.part & bits:
            found.setdefault(thing.id, []).append((part, thing))
    return found


def _brought_along(versions: _Versions) -> set[str]:
    """Return the ids of what came with versions of listings."""
    return {
        thing.names.id(along)
        for known in versions.values()
        for part, thing in known
        if part == FULL and thing.names.observable_high is not None
        for along in (OBSERVABLE, RELATIONSHIP)
    }


def _listings(versions: _Versions) -> set[str]:
    """Return the ids of the listings that brought some of these along."""
    return {thing.names.id(FULL) for known in versions.values() for part, thing in known if part in _PLACE}


def _newest_things(versions: _Versions, upto: int) -> dict[str, tuple[int, Thing]]:
    """Return by id the newest version up to a place; ids without any are left out."""
    found = {}
    for id_, known in versions.items():
        there = [(part, thing) for part, thing in known if thing.date_added + LATER[part] <= upto]
        if there:
            found[id_] = max(there, key=lambda pair: _age(*pair))
    return found


def _is_at(version: tuple[int, Thing] | None, place: _Place) -> bool:
    return version is not None and (version[1].date_added, version[0]) == place


def _newest_of(versions: _Versions, ids: set[str], upto: int) -> dict[str, _Newest]:
    """Return by id the newest version of each of ``ids`` up to a place; their listings are among the versions."""
    things = _newest_things(versions, upto)
    found: dict[str, _Newest] = {}
    for id_ in ids & things.keys():
        part, thing = things[id_]
        is_withdrawn = part in _PLACE and things[thing.names.id(FULL)][1].revoked
        found[id_] = _Newest((thing.date_added, part), is_withdrawn)
    return found


def _age(part: int, thing: Thing) -> tuple[str, int, int]:
    """Return what sorts the versions of one id, as additions to the log sort them."""
    date_added = thing.date_added + LATER[part]
    return thing.names.spec(part), thing.names.stamp(part, date_added), date_added


def _stored(
    tx: Tx, collection: Collection, ids: Iterable[str], newest_by_id: dict[str, _Newest], here: dict[_Place, bytes]
) -> list[StoredVersion]:
    """Return the newest versions of these ids; the bodies of some are ``here``."""
    found = []
    for id_ in ids:
        if (known := newest_by_id.get(id_)) is not None:
            body = here.get(known.place) or _body(tx, collection, *known.place)
            found.append(read_version(id_, body, known.is_withdrawn))
    return found


def _body(tx: Tx, collection: Collection, date_added: int, part: int) -> bytes:
    for bits, packed in tx.execute(_AT, {"in_log": collection.log, "at": date_added}):
        if bits & collection.part:
            return bodies.of(tx).all_of(tx, packed)[_PLACE.get(part, 0)]
    raise LookupError("what was in the log is gone")


class _Facts(msgspec.Struct):
    """The properties of an object that are read."""

    modified: str | None = None
    created: str | None = None
    valid_until: str | None = None
    revoked: bool = False


_facts = msgspec.json.Decoder(_Facts)


def read_version(id_: str, body: bytes, is_withdrawn: bool) -> StoredVersion:
    """Return a version by its id and its bytes; ``is_withdrawn`` with the listing that brought it along."""
    facts = _facts.decode(body)
    end = None if facts.valid_until is None else parse(facts.valid_until)
    return StoredVersion(id_, facts.modified or facts.created or "", end, facts.revoked or is_withdrawn, body)


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
