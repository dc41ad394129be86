"""The newest versions of a collection's objects as of a place in its log, independent of later additions.

A log is append-only, so the newest version at a place can be found later. The row still has the mark of the newest, or
all newer versions come after that place.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, bindparam, select

from server.store.collections import Collection
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.database.times import parse
from server.store.item import FULL, LATER, OBSERVABLE, OF_VARIANT, RELATIONSHIP
from server.store.objects import bodies, rows
from server.store.objects.query import NAMES, Names
from server.store.objects.rows import Thing
from server.store.tables import objects

_PLACE = {OBSERVABLE: 1, RELATIONSHIP: 2}


class StoredVersion(NamedTuple):
    """A version of an object as served: its version as text, "" without one; its end in microseconds; its bytes.

    ``end`` is None for an object that does not expire. Objects that accompany a listing are revoked with it.
    """

    id: str
    version: str
    end: int | None
    revoked: bool
    body: bytes


class LogStretch(NamedTuple):
    """The newest versions in a stretch of a log, and the place where it ends; ``more``: further rows follow."""

    versions: list[StoredVersion]
    end: int
    more: bool


# The row of a version of an object, and its bit in the row: see ``parts``.
_Place = tuple[int, int]


class _Row(NamedTuple):
    """One object of a row of the log, and the id of the listing that it accompanies; "" for none."""

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
    """The place of the newest version of an object, and whether the listing that it accompanies is revoked."""

    place: _Place
    is_withdrawn: bool


def newest(tx: Tx, collection: Collection, after: int, upto: int, most: int) -> LogStretch:
    """Return the rows after ``after`` that were the newest of their ids at ``upto``, reading at most ``most`` rows."""
    found, end, more = _rows(tx, collection, after, upto, most)
    superseded = {row.id for row in found if not row.latest & row.part}
    last = _newest_things(_versions_of(tx, collection, superseded), upto)
    standing = [row for row in found if row.latest & row.part or _is_version_at(last.get(row.id), row.place)]
    changed = {row.listing for row in standing if row.listing and not row.latest & FULL}
    listings = _newest_things(_versions_of(tx, collection, changed), upto)
    withdrawn = {id_ for id_, (_, thing) in listings.items() if thing.revoked}
    return LogStretch([read_version(row.id, row.body, row.listing in withdrawn) for row in standing], end, more)


class Change(NamedTuple):
    """The change of the newest versions in a stretch of a log: the added ones, and the superseded ones.

    If a listing changed, the objects that accompany it are in both lists.
    """

    brought: list[StoredVersion]
    superseded: list[StoredVersion]
    end: int
    more: bool


def changes(tx: Tx, collection: Collection, after: int, upto: int, most: int) -> Change:
    """Return how the newest versions at the end of a stretch of ``most`` rows differ from those at ``after``."""
    found, end, more = _rows(tx, collection, after, upto, most)
    touched = {row.id for row in found}
    versions = _versions_of(tx, collection, touched)
    if collection.part == FULL:
        # Objects that accompany the changed listings, and all listings that ever had them.
        touched |= _accompanying_ids(versions)
        versions |= _versions_of(tx, collection, touched - versions.keys())
        versions |= _versions_of(tx, collection, _listings(versions) - versions.keys())
    now, before = _newest_of(versions, touched, end), _newest_of(versions, touched, after)
    differing = [id_ for id_ in touched if now.get(id_) != before.get(id_)]
    here = {row.place: row.body for row in found}
    return Change(
        _stored(tx, collection, differing, now, here), _stored(tx, collection, differing, before, here), end, more
    )


def _rows(tx: Tx, collection: Collection, after: int, upto: int, most: int) -> tuple[list[_Row], int, bool]:
    """Return the objects of the next rows in a variant, the place where they end, and whether there are more."""
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


def _accompanying_ids(versions: _Versions) -> set[str]:
    """Return the ids of objects that accompany versions of listings."""
    return {
        thing.names.id(along)
        for known in versions.values()
        for part, thing in known
        if part == FULL and thing.names.observable_high is not None
        for along in (OBSERVABLE, RELATIONSHIP)
    }


def _listings(versions: _Versions) -> set[str]:
    """Return the ids of the listings that any of these accompany."""
    return {thing.names.id(FULL) for known in versions.values() for part, thing in known if part in _PLACE}


def _newest_things(versions: _Versions, upto: int) -> dict[str, tuple[int, Thing]]:
    """Return by id the newest version up to a place. Ids without one are left out."""
    found = {}
    for id_, known in versions.items():
        there = [(part, thing) for part, thing in known if thing.date_added + LATER[part] <= upto]
        if there:
            found[id_] = max(there, key=lambda pair: _age(*pair))
    return found


def _is_version_at(version: tuple[int, Thing] | None, place: _Place) -> bool:
    return version is not None and (version[1].date_added, version[0]) == place


def _newest_of(versions: _Versions, ids: set[str], upto: int) -> dict[str, _Newest]:
    """Return by id the newest version of each of ``ids`` up to a place. Their listings are among the versions."""
    things = _newest_things(versions, upto)
    found: dict[str, _Newest] = {}
    for id_ in ids & things.keys():
        part, thing = things[id_]
        is_withdrawn = part in _PLACE and things[thing.names.id(FULL)][1].revoked
        found[id_] = _Newest((thing.date_added, part), is_withdrawn)
    return found


def _age(part: int, thing: Thing) -> tuple[str, int, int]:
    """Return the sort key for the versions of one id, the same as in additions to the log."""
    date_added = thing.date_added + LATER[part]
    return thing.names.spec(part), thing.names.stamp(part, date_added), date_added


def _stored(
    tx: Tx, collection: Collection, ids: Iterable[str], newest_by_id: dict[str, _Newest], here: dict[_Place, bytes]
) -> list[StoredVersion]:
    """Return the newest versions of these ids. Some of the bodies are ``here``."""
    known = [(id_, newest_by_id[id_]) for id_ in ids if id_ in newest_by_id]
    there = _bodies_at(tx, collection, {version.place for _, version in known} - here.keys())
    return [
        read_version(id_, here.get(version.place) or there[version.place], version.is_withdrawn)
        for id_, version in known
    ]


def _bodies_at(tx: Tx, collection: Collection, places: Set[_Place]) -> dict[_Place, bytes]:
    """Return the bodies of the objects at these places. Raises ``LookupError`` if a row is no longer in the log."""
    unpack, wanted = bodies.of(tx), defaultdict[int, list[int]](list)
    for date_added, part in places:
        wanted[date_added].append(part)
    found: dict[_Place, bytes] = {}
    for chunk in chunks(sorted(wanted)):
        for date_added, bits, packed in fetch(tx, _AT, {"in_log": collection.log, "places": chunk}):
            if bits & collection.part:
                stored = unpack.all_of(tx, packed)
                found |= {(date_added, part): stored[_PLACE.get(part, 0)] for part in wanted[date_added]}
    if len(found) < len(places):
        raise LookupError("a row is no longer in the log")
    return found


class _Facts(msgspec.Struct):
    """The properties that are read from an object."""

    modified: str | None = None
    created: str | None = None
    valid_until: str | None = None
    revoked: bool = False


_facts = msgspec.json.Decoder(_Facts)


def read_version(id_: str, body: bytes, is_withdrawn: bool) -> StoredVersion:
    """Return a version from its id and bytes; ``is_withdrawn`` if the listing that it accompanies is revoked."""
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
_AT = select(_c.date_added, _c.parts, _c.body).where(
    _c.collection == bindparam("in_log"), among(_c.date_added, "places", BigInteger)
)
