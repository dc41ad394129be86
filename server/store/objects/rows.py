"""Rows of the log, found by the ids of what they have."""

from collections.abc import Collection as Some, Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, func, null, select, text

from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.item import Item
from server.store.objects import bodies, object_ids
from server.store.objects.parts import FULL, OBSERVABLE, PLAIN, RELATIONSHIP
from server.store.objects.query import NAMES, NEWEST_SPEC, Names, ids_of
from server.store.tables import collections, objects


class Thing(NamedTuple):
    """Something that a row of the log has: see ``parts``.

    ``part`` is its bit; of the object itself all bits of the row. ``number`` is that of the collection it was found in,
    ``date_added`` that of the row. ``latest`` and ``legacy`` are the bits of the row, ``columns`` those of its names.
    """

    id: str
    part: int
    number: int
    log: int
    date_added: int
    parts: int
    latest: int
    legacy: int
    revoked: bool
    body: bytes | None
    columns: tuple[Any, ...]

    @property
    def names(self) -> Names:
        """Return the columns that name what the row has."""
        return Names._make(self.columns)

    @property
    def version(self) -> tuple[str, int | None]:
        """Return the version of STIX, and the version."""
        if self.part <= (FULL | PLAIN):
            return object_ids.spec_version(self.columns[_SPEC_VERSION]), self.columns[_VERSION]
        return NEWEST_SPEC, self.columns[_RELATIONSHIP_VERSION] if self.part == RELATIONSHIP else None

    def item(self, tx: Tx) -> Item:
        """Return it as the item that was added."""
        packed, columns = self.body or b"", self.columns
        if self.part == OBSERVABLE:
            type_ = object_ids.type_name(columns[_OBSERVABLE_TYPE], None)
            return Item(self.id, type_, *self.version, False, bodies.of(tx).all_of(tx, packed)[1])
        if self.part == RELATIONSHIP:
            return Item(self.id, object_ids.RELATIONSHIP, *self.version, False, bodies.of(tx).all_of(tx, packed)[2])
        type_ = object_ids.type_name(columns[_TYPE], columns[_TYPE_NAME])
        return Item(self.id, type_, *self.version, self.revoked, bodies.of(tx).first(tx, packed))


def in_logs(tx: Tx, logs: Some[int], ids: Iterable[str]) -> Iterator[Thing]:
    """Find the things of these ids in some logs, without their bodies."""
    return _find(tx, _IN_LOGS, ids, {"logs": list(logs)})


def latest_in(tx: Tx, log: int, ids: Iterable[str]) -> Iterator[Thing]:
    """Find the things of these ids in a log that are the latest of any variant."""
    return _find(tx, _LATEST, ids, {"logs": [log]})


def latest_everywhere(tx: Tx, ids: Iterable[str]) -> Iterator[Thing]:
    """Find the latest things of these ids in the collections that the release rules fill, shared ones in full."""
    return (
        thing
        for thing in _find(tx, _EVERYWHERE, ids, {})
        if thing.part & thing.latest & (PLAIN if thing.number == thing.log else ~PLAIN)
    )


def private_collections_of(tx: Tx, ids: Iterable[str]) -> dict[str, set[int]]:
    """Return by id the numbers of the private collections that have had the object."""
    found: dict[str, set[int]] = {}
    for thing in _find(tx, _PRIVATE, ids, {}):
        found.setdefault(thing.id, set()).add(thing.number)
    return found


def _find(
    tx: Tx, statements: dict[int, Select[Any]], ids: Iterable[str], given: dict[str, list[int]]
) -> Iterator[Thing]:
    for chunk in chunks(ids):
        for part, asked in statements.items():
            # By the columns that an id is stored in.
            wanted: dict[tuple[Any, ...], str] = {
                object_ids.pack(id_, object_ids.type_of(id_)): id_ for id_ in ids_of(part, chunk)
            }
            if not wanted:
                continue
            asked_for = set(wanted.values())
            row: Any
            for row in fetch(tx, asked, {"halves": sorted({packed[1] for packed in wanted}), **given}):
                columns = row[8:]
                if part == PLAIN:
                    id_, bits = wanted.get(columns[:_VERSION]), row[3]
                    if id_ is None and columns[_TEXT] is not None:
                        # Older stores have ids of other forms, and some that are not of the object's type.
                        unusual = object_ids.unpack(columns[:_VERSION])
                        id_ = unusual if unusual in asked_for else None
                elif part == OBSERVABLE:
                    id_, bits = wanted.get((0, *columns[_OBSERVABLE], columns[_OBSERVABLE_TYPE], None, None)), part
                else:
                    id_, bits = wanted.get((0, *columns[_RELATIONSHIP], _RELATIONSHIP_TYPE, None, None)), part
                if id_ is not None:
                    yield Thing._make((id_, bits, *row[:8], columns))


# The places of some names in the columns.
_TYPE, _TYPE_NAME, _TEXT, _VERSION, _SPEC_VERSION, _OBSERVABLE_TYPE, _RELATIONSHIP_VERSION = map(
    Names._fields.index,
    ("type", "type_name", "text", "version", "spec_version", "observable_type", "relationship_version"),
)
_OBSERVABLE = slice(Names._fields.index("observable_high"), Names._fields.index("observable_low") + 1)
_RELATIONSHIP = slice(Names._fields.index("relationship_high"), Names._fields.index("relationship_low") + 1)
_RELATIONSHIP_TYPE = object_ids.type_number(object_ids.RELATIONSHIP)

log = objects.c
_BY = {PLAIN: log.id_high, OBSERVABLE: log.observable_high, RELATIONSHIP: log.relationship_high}
_MARKS = (log.date_added, log.parts, log.latest, log.legacy, log.revoked)
_full = collections.alias("full_variant")


def _select(column: ColumnElement[int], number: ColumnElement[int], body: ColumnElement[Any]) -> Select[Any]:
    return select(number, log.collection, *_MARKS, body, *NAMES).where(among(column, "halves", BigInteger))


_IN_LOGS = {
    part: _select(column, log.collection, null()).where(among(log.collection, "logs", Integer))
    for part, column in _BY.items()
}
_LATEST = {
    part: _select(column, log.collection, log.body).where(among(log.collection, "logs", Integer), text("latest > 0"))
    for part, column in _BY.items()
}
_EVERYWHERE = {
    part: _select(column, func.coalesce(_full.c.number, log.collection), log.body)
    .join_from(objects, collections, collections.c.number == log.collection)
    .outerjoin(_full, (_full.c.log == log.collection) & (_full.c.part == FULL))
    .where(collections.c.kind.in_(("released", "private")), text("latest > 0"))
    for part, column in _BY.items()
}
_PRIVATE = {
    PLAIN: _select(log.id_high, log.collection, null())
    .join_from(objects, collections, collections.c.number == log.collection)
    .where(collections.c.kind == "private")
}
