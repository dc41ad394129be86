"""Rows of the log, found by the ids of their objects, and the marks of the newest versions among them."""

import secrets
from collections import Counter
from collections.abc import Collection as Some, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, func, null, select, text

from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, among, chunks
from server.store.item import FULL, LATER, OBSERVABLE, PLAIN, RELATIONSHIP, Item
from server.store.objects import bodies, object_ids
from server.store.objects.query import NAMES, NEWEST_SPEC, Names, ids_of
from server.store.tables import collections, objects


class Thing(NamedTuple):
    """An object of a log row.

    ``part`` is its bit; for the main object, all bits of the row. ``number`` is that of the collection it was found in,
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
        """Return the columns with the names of the row's objects."""
        return Names._make(self.columns)

    @property
    def version(self) -> tuple[str, int | None]:
        """Return the STIX version, and the version."""
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
    """Find the objects with these ids in some logs, without their bodies."""
    return _find(tx, _IN_LOGS, ids, {"logs": list(logs)})


def latest_in(tx: Tx, log: int, ids: Iterable[str]) -> Iterator[Thing]:
    """Find the objects with these ids in a log that are the latest in any variant."""
    return _find(tx, _LATEST, ids, {"logs": [log]})


def latest_everywhere(tx: Tx, ids: Iterable[str]) -> Iterator[Thing]:
    """Find the latest objects with these ids in released and private collections, shared ones in full."""
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
            # By the columns that store an id.
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
                        # Older stores have ids of other forms, and some with another type than their object.
                        unusual = object_ids.unpack(columns[:_VERSION])
                        id_ = unusual if unusual in asked_for else None
                elif part == OBSERVABLE:
                    id_, bits = wanted.get((0, *columns[_OBSERVABLE], columns[_OBSERVABLE_TYPE], None, None)), part
                else:
                    id_, bits = wanted.get((0, *columns[_RELATIONSHIP], _RELATIONSHIP_TYPE, None, None)), part
                if id_ is not None:
                    yield Thing._make((id_, bits, *row[:8], columns))


# The positions of some names in the columns.
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


# Stretches of the log are 2**24 microseconds long.
SPAN_BITS = 24
_LARGEST_STEP = 1 << 24


@dataclass(slots=True)
class LogRow:
    """The marks of a row, and its stored marks. A new row is stored without marks."""

    log: int
    date_added: int
    parts: int
    latest: int = 0
    legacy: int = 0
    stored: tuple[int, int] | None = None


class ObjectVersion(NamedTuple):
    """One version of an object in one variant: a bit of a row."""

    row: LogRow
    part: int
    spec_version: str
    version: int | None

    @property
    def date_added(self) -> int:
        """Return its place in the log."""
        return self.row.date_added + LATER[self.part]

    @property
    def age(self) -> tuple[str, int, int]:
        """Return the sort key for the versions of one id. An object without versions sorts by its addition."""
        return self.spec_version, self.date_added if self.version is None else self.version, self.date_added


# An object in a variant of a log: the log, the variant's bit, the id.
Place = tuple[int, int, str]
History = dict[Place, list[ObjectVersion]]


class Marks:
    """The changing marks of the newest versions, counted for the collections and for cached pages."""

    def __init__(self) -> None:
        """Begin without changes."""
        self._changed: dict[tuple[int, int, int], LogRow] = {}
        # By log and variant.
        self._gained: Counter[tuple[int, int]] = Counter()
        # By log, variant and stretch of time.
        self._rewritten: set[tuple[int, int, int]] = set()
        self._grown: set[tuple[int, int]] = set()
        # Rows with the only versions of their ids, by log and parts.
        self._only: Counter[tuple[int, int]] = Counter()

    def update(self, versions: Sequence[ObjectVersion]) -> None:
        """Among all versions of one id in one variant, mark the newest in the newest STIX, and those before it."""
        if not versions:
            return
        if len(versions) == 1 and versions[0].row.stored is None:
            [version] = versions
            self.note(version, version.row.latest | version.part, version.row.legacy & ~version.part)
            return
        newest = newest_of(versions)
        for version in versions:
            row, part = version.row, version.part
            latest = row.latest | part if version is newest else row.latest & ~part
            legacy = row.legacy | part if version.spec_version != newest.spec_version else row.legacy & ~part
            self.note(version, latest, legacy)

    def note_gone(self, version: ObjectVersion) -> None:
        """Record that a version is gone."""
        variant = PLAIN if version.part == PLAIN else FULL
        self._gained[version.row.log, variant] -= bool(version.row.latest & version.part)
        self.note_rewritten(version)

    def note_rewritten(self, version: ObjectVersion) -> None:
        """Record that a version is gone, or has another body."""
        variant = PLAIN if version.part == PLAIN else FULL
        self._rewritten.add((version.row.log, variant, version.date_added >> SPAN_BITS))

    def note(self, version: ObjectVersion, latest: int, legacy: int) -> None:
        """Record the new marks of a row. Only those of one version may differ."""
        row = version.row
        variant = PLAIN if version.part == PLAIN else FULL
        # When marks change again, stored rows count with their old marks, and new rows as nothing.
        gained = bool(latest & version.part) - bool(row.latest & version.part)
        if gained:
            self._gained[row.log, variant] += gained
        if row.stored is None:
            self._grown.add((row.log, variant))
        elif (latest, legacy) != (row.latest, row.legacy):
            self._changed[row.log, row.date_added, row.parts] = row
            self._rewritten.add((row.log, variant, version.date_added >> SPAN_BITS))
        row.latest, row.legacy = latest, legacy

    def note_only_versions(self, row: LogRow, parts: int) -> None:
        """Mark the ``parts`` of a new row as the newest, because its ids are new."""
        row.latest = parts
        self._only[row.log, parts] += 1

    def gained(self) -> Counter[tuple[int, int]]:
        """Return by log and variant how many objects a listing without filters has gained."""
        gained = self._gained.copy()
        for (log, parts), count in self._only.items():
            if parts & PLAIN:
                gained[log, PLAIN] += count
            if others := parts & ~PLAIN:
                gained[log, FULL] += count * others.bit_count()
        return gained

    def grown(self) -> set[tuple[int, int]]:
        """Return the logs and variants that have new rows."""
        only = {(log, bit) for log, parts in self._only for bit in (PLAIN, FULL) if parts & bit}
        return self._grown | only

    def write(self, tx: Tx, numbers: Mapping[tuple[int, int], int]) -> None:
        """Write the changed marks of earlier rows; ``numbers`` are the collections' by log and variant."""
        _UPDATE.run(tx, [(row.latest, row.legacy, *key) for key, row in self._changed.items()])
        # A count grows by a random number. So a database that lost its last changes never reaches an earlier count with
        # other rows.
        stretches = [
            (numbers[log, variant], span, 1 + secrets.randbelow(_LARGEST_STEP))
            for log, variant, span in sorted(self._rewritten)
        ]
        _REWRITE.run(tx, stretches)


def newest_of(versions: Sequence[ObjectVersion]) -> ObjectVersion:
    """Return the newest of the versions of one id in one variant."""
    return max(versions, key=_age) if len(versions) > 1 else versions[0]


def _age(version: ObjectVersion) -> tuple[str, int, int]:
    return version.age


def history_of(found: Iterable[Thing]) -> History:
    """Return the stored versions by their places. A row with several objects is shared."""
    history: History = {}
    known: dict[tuple[int, int, int], LogRow] = {}
    for thing in found:
        key = (thing.log, thing.date_added, thing.parts)
        row = known.get(key)
        if row is None:
            row = known[key] = LogRow(*key, thing.latest, thing.legacy, (thing.latest, thing.legacy))
        for part in LATER:
            if thing.part & part:
                variant = PLAIN if part == PLAIN else FULL
                history.setdefault((thing.log, variant, thing.id), []).append(ObjectVersion(row, part, *thing.version))
    return history


_UPDATE = ManyRows(
    "UPDATE objects SET latest = ?, legacy = ? WHERE collection = ? AND date_added = ? AND parts = ?",
    "UPDATE objects SET latest = new.latest, legacy = new.legacy"
    " FROM unnest({arrays}) AS new(latest, legacy, collection, date_added, parts)"
    " WHERE objects.collection = new.collection AND objects.date_added = new.date_added AND objects.parts = new.parts",
    ("smallint", "smallint", "integer", "bigint", "smallint"),
)
_REWRITE = ManyRows(
    "INSERT INTO rewrites (collection, span, count) VALUES (?, ?, ?)"
    " ON CONFLICT (collection, span) DO UPDATE SET count = rewrites.count + excluded.count",
    "INSERT INTO rewrites (collection, span, count) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (collection, span) DO UPDATE SET count = rewrites.count + excluded.count",
    ("integer", "bigint", "bigint"),
)
