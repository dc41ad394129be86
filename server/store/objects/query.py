"""A reader's query of the log, and the SQL for it.

A row may have several objects that a reader asks for: see ``parts``. One statement finds the rows with any of these,
and returns their bits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from server.store.collections import Collection
from server.store.item import FULL, LATER, OBSERVABLE, OF_VARIANT, PLAIN, RELATIONSHIP
from server.store.objects import object_ids
from server.store.objects.object_ids import PackedId
from server.store.tables import objects

NEWEST_SPEC = "2.1"

Columns = Literal["bodies", "records"]


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of each object that a query selects: any of those set. ``dates`` are versions in microseconds."""

    first: bool = False
    last: bool = False
    every: bool = False
    dates: tuple[int, ...] = ()


LAST = Versions(last=True)
EVERY = Versions(every=True)

# More rows than any collection has.
UNLIMITED = 1 << 62


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a collection, answered in the order of ``date_added``.

    ``after`` is exclusive, in microseconds. An empty tuple does not filter. Without ``spec_versions`` each object is
    returned in the newest STIX that it is stored in. ``revoked`` selects only revoked objects, or only others. Objects
    withdrawn by ``granted`` (microseconds) are left out, with all their versions and the objects that accompany them.
    """

    after: int = -1
    limit: int = 10_000
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    spec_versions: tuple[str, ...] = ()
    versions: Versions = LAST
    revoked: bool | None = None
    granted: int = 0

    def past(self, position: int) -> "Query":
        """Return the same query from ``position`` on."""
        return replace(self, after=max(self.after, position))


ALL = Query(versions=EVERY)


class Names(NamedTuple):
    """The columns with the ids and versions of a row's objects; see ``tables``."""

    space: int
    high: int
    low: int
    type: int
    type_name: str | None
    text: str | None
    version: int | None
    spec_version: int
    observable_type: int = 0
    observable_high: int = 0
    observable_low: int = 0
    relationship_high: int = 0
    relationship_low: int = 0
    relationship_version: int = 0

    def packed(self, part: int) -> PackedId:
        """Return the id columns, or inbox key columns, of one of the objects."""
        if part == OBSERVABLE:
            return PackedId(0, self.observable_high, self.observable_low, self.observable_type, None, None)
        if part == RELATIONSHIP:
            return PackedId(0, self.relationship_high, self.relationship_low, _RELATIONSHIP, None, None)
        return PackedId(*self[:6])

    def id(self, part: int) -> str:
        """Return the id of one of the objects, or its inbox key."""
        return object_ids.unpack(self.packed(part))

    def stamp(self, part: int, date_added: int) -> int:
        """Return the version of one of the objects, or its own ``date_added`` if it has no version."""
        version = {OBSERVABLE: None, RELATIONSHIP: self.relationship_version}.get(part, self.version)
        return date_added if version is None else version

    def spec(self, part: int) -> str:
        """Return the STIX version of one of the objects."""
        return object_ids.spec_version(self.spec_version) if part in (PLAIN, FULL) else NEWEST_SPEC


log = objects.c
_Columns = ReadOnlyColumnCollection[str, Any]
_OWN_NAMES = (log.space, log.id_high, log.id_low, log.type, log.type_name, log.id_text, log.version, log.spec_version)
NAMES = (
    *_OWN_NAMES,
    *(log.observable_type, log.observable_high, log.observable_low),
    *(log.relationship_high, log.relationship_low, log.relationship_version),
)
_RELATIONSHIP = object_ids.type_number(object_ids.RELATIONSHIP)
# Objects that accompany a listing never have these types.
_NO_OBSERVABLES = frozenset(
    {
        *("indicator", "relationship", "sighting", "opinion", "note", "grouping", "identity", "location"),
        *("marking-definition", "extension-definition", "language-content"),
    }
)


def parts_of(collection: Collection, query: Query) -> tuple[int, ...]:
    """Return the objects that rows of the collection may have for ``query``."""
    parts = OF_VARIANT[collection.part]
    if collection.part == PLAIN:
        return parts
    if query.revoked or (query.spec_versions and NEWEST_SPEC not in query.spec_versions):
        parts = (FULL,)
    if query.types and object_ids.RELATIONSHIP not in query.types:
        parts = tuple(part for part in parts if part != RELATIONSHIP)
    if query.types and _NO_OBSERVABLES.issuperset(query.types):
        parts = tuple(part for part in parts if part != OBSERVABLE)
    return parts


def ids_of(part: int, ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids among ``ids`` that such an object may have."""
    if part == OBSERVABLE:
        return tuple(id_ for id_ in ids if object_ids.type_of(id_) not in _NO_OBSERVABLES)
    if part == RELATIONSHIP:
        return tuple(id_ for id_ in ids if object_ids.type_of(id_) == object_ids.RELATIONSHIP)
    return tuple(ids)


def statement(query: Query, columns: Columns, parts: tuple[int, ...]) -> Select[Any]:
    """Return the SQL for ``query``: the same object for every query of the same shape, so that it is compiled once.

    Its columns are the ``date_added``, the bits of the found objects, and the body or the bits of the row. For records
    or ids it adds ``Names``; for rows with a single object, only the columns of that object.
    """
    specs: _Specs = "listed"
    if not query.spec_versions:
        specs = "newest"
    elif set(query.spec_versions) == {NEWEST_SPEC}:
        specs = "newest-only"
    versions = query.versions
    shape = (versions.first, versions.last, versions.every, bool(versions.dates))
    hides = query.granted > max(query.after, 0)
    return _statement(columns, parts, bool(query.ids), bool(query.types), specs, shape, query.revoked, hides)


def parameters(collection: Collection, query: Query) -> dict[str, Any]:
    """Return the values for ``statement``, except ``after`` and ``rows``."""
    values: dict[str, Any] = {"in_log": collection.log}
    if query.ids:
        values["ids"] = tuple({object_ids.half(id_) for id_ in query.ids})
    if query.types:
        # 0 stands for every type without a number, matched by name.
        values["types"] = (0, *filter(None, map(object_ids.type_number, query.types)))
        values["type_names"] = query.types
    if query.spec_versions:
        values["spec_versions"] = tuple(map(object_ids.spec_number, query.spec_versions))
    if query.versions.dates and not query.versions.every:
        values["dates"] = query.versions.dates
    if query.granted > max(query.after, 0):
        values["granted"] = query.granted
    return values


_Specs = Literal["newest", "newest-only", "listed"]
_Shape = tuple[bool, bool, bool, bool]
_LAST_ONLY: _Shape = (False, True, False, False)


@lru_cache(maxsize=512)
def _statement(
    columns: Columns,
    parts: tuple[int, ...],
    ids: bool,
    types: bool,
    specs: _Specs,
    shape: _Shape,
    revoked: bool | None,
    hides: bool,
) -> Select[Any]:
    plainly_latest = shape == _LAST_ONLY and specs != "listed"
    conditions = {part: and_(*_conditions(part, ids, types, specs, shape, revoked, hides)) for part in parts}
    found = _found(conditions, any_latest=plainly_latest and not types and revoked is None)
    names = (NAMES if parts not in _ALONE else _OWN_NAMES) if ids or columns == "records" else ()
    asked = select(log.date_added, found, log.body if columns == "bodies" else log.parts, *names)
    # Ids are few: "+ 0" keeps the planner from walking the collection in order instead of looking them up.
    added = log.date_added + 0 if ids else log.date_added
    asked = asked.where(log.collection == bindparam("in_log"), added > bindparam("after", type_=BigInteger))
    if plainly_latest:
        # As written in the partial index, so that SQLite uses the index.
        asked = asked.where(text("latest > 0"))
        if hides:
            # A tombstone row has no other object.
            asked = asked.where(or_(not_(log.revoked), log.date_added > _GRANTED))
            if not {OBSERVABLE, RELATIONSHIP}.isdisjoint(parts):
                # Objects that accompany a superseded listing are withdrawn with the newer version.
                asked = asked.where(or_(_bit(log.latest, PLAIN | FULL), _not_withdrawn()))
    elif hides:
        asked = asked.where(_not_withdrawn())
    asked = asked.where(or_(*conditions.values()))
    return asked.order_by(added).limit(bindparam("rows", type_=BigInteger))


def _found(conditions: Mapping[int, ColumnElement[bool]], *, any_latest: bool) -> ColumnElement[int]:
    """Return the bits of a row's objects that meet ``conditions``; ``any_latest`` if all latest objects meet them."""
    if len(conditions) == 1:
        return literal_column(str(*conditions))
    if any_latest:
        return log.latest.bitwise_and(sum(conditions))
    return sum((case((condition, part), else_=0) for part, condition in conditions.items()), start=_NONE)


# The parts of queries for rows with a single object.
_ALONE = ((PLAIN,), (FULL,))
# The objects that have their own id, type and version.
_OWN = (PLAIN, FULL)
_NONE: ColumnElement[int] = literal_column("0")
_GRANTED = bindparam("granted", type_=BigInteger)
_STAMP = func.coalesce(log.version, log.date_added)
_STAMPS = {OBSERVABLE: log.date_added + LATER[OBSERVABLE], RELATIONSHIP: log.relationship_version}
_HALVES = {OBSERVABLE: log.observable_high, RELATIONSHIP: log.relationship_high}


def _conditions(
    part: int, ids: bool, types: bool, specs: _Specs, shape: _Shape, revoked: bool | None, hides: bool
) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row's object matches a query."""
    is_own = part in _OWN
    conditions: list[ColumnElement[bool]] = []
    if ids:
        conditions.append(_HALVES.get(part, log.id_high).in_(bindparam("ids", expanding=True)))
    if not (shape == _LAST_ONLY and specs != "listed"):
        conditions.append(_bit(log.parts, part) if is_own else _HALVES[part].is_not(None))
    if types:
        conditions += _types_wanted(part)
    if revoked is not None and is_own:
        conditions.append(log.revoked if revoked else not_(log.revoked))
    if specs == "newest" and shape != _LAST_ONLY:
        conditions.append(not_(_bit(log.legacy, part)))
    elif specs != "newest" and is_own:
        conditions.append(log.spec_version.in_(bindparam("spec_versions", expanding=True)))
    versions = _versions_wanted(part, specs, shape, hides)
    if versions:
        conditions.append(or_(*versions) if len(versions) > 1 else versions[0])
    return conditions


def _types_wanted(part: int) -> list[ColumnElement[bool]]:
    """Return the conditions that an object has a requested type. Relationships have one type."""
    if part == OBSERVABLE:
        return [log.observable_type.in_(bindparam("types", expanding=True))]
    if part == RELATIONSHIP:
        return []
    return [
        log.type.in_(bindparam("types", expanding=True)),
        or_(log.type > 0, log.type_name.in_(bindparam("type_names", expanding=True))),
    ]


def _bit(column: ColumnElement[int], part: int) -> ColumnElement[bool]:
    return column.bitwise_and(part) > 0


def _versions_wanted(part: int, specs: _Specs, shape: _Shape, hides: bool) -> list[ColumnElement[bool]]:
    """Return alternative conditions for a version; none if every version is requested.

    A relationship has one version. An observable occurs once for each listing that it accompanies.
    """
    first, last, every, dates = shape
    is_own = part in _OWN
    if every or (first and part == RELATIONSHIP):
        return []
    wanted: list[ColumnElement[bool]] = []
    if last:
        wanted.append(_no_other(part, specs, newer=True) if specs == "listed" and is_own else _bit(log.latest, part))
    if first:
        wanted.append(_no_other(part, specs, newer=False) if is_own else _is_first_occurrence(hides=hides))
    if dates:
        wanted.append(_STAMPS.get(part, _STAMP).in_(bindparam("dates", expanding=True)))
    return wanted


def _not_withdrawn(row: _Columns = log) -> ColumnElement[bool]:
    """Return the condition that no version of the id revoked it before the reader's access began."""
    other = objects.alias("tombstone")
    return not_(exists(1).where(*_same_id(other, row), other.c.revoked, other.c.date_added <= _GRANTED))


def _is_first_occurrence(*, hides: bool) -> ColumnElement[bool]:
    """Return the condition that an observable accompanied no earlier listing visible to the reader."""
    other = objects.alias("earlier")
    same = [
        *(other.c.collection == log.collection, other.c.observable_high == log.observable_high),
        *(other.c.observable_low == log.observable_low, other.c.observable_type == log.observable_type),
    ]
    if hides:
        same.append(_not_withdrawn(other.c))
    return not_(exists(1).where(*same, other.c.date_added < log.date_added))


def _same_id(other: FromClause, row: _Columns = log) -> tuple[ColumnElement[bool], ...]:
    return (
        *(other.c.collection == row.collection, other.c.id_high == row.id_high, other.c.id_low == row.id_low),
        *(other.c.space == row.space, other.c.type == row.type),
        func.coalesce(other.c.type_name, "") == func.coalesce(row.type_name, ""),
        func.coalesce(other.c.id_text, "") == func.coalesce(row.id_text, ""),
    )


def _no_other(part: int, specs: _Specs, *, newer: bool) -> ColumnElement[bool]:
    """Return the condition that no other requested row of the same id is newer (or older)."""
    other = objects.alias("other")
    stamp = func.coalesce(other.c.version, other.c.date_added)
    beyond = stamp > _STAMP if newer else stamp < _STAMP
    among = (
        not_(_bit(other.c.legacy, part))
        if specs == "newest"
        else other.c.spec_version.in_(bindparam("spec_versions", expanding=True))
    )
    return not_(exists(1).where(*_same_id(other), _bit(other.c.parts, part), among).where(beyond))
