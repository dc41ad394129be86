"""A reader's query of the log, and the SQL for it."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, exists, func, not_, or_, select, text

from server.store.collections import Collection
from server.store.tables import objects

NEWEST_SPEC = "2.1"

Columns = Literal["bodies", "manifest", "versions", "keys"]


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of each object that a query asks for: any of those set. ``dates`` are versions in microseconds."""

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
    returned in the newest STIX that it is stored in. ``revoked`` chooses between revoked objects and all others.
    """

    after: int = -1
    limit: int = 10_000
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    spec_versions: tuple[str, ...] = ()
    versions: Versions = LAST
    revoked: bool | None = None

    def past(self, position: int) -> "Query":
        """Return the same query from ``position`` on."""
        return replace(self, after=max(self.after, position))


ALL = Query(versions=EVERY)


def statement(query: Query, columns: Columns) -> Select[Any]:
    """Return the SQL for ``query``; the same object for every query of the same shape, so that it is compiled once."""
    specs: Literal["newest", "newest-only", "listed"] = "listed"
    if not query.spec_versions:
        specs = "newest"
    elif set(query.spec_versions) == {NEWEST_SPEC}:
        specs = "newest-only"
    versions = query.versions
    shape = (versions.first, versions.last, versions.every, bool(versions.dates))
    return _statement(columns, bool(query.ids), bool(query.types), specs, shape, query.revoked)


def parameters(collection: Collection, query: Query) -> dict[str, Any]:
    """Return the values for ``statement``; one row more than the limit, to know whether there are more."""
    values: dict[str, Any] = {"in_collection": collection.number, "after": query.after, "rows": query.limit + 1}
    if query.ids:
        values["ids"] = query.ids
    if query.types:
        values["types"] = query.types
    if query.spec_versions:
        values["spec_versions"] = query.spec_versions
    if query.versions.dates and not query.versions.every:
        values["dates"] = query.versions.dates
    return values


@lru_cache(maxsize=256)
def _statement(
    columns: Columns,
    ids: bool,
    types: bool,
    specs: str,
    shape: tuple[bool, bool, bool, bool],
    revoked: bool | None,
) -> Select[Any]:
    log = objects.c
    asked = select(*_COLUMNS[columns]).where(log.collection == bindparam("in_collection"))
    # Ids are few: "+ 0" keeps the planner from walking the collection in order instead of looking them up.
    added = log.date_added + 0 if ids else log.date_added
    asked = asked.where(added > bindparam("after", type_=BigInteger))
    if ids:
        asked = asked.where(log.id.in_(bindparam("ids", expanding=True)))
    if types:
        asked = asked.where(log.type.in_(bindparam("types", expanding=True)))
    if revoked is not None:
        asked = asked.where(log.revoked if revoked else not_(log.revoked))
    if specs == "newest":
        if shape != (False, True, False, False):
            asked = asked.where(not_(log.legacy))
    else:
        asked = asked.where(log.spec_version.in_(bindparam("spec_versions", expanding=True)))
    versions = _versions_wanted(specs, shape)
    if versions:
        asked = asked.where(or_(*versions) if len(versions) > 1 else versions[0])
    return asked.order_by(added).limit(bindparam("rows", type_=BigInteger))


_STAMP = func.coalesce(objects.c.version, objects.c.date_added)
_COLUMNS: dict[Columns, tuple[Any, ...]] = {
    "bodies": (objects.c.date_added, objects.c.body),
    "manifest": (objects.c.date_added, objects.c.id, _STAMP, objects.c.spec_version),
    "versions": (objects.c.date_added, _STAMP),
    "keys": (objects.c.date_added, objects.c.id),
}


def _versions_wanted(specs: str, shape: tuple[bool, bool, bool, bool]) -> list[ColumnElement[bool]]:
    """Return the conditions of which a version has to meet one; none where every version is asked for."""
    first, last, every, dates = shape
    if every:
        return []
    wanted: list[ColumnElement[bool]] = []
    if last:
        # As written in the partial index, so that SQLite uses the index.
        wanted.append(_no_other(specs, newer=True) if specs == "listed" else text("latest"))  # type: ignore[arg-type]  # SQL text stands for a condition
    if first:
        wanted.append(_no_other(specs, newer=False))
    if dates:
        wanted.append(_STAMP.in_(bindparam("dates", expanding=True)))
    return wanted


def _no_other(specs: str, *, newer: bool) -> ColumnElement[bool]:
    """Hold where no other row of the same id, among those asked for, is newer (or older)."""
    other = objects.alias("other")
    stamp = func.coalesce(other.c.version, other.c.date_added)
    beyond = stamp > _STAMP if newer else stamp < _STAMP
    among = (
        not_(other.c.legacy)
        if specs == "newest"
        else other.c.spec_version.in_(bindparam("spec_versions", expanding=True))
    )
    return not_(
        exists(1).where(other.c.collection == objects.c.collection, other.c.id == objects.c.id, among).where(beyond)
    )
