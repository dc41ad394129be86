"""Additions to the log, in the one order of each collection, and what they change of the rows before."""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, bindparam, delete as sql_delete, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from server.store import bodies, object_ids, rows, subjects
from server.store.collections import Collection, UnknownCollection
from server.store.engine import HAS_TIMELINES, Tx
from server.store.item import Item
from server.store.parts import FULL, LATER, OBSERVABLE, PLAIN, RELATIONSHIP
from server.store.query import NEWEST_SPEC
from server.store.sql import CLOCK, TIMELINE, ManyRows, among, committing, database_time
from server.store.tables import collections, objects
from server.store.times import now

# Stretches of the log are 2**24 microseconds long.
SPAN_BITS = 24
_LARGEST_STEP = 1 << 24
# The clocks of two database servers differ by less than this.
CLOCK_DIFFERENCE = 60_000_000


class Appended(NamedTuple):
    """The result of an append, in the order of its items.

    ``added`` and ``unchanged`` are object ids; ``first`` and ``last`` the ``date_added`` of the added, None without.
    """

    added: list[str]
    unchanged: list[str]
    first: int | None
    last: int | None


@dataclass(slots=True)
class _Row:
    """The marks of a row, and those that it is stored with; a new one is stored with none."""

    log: int
    date_added: int
    parts: int
    latest: int = 0
    legacy: int = 0
    stored: tuple[int, int] | None = None


class _Version(NamedTuple):
    """One version of an object in one variant: a bit of a row."""

    row: _Row
    part: int
    spec_version: str
    version: int | None

    @property
    def date_added(self) -> int:
        """Return its place in the log."""
        return self.row.date_added + LATER[self.part]

    @property
    def age(self) -> tuple[str, int, int]:
        """Return what sorts the versions of one id; one without versions counts as of the moment it was added."""
        return self.spec_version, self.date_added if self.version is None else self.version, self.date_added


@dataclass(slots=True)
class _New:
    """A new row: an item, and the observable and the relationship that it brings along."""

    item: Item
    row: _Row
    basis: tuple[Item, Item] | None = None
    is_plain: bool = False
    packed: "_Packed | None" = None


class _Packed(NamedTuple):
    """The columns of a new row beside its place and its marks."""

    name: object_ids.PackedId
    along: tuple[int | None, ...]
    observable_type: int
    body: bytes


# An object in a variant of a log: the log, the variant's bit, the id.
_Place = tuple[int, int, str]
_History = dict[_Place, list[_Version]]
Appends = Sequence[tuple[Collection, Sequence[Item]]]


class LogEnd(NamedTuple):
    """The end of a log: the last ``date_added``, the earliest of the next one, and the database's timeline.

    ``variants`` are the collections that have the log: the number and the last ``date_added`` of each, by its bit.
    """

    last: int
    moment: int
    timeline: int
    variants: dict[int, tuple[int, int]]


def lock(tx: Tx, wanted: Iterable[Collection]) -> None:
    """Lock all these collections for appending until the transaction ends, in the one order that cannot deadlock.

    The inbox comes first: whoever adds to what the release rules fill holds it, so that it may add more later.
    """
    lock_ends(tx, {collection.log for collection in wanted})


def append(tx: Tx, collection: Collection, items: Sequence[Item]) -> Appended:
    """Add the object versions that the collection does not have yet; adding the same again changes nothing.

    The order in which appended objects become visible is the order of their ``date_added``: the collection stays
    locked from here to the end of the transaction. A batch ends on a whole millisecond, so that a client that keeps
    milliseconds only neither loses nor repeats. An older version than those there is stored, but is not the latest.
    """
    return append_all(tx, [(collection, items)])[0]


def append_all(tx: Tx, appends: Appends, *, last: bool = False, never_used: Set[str] = frozenset()) -> list[Appended]:
    """Add to several collections, as ``append`` does to each; return what was added, in the order of ``appends``.

    All that one transaction adds to any collection is added by one call, the last thing before its end: from here on
    the collections are locked. A shared collection and its full variant are both given what enters them; the ``basis``
    of a listing enters with it where the full variant is. As the ``last`` thing it may commit the transaction. For ids
    that the caller knows were ``never_used`` nothing is looked up.
    """
    numbers = subjects.lock(tx, {item.subject for _, items in appends for item in items if item.subject})
    logs = {collection.log for collection, _ in appends}
    # As the last thing, what only those can add who hold its value or its partner is made before anybody has to wait.
    addition = _Addition.of(tx, appends, never_used) if last else None
    if addition is not None and not addition.is_contested:
        ends = lock_ends(tx, logs) if addition.new else {}
    else:
        ends = lock_ends(tx, logs)
        addition = _Addition.of(tx, appends, never_used)
    if addition.new:
        with committing(tx) if last else nullcontext():
            addition.write(tx, ends, numbers)
        subjects.note_stored(tx, numbers)
    return [result.appended() for result in addition.results]


def allocate(last: int, count: int, moment: int) -> tuple[int, int]:
    """Choose ``count`` consecutive microseconds after ``last``, not before ``moment``, that end on a millisecond.

    ``moment`` is of the database's clock, on which all nodes agree.
    """
    end = -(-(max(moment, last + 1) + count - 1) // 1000) * 1000
    return end - count + 1, end


def remove(tx: Tx, collection: Collection, places: Sequence[tuple[int, str]]) -> None:
    """Remove rows of a collection without variants, by their ``date_added`` and ids; others become the latest."""
    [end] = lock_ends(tx, {collection.log}).values()
    marks = _Marks()
    history = _history(rows.in_logs(tx, [collection.log], {id_ for _, id_ in places}))
    gone = {date_added for date_added, _ in places}
    for versions in history.values():
        for version in versions:
            if version.date_added in gone:
                marks.note_gone(version)
        marks.update([version for version in versions if version.date_added not in gone])
    tx.execute(_REMOVE, [{"of_log": collection.log, "at": date_added} for date_added in sorted(gone)])
    marks.write(tx, {collection.log: end}, {})


class _Result:
    """The result of one append, while its rows have no places."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.added: list[str] = []
        self.unchanged: list[str] = []
        self.versions: list[_Version] = []

    def appended(self) -> Appended:
        """Return the result, once the rows have their places."""
        dates = [version.date_added for version in self.versions]
        return Appended(self.added, self.unchanged, min(dates, default=None), max(dates, default=None))


class _Addition:
    """The new rows of all logs, and the versions that were there before."""

    @classmethod
    def of(cls, tx: Tx, appends: Appends, never_used: Set[str]) -> "_Addition":
        """Read what the logs have of what is added, and make the rows that they do not have."""
        made = cls(tx, appends, never_used)
        made.results = [_Result() for _ in appends]
        # What enters both variants of a collection is one row: the full one comes first, as it has more.
        for result, (collection, items) in sorted(
            zip(made.results, appends, strict=True), key=lambda pair: -pair[1][0].part
        ):
            made.add(collection, items, result)
        for rows_of_log in made.new.values():
            for new in rows_of_log:
                new.packed = made._pack(new)
        return made

    def __init__(self, tx: Tx, appends: Appends, never_used: Set[str]) -> None:
        """Read what the logs have of the ids in ``appends``, but for those ``never_used`` before."""
        ids = {part.id for _, items in appends for item in items for part in (item, *(item.basis or ()))} - never_used
        logs = {collection.log for collection, _ in appends}
        self._bodies = bodies.of(tx)
        self._inboxes = {collection.log for collection, _ in appends if collection.kind == "inbox"}
        self.history = _history(rows.in_logs(tx, sorted(logs), ids))
        self.results: list[_Result] = []
        self.new: dict[int, list[_New]] = {}
        # Whether others may add some of the new rows at the same time.
        self.is_contested = False
        self._by_key: dict[tuple[int, str, str, int | None], _New] = {}
        self._touched: dict[_Place, list[_Version]] = {}

    def add(self, collection: Collection, items: Sequence[Item], result: _Result) -> None:
        """Add the items that a collection does not have."""
        is_plain = collection.kind == "exchange"
        for item in items:
            new = self._enter(collection, item, result, is_plain=is_plain)
            if item.basis and collection.part == FULL:
                self._bring_along(collection, new, item.basis, result)

    def _enter(self, collection: Collection, item: Item, result: _Result, *, is_plain: bool) -> _New | None:
        """Add an item where it is new, and return its row."""
        part = collection.part
        place = (collection.log, part, item.id)
        if not self._is_new(place, item):
            result.unchanged.append(item.id)
            return None
        key = (collection.log, item.id, item.spec_version, item.version)
        new = self._by_key.get(key)
        if new is None:
            self.is_contested |= _is_anybodys(collection, item)
            new = self._by_key[key] = _New(item, _Row(collection.log, 0, part), is_plain=is_plain)
            self.new.setdefault(collection.log, []).append(new)
        else:
            new.row.parts |= part
            if item.subject and not new.item.subject:
                new.item = item
        self._note(place, _Version(new.row, part, item.spec_version, item.version), result)
        return new

    def _bring_along(self, collection: Collection, new: _New | None, basis: tuple[Item, Item], result: _Result) -> None:
        """Add the observable and the relationship of a listing, to its row where both are new and fit."""
        observable, relationship = ((collection.log, collection.part, item.id) for item in basis)
        if (
            new is not None
            and new.basis is None
            and self._is_new(observable, basis[0])
            and self._is_new(relationship, basis[1])
            and _fits(new.item, *basis)
        ):
            new.basis = basis
            for place, part, item in ((observable, OBSERVABLE, basis[0]), (relationship, RELATIONSHIP, basis[1])):
                self._note(place, _Version(new.row, part, item.spec_version, item.version), result)
            return
        for item in basis:
            self._enter(collection, item, result, is_plain=False)

    def _is_new(self, place: _Place, item: Item) -> bool:
        versions = (self.history.get(place), self._touched.get(place))
        if item.version is None:
            return versions == (None, None)
        version = (item.spec_version, item.version)
        return not any(known and any(entry[2:] == version for entry in known) for known in versions)

    def _note(self, place: _Place, version: _Version, result: _Result) -> None:
        self._touched.setdefault(place, []).append(version)
        result.added.append(place[2])
        result.versions.append(version)

    def write(self, tx: Tx, ends: dict[int, LogEnd], numbers: dict[str, int]) -> None:
        """Date the new rows, and write them and all that changes with them."""
        last: dict[int, int] = {}
        # A listing enters no earlier than the report that it is made of.
        for log in sorted(self.new, key=lambda log: log not in self._inboxes):
            rows_of_log, end = self.new[log], ends[log]
            moment = max(end.moment, *(last[inbox] for inbox in self._inboxes & last.keys()), 0)
            start, last[log] = allocate(end.last, sum(map(_size, rows_of_log)), moment)
            for new in rows_of_log:
                new.row.date_added = start
                start += _size(new)
        marks = _Marks()
        for place, versions in self._touched.items():
            marks.update([*self.history.get(place, ()), *versions])
        INSERT.run(tx, [self._columns(new, numbers) for rows_of_log in self.new.values() for new in rows_of_log])
        marks.write(tx, ends, last)

    def _pack(self, new: _New) -> _Packed:
        """Return what takes time to be made of a row."""
        item, basis = new.item, new.basis
        name = object_ids.pack(item.id, item.type)
        if basis is None:
            along: tuple[int | None, ...] = (None, None, None, None, None)
            observable_type = 0
            body = item.body if new.is_plain and item.body[:1] == b"{" else self._bodies.pack(item.body)
        else:
            observable, relationship = (object_ids.pack(along_with.id, along_with.type) for along_with in basis)
            along = (observable.high, observable.low, relationship.high, relationship.low, basis[1].version)
            observable_type = observable.type
            body = self._bodies.pack_three((item.body, basis[0].body, basis[1].body))
        return _Packed(name, along, observable_type, body)

    def _columns(self, new: _New, numbers: dict[str, int]) -> tuple[Any, ...]:
        """Return the values of a row, in the order of the table's columns."""
        item, row = new.item, new.row
        name, along, observable_type, body = new.packed or self._pack(new)
        return (
            *(row.date_added, name.high, name.low, numbers[item.subject] if item.subject else None, item.version),
            *along,
            *(row.log, name.space, name.type, observable_type, object_ids.spec_number(item.spec_version)),
            *(row.parts, row.latest, row.legacy, item.revoked, name.type_name, name.text, body),
        )


class _Marks:
    """The marks of the newest versions as they change, counted for the collections and for pages made before."""

    def __init__(self) -> None:
        """Begin with no change."""
        self._changed: dict[tuple[int, int, int], _Row] = {}
        # By log and variant.
        self._gained: Counter[tuple[int, int]] = Counter()
        # By log, variant and stretch of time.
        self._rewritten: set[tuple[int, int, int]] = set()
        self._grown: set[tuple[int, int]] = set()

    def update(self, versions: Sequence[_Version]) -> None:
        """Mark, among all versions of one id in one variant, the newest in the newest STIX, and those before it."""
        if not versions:
            return
        if len(versions) == 1 and versions[0].row.stored is None:
            [version] = versions
            self.note(version, version.row.latest | version.part, version.row.legacy & ~version.part)
            return
        newest = max(versions, key=_age) if len(versions) > 1 else versions[0]
        for version in versions:
            row, part = version.row, version.part
            latest = row.latest | part if version is newest else row.latest & ~part
            legacy = row.legacy | part if version.spec_version != newest.spec_version else row.legacy & ~part
            self.note(version, latest, legacy)

    def note_gone(self, version: _Version) -> None:
        """Note that a row of a collection without variants is gone."""
        self._gained[version.row.log, PLAIN] -= bool(version.row.latest)
        self._rewritten.add((version.row.log, PLAIN, version.date_added >> SPAN_BITS))

    def note(self, version: _Version, latest: int, legacy: int) -> None:
        """Note the marks that a row has from now on, of which those of one version may differ."""
        row = version.row
        variant = PLAIN if version.part == PLAIN else FULL
        # Marked anew: what is stored counts as before, what is new as nothing.
        gained = bool(latest & version.part) - bool(row.latest & version.part)
        if gained:
            self._gained[row.log, variant] += gained
        if row.stored is None:
            self._grown.add((row.log, variant))
        elif (latest, legacy) != (row.latest, row.legacy):
            self._changed[row.log, row.date_added, row.parts] = row
            self._rewritten.add((row.log, variant, version.date_added >> SPAN_BITS))
        row.latest, row.legacy = latest, legacy

    def write(self, tx: Tx, ends: dict[int, LogEnd], last: dict[int, int]) -> None:
        """Write the marks that changed, and the ends and counts of the collections."""
        _UPDATE.run(tx, [(row.latest, row.legacy, *key) for key, row in self._changed.items()])
        # A count grows by a random number, so that a database that lost its last changes never comes to a count
        # that was told before, with other rows.
        stretches = [
            (ends[log].variants[variant][0], span, 1 + secrets.randbelow(_LARGEST_STEP))
            for log, variant, span in sorted(self._rewritten)
        ]
        _REWRITE.run(tx, stretches)
        changed = [
            (last[log] if (log, part) in self._grown else before, end.timeline, self._gained[log, part], number)
            for log, end in ends.items()
            if log in last or any(self._gained[log, part] for part in end.variants)
            for part, (number, before) in end.variants.items()
        ]
        _END.run(tx, changed)


def _age(version: _Version) -> tuple[str, int, int]:
    return version.age


def _size(new: _New) -> int:
    """Return how many places of the sequence a new row takes."""
    return 3 if new.basis else 1


def _is_anybodys(collection: Collection, item: Item) -> bool:
    """Return whether others, who hold neither the item's value nor its partner, may add it at the same time."""
    if collection.kind in ("inbox", "exchange"):
        return collection.kind == "exchange"
    return collection.use != "outcomes" and item.type not in ("indicator", "language-content")


def _fits(item: Item, observable: Item, relationship: Item) -> bool:
    """Return whether a listing and what it brings along can be one row."""
    return (
        observable.version is None
        and relationship.version is not None
        and relationship.type == object_ids.RELATIONSHIP
        and observable.spec_version == relationship.spec_version == NEWEST_SPEC
        and not (observable.revoked or relationship.revoked)
        and object_ids.pack(observable.id, observable.type).is_whole
        and object_ids.pack(relationship.id, relationship.type).is_whole
        and bodies.Bodies.fits((item.body, observable.body, relationship.body))
    )


def _history(found: Iterable[rows.Thing]) -> _History:
    """Return the stored versions by their places; a row that has several is one."""
    history: _History = {}
    known: dict[tuple[int, int, int], _Row] = {}
    for thing in found:
        key = (thing.log, thing.date_added, thing.parts)
        row = known.get(key)
        if row is None:
            row = known[key] = _Row(*key, thing.latest, thing.legacy, (thing.latest, thing.legacy))
        for part in LATER:
            if thing.part & part:
                variant = PLAIN if part == PLAIN else FULL
                version = {OBSERVABLE: None, RELATIONSHIP: thing.names.relationship_version}.get(
                    part, thing.names.version
                )
                history.setdefault((thing.log, variant, thing.id), []).append(
                    _Version(row, part, thing.names.spec(part), version)
                )
    return history


def lock_ends(tx: Tx, logs: set[int]) -> dict[int, LogEnd]:
    """Lock logs for appending until the transaction ends.

    After a change of the timeline the next ``date_added`` is later than the clock of any server would have given: what
    the server before had added last, and some reader has read, may have been lost with it.
    """
    by_clock = bool(tx.info.get(HAS_TIMELINES))
    found = tx.execute(_LOCK_BY_CLOCK if by_clock else _LOCK, {"logs": sorted(logs)}).all()
    of_log: dict[int, list[Any]] = {}
    for row in found:
        of_log.setdefault(row[1], []).append(row)
    if of_log.keys() != logs:
        raise UnknownCollection("the collection does not exist any more")
    moment = 0
    if not by_clock:
        moment = now() if tx.dialect.name == "sqlite" else database_time(tx)
    ends = {}
    for log, variants in of_log.items():
        begin, timeline = moment, max(row[4] for row in variants)
        if by_clock:
            timeline, befores = variants[0][6], {row[4] for row in variants}
            begin = max(row[5] for row in variants) + (CLOCK_DIFFERENCE if befores - {0, timeline} else 0)
        ends[log] = LogEnd(
            max(row[3] for row in variants), begin, timeline, {row[2]: (row[0], row[3]) for row in variants}
        )
    return ends


# Run with every POST, so put together once.
_c = collections.c
_LOCK = (
    select(_c.number, _c.log, _c.part, _c.last_added, _c.timeline)
    .where(among(_c.log, "logs", Integer))
    .order_by(_c.kind != "inbox", _c.number)
    # Rows that refer to a collection may be added while it is locked.
    .with_for_update(key_share=True)
)
_LOCK_BY_CLOCK = _LOCK.add_columns(literal_column(CLOCK, BigInteger), literal_column(TIMELINE, Integer))
_REMOVE = sql_delete(objects).where(
    objects.c.collection == bindparam("of_log"), objects.c.date_added == bindparam("at"), objects.c.parts == PLAIN
)


_NAMES = ", ".join(column.name for column in objects.columns)
_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy does not say
_TYPES = [column.type.compile(_DIALECT) for column in objects.columns]
INSERT = ManyRows(
    " ".join(("INSERT INTO objects (", _NAMES, ") VALUES (", ", ".join("?" * len(_TYPES)), ")")),
    " ".join(("INSERT INTO objects (", _NAMES, ") SELECT * FROM unnest({arrays})")),
    _TYPES,
)
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
_END = ManyRows(
    "UPDATE collections SET last_added = ?, timeline = ?, objects = objects + ? WHERE number = ?",
    "UPDATE collections SET last_added = new.last_added, timeline = new.timeline,"
    " objects = collections.objects + new.gained FROM unnest({arrays}) AS new(last_added, timeline, gained, number)"
    " WHERE collections.number = new.number",
    ("bigint", "integer", "bigint", "integer"),
)
