"""Additions to the log, in the one order of each collection, and the resulting changes of earlier rows."""

from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete as sql_delete
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from server.store import subjects
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, committing
from server.store.item import FULL, LATER, OBSERVABLE, PLAIN, RELATIONSHIP, Item
from server.store.ledger import removals
from server.store.ledger.removals import Removed
from server.store.objects import bodies, ends, host_pages, object_ids, rows, text_keys
from server.store.objects.ends import LogEnd, allocate
from server.store.objects.query import NEWEST_SPEC
from server.store.objects.rows import History, LogRow, Marks, ObjectVersion, Place, history_of, newest_of
from server.store.objects.text_keys import TextStretch, Words
from server.store.tables import objects


class Appended(NamedTuple):
    """The result of an append, in the order of its items.

    ``added`` and ``unchanged`` are object ids; ``first`` and ``last`` the ``date_added`` of the added ones, else None.
    ``dates`` has the ``date_added`` of the first and newest version of each requested object.
    """

    added: list[str]
    unchanged: list[str]
    first: int | None
    last: int | None
    dates: Mapping[str, tuple[int, int]] = MappingProxyType({})


@dataclass(slots=True)
class _New:
    """A new row: an item, and the observable and the relationship that accompany it."""

    item: Item
    row: LogRow
    basis: tuple[Item, Item] | None = None
    is_plain: bool = False
    packed: "_Packed | None" = None

    @property
    def parts(self) -> list[tuple[int, Item]]:
        """Return its objects with the bits of its row."""
        along = zip((OBSERVABLE, RELATIONSHIP), self.basis or (), strict=False)
        return [*((part, self.item) for part in (FULL, PLAIN) if part & self.row.parts), *along]


class _NewStretch(NamedTuple):
    """A stretch of the index of texts: its first and last row, which have no places yet, and its keys."""

    first: LogRow
    last: LogRow
    size: int
    keys: bytes

    def written(self) -> tuple[TextStretch, int, bytes]:
        """Return the stretch once its rows have their places."""
        return TextStretch(self.first.log, self.first.date_added, self.last.date_added), self.size, self.keys


class _Packed(NamedTuple):
    """The columns of a new row except its place and its marks."""

    name: object_ids.PackedId
    along: tuple[int | None, ...]
    observable_type: int
    body: bytes


# Rows that are made while the collections are locked.
_FEW = 500
Appends = Sequence[tuple[Collection, Sequence[Item]]]


def lock(tx: Tx, wanted: Iterable[Collection]) -> None:
    """Lock all these collections for appending until the transaction ends, in the one order that cannot deadlock.

    The inbox comes first: a transaction that adds to released collections holds it, and may add more later.
    """
    ends.lock(tx, {collection.log for collection in wanted})


def append(tx: Tx, collection: Collection, items: Sequence[Item]) -> Appended:
    """Add the object versions that the collection does not yet have. Repeating it changes nothing.

    Objects become visible in the order of their ``date_added``, because the collection stays locked until the end of
    the transaction. A batch ends on a whole millisecond, so that a client with millisecond precision neither loses nor
    repeats objects. A version older than an existing one is stored, but is not the latest.
    """
    return append_all(tx, [(collection, items)])[0]


def append_all(
    tx: Tx,
    appends: Appends,
    *,
    last: bool = False,
    never_used: Set[str] = frozenset(),
    dated: Set[str] = frozenset(),
    places: Mapping[int, int] = MappingProxyType({}),
) -> list[Appended]:
    """Append to several collections, as ``append`` does, and return the results in the order of ``appends``.

    One call adds everything of one transaction, just before its end, because it locks the collections. A shared
    collection and its full variant must both be given their objects. The ``basis`` of a listing enters the full variant
    with it. With ``last``, the call may commit the transaction. Ids that were ``never_used`` before are not looked up.
    The dates of ids in ``dated`` are returned. ``places`` has by log the first place, which ``reserve`` chose.
    """
    numbers = subjects.lock(tx, {item.subject for _, items in appends for item in items if item.subject})
    logs = {collection.log for collection, _ in appends}
    # With ``last``, rows protected by the value's or partner's lock are made before waiting for the collections. Few
    # rows are made faster than another round trip.
    is_short = sum(len(items) for _, items in appends) <= _FEW
    addition = _Addition.of(tx, appends, never_used) if last and not is_short else None
    if addition is not None and not addition.is_contested:
        locked = ends.lock(tx, logs) if addition.new else {}
    else:
        locked = ends.lock(tx, logs, then=lambda: _history(tx, appends, never_used))
        addition = _Addition.of(tx, appends, never_used)
    if addition.new:
        addition.agree(tx, next(iter(locked.values())).dictionary)
        with committing(tx) if last else nullcontext():
            addition.write(tx, locked, numbers, places)
        subjects.note_stored(tx, numbers)
    return [
        result.appended(addition.dates(collection, dated))
        for result, (collection, _) in zip(addition.results, appends, strict=True)
    ]


def reserve(tx: Tx, wanted: Sequence[tuple[Collection, int]], after: int) -> list[int]:
    """Lock these collections, and return the first of so many places in the log of each, for ``append_all``.

    The places of all are one sequence after ``after``; those of each collection end on a whole millisecond. Use them
    for collections without variants, to which the transaction adds exactly so many objects.
    """
    locked = ends.lock(tx, {collection.log for collection, _ in wanted})
    last, moment = max(after, *(end.last for end in locked.values())), max(end.moment for end in locked.values())
    places = []
    for _, count in wanted:
        start, last = allocate(last, count, moment)
        places.append(start)
    return places


def remove(tx: Tx, collection: Collection, places: Sequence[tuple[int, str]]) -> None:
    """Remove rows of a collection without variants, by ``date_added`` and id. Other versions become the latest."""
    [end] = ends.lock(tx, {collection.log}).values()
    marks = Marks()
    history = history_of(rows.in_logs(tx, [collection.log], {id_ for _, id_ in places}))
    gone = {date_added for date_added, _ in places}
    removals.note(tx, collection.log, [Removed(at, {PLAIN: b""}, {}) for at in sorted(gone)])
    for versions in history.values():
        for version in versions:
            if version.date_added in gone:
                marks.note_gone(version)
        marks.update([version for version in versions if version.date_added not in gone])
    tx.execute(_REMOVE, [{"of_log": collection.log, "at": date_added} for date_added in sorted(gone)])
    locked = {collection.log: end}
    marks.write(tx, ends.numbers(locked))
    ends.write(tx, locked, {}, marks.gained(), marks.grown())


class _Result:
    """The result of one append, before its rows have places."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.added: list[str] = []
        self.unchanged: list[str] = []
        # The rows of the added objects, and each object's bit.
        self.rows: list[tuple[LogRow, int]] = []

    def appended(self, dates_by_id: Mapping[str, tuple[int, int]]) -> Appended:
        """Return the result, once the rows have their places."""
        dates = [row.date_added + LATER[part] for row, part in self.rows]
        return Appended(self.added, self.unchanged, min(dates, default=None), max(dates, default=None), dates_by_id)


class _Addition:
    """The new rows of all logs, and the earlier versions."""

    @classmethod
    def of(cls, tx: Tx, appends: Appends, never_used: Set[str]) -> "_Addition":
        """Read the existing versions of the added objects, and make the missing rows."""
        made = cls(tx, appends, never_used)
        made.results = [_Result() for _ in appends]
        # An object that enters both variants is one row. The full variant comes first, because it has more objects.
        for result, (collection, items) in sorted(
            zip(made.results, appends, strict=True), key=lambda pair: -pair[1][0].part
        ):
            made.add(collection, items, result)
        made._pack_all()
        made._index(tx)
        return made

    def __init__(self, tx: Tx, appends: Appends, never_used: Set[str]) -> None:
        """Read the log versions of the ids in ``appends``, except those ``never_used`` before."""
        self._packer = bodies.of(tx).packer()
        self._inboxes = {collection.log for collection, _ in appends if collection.kind == "inbox"}
        self.history = _history(tx, appends, never_used)
        # The ids with certainly or possibly several versions, by log.
        self._compared = {(log, id_) for log, _, id_ in self.history}
        self.results: list[_Result] = []
        self.new: dict[int, list[_New]] = {}
        # Whether other transactions may add some of the new rows at the same time.
        self.is_contested = False
        self._stretches: list[_NewStretch] = []
        # The new rows with the only versions of their ids, by log and id. Most rows are of this sort.
        self._only: dict[tuple[int, str], _New] = {}
        self._by_key: dict[tuple[int, str, str, int | None], _New] = {}
        self._touched: dict[Place, list[ObjectVersion]] = {}

    def add(self, collection: Collection, items: Sequence[Item], result: _Result) -> None:
        """Add the items that a collection does not have."""
        log, part, only, compared = collection.log, collection.part, self._only, self._compared
        is_plain = collection.kind == "exchange"
        for item in items:
            place = (log, item.id)
            if place in compared or place in only:
                known = only.get(place)
                if known is not None and known.item is item and not known.row.parts & part:
                    # The other variant already has it.
                    known.row.parts |= part
                    self._note(item.id, known.row, part, result)
                    continue
                new = self._enter(collection, item, result, is_plain=is_plain)
                if item.basis and part == FULL:
                    self._add_basis(collection, new, item.basis, result)
            else:
                self._enter_only(collection, item, result, is_plain=is_plain)

    def _enter_only(self, collection: Collection, item: Item, result: _Result, *, is_plain: bool) -> None:
        """Add the first version of an id."""
        log, part = collection.log, collection.part
        new = _New(item, LogRow(log, 0, part), None, is_plain)
        self.is_contested |= _may_be_added_concurrently(collection, item)
        self.new.setdefault(log, []).append(new)
        self._only[log, item.id] = new
        self._note(item.id, new.row, part, result)
        if item.basis is None or part != FULL:
            return
        places = [(log, along.id) for along in item.basis]
        if any(place in self._compared or place in self._only for place in places) or not _fits(item, *item.basis):
            self._add_basis(collection, new, item.basis, result)
            return
        new.basis = item.basis
        for place, bit in zip(places, (OBSERVABLE, RELATIONSHIP), strict=True):
            self._only[place] = new
            self._note(place[1], new.row, bit, result)

    def _enter(self, collection: Collection, item: Item, result: _Result, *, is_plain: bool) -> _New | None:
        """Add an item if it is new, and return its row."""
        part = collection.part
        place = (collection.log, part, item.id)
        if (known := self._only.get((collection.log, item.id))) is not None:
            self._compare(known)
        if not self._is_new(place, item):
            result.unchanged.append(item.id)
            return None
        key = (collection.log, item.id, item.spec_version, item.version)
        new = self._by_key.get(key)
        if new is None:
            self.is_contested |= _may_be_added_concurrently(collection, item)
            new = self._by_key[key] = _New(item, LogRow(collection.log, 0, part), None, is_plain)
            self.new.setdefault(collection.log, []).append(new)
        else:
            new.row.parts |= part
            if item.subject and not new.item.subject:
                new.item = item
        self._touch(place, ObjectVersion(new.row, part, item.spec_version, item.version))
        self._note(item.id, new.row, part, result)
        return new

    def _add_basis(self, collection: Collection, new: _New | None, basis: tuple[Item, Item], result: _Result) -> None:
        """Add the observable and the relationship of a listing, to its row if they fit.

        An observable of an earlier listing of the value is added again. It is valid as long as the last listing.
        """
        for item in basis:
            if (known := self._only.get((collection.log, item.id))) is not None:
                self._compare(known)
        observable, relationship = ((collection.log, collection.part, item.id) for item in basis)
        if new is not None and new.basis is None and self._is_new(relationship, basis[1]) and _fits(new.item, *basis):
            self._compare(new)
            new.basis = basis
            for place, part, item in ((observable, OBSERVABLE, basis[0]), (relationship, RELATIONSHIP, basis[1])):
                self._touch(place, ObjectVersion(new.row, part, item.spec_version, item.version))
                self._note(item.id, new.row, part, result)
            return
        for item in basis:
            self._enter(collection, item, result, is_plain=False)

    def _is_new(self, place: Place, item: Item) -> bool:
        versions = (self.history.get(place), self._touched.get(place))
        if item.version is None:
            return versions == (None, None)
        version = (item.spec_version, item.version)
        return not any(known and any(entry[2:] == version for entry in known) for known in versions)

    def _compare(self, new: _New) -> None:
        """Compare the versions in a row with others from now on, because its ids have several versions."""
        log = new.row.log
        if self._only.get((log, new.item.id)) is not new:
            return
        self._by_key[log, new.item.id, new.item.spec_version, new.item.version] = new
        for part, item in new.parts:
            self._only.pop((log, item.id), None)
            variant = PLAIN if part == PLAIN else FULL
            self._touch((log, variant, item.id), ObjectVersion(new.row, part, item.spec_version, item.version))

    def dates(self, collection: Collection, ids: Set[str]) -> dict[str, tuple[int, int]]:
        """Return by id when the first and the newest version of each of ``ids`` were added, including new ones."""
        found = {}
        for id_ in ids:
            place = (collection.log, collection.part, id_)
            versions = [*self.history.get(place, ()), *self._touched.get(place, ())]
            if versions:
                newest = newest_of(versions)
                found[id_] = min(version.date_added for version in versions), newest.date_added
        return found

    def _touch(self, place: Place, version: ObjectVersion) -> None:
        self._touched.setdefault(place, []).append(version)
        self._compared.add((place[0], place[2]))

    @staticmethod
    def _note(id_: str, row: LogRow, part: int, result: _Result) -> None:
        result.added.append(id_)
        result.rows.append((row, part))

    def write(self, tx: Tx, locked: dict[int, LogEnd], numbers: dict[str, int], places: Mapping[int, int]) -> None:
        """Assign places to the new rows, and write them with all dependent changes."""
        last: dict[int, int] = {}
        # A listing must not enter before the report that it is based on.
        for log in sorted(self.new, key=lambda log: log not in self._inboxes):
            rows_of_log, end = self.new[log], locked[log]
            moment = max(end.moment, *(last[inbox] for inbox in self._inboxes & last.keys()), 0)
            size = sum(map(_size, rows_of_log))
            start, last[log] = allocate(end.last, size, moment)
            if log in places:
                start, last[log] = places[log], places[log] + size - 1
            for new in rows_of_log:
                new.row.date_added = start
                start += _size(new)
        marks = Marks()
        for new in {id(new): new for new in self._only.values()}.values():
            marks.note_only_versions(new.row, new.row.parts | (OBSERVABLE | RELATIONSHIP if new.basis else 0))
        for place, versions in self._touched.items():
            marks.update([*self.history.get(place, ()), *versions])
        INSERT.run(tx, [self._columns(new, numbers) for rows_of_log in self.new.values() for new in rows_of_log])
        text_keys.add(tx, [stretch.written() for stretch in self._stretches])
        marks.write(tx, ends.numbers(locked))
        ends.write(tx, locked, last, marks.gained(), marks.grown())

    def agree(self, tx: Tx, dictionary: int) -> None:
        """Pack again the bodies not packed with the database's newest ``dictionary``, identified by its time.

        A database that lost its last transactions in a failover may lack the dictionary that was used.
        """
        if self._packer.made != dictionary:
            store = bodies.of(tx)
            self._packer = store.packer(store.learn(tx))
            self._pack_all()

    def _index(self, tx: Tx) -> None:
        """Make the keys of the texts of the new rows."""
        maker = text_keys.of(tx)
        for rows_of_log in self.new.values():
            new_texts = [new for new in rows_of_log if not new.item.is_like_reports]
            for some, keys in text_keys.in_stretches(maker, new_texts, _add_words, lambda *_: False):
                self._stretches.append(_NewStretch(some[0].row, some[-1].row, len(some), keys))

    def _pack_all(self) -> None:
        for rows_of_log in self.new.values():
            for new in rows_of_log:
                new.packed = self._pack(new)

    def _pack(self, new: _New) -> _Packed:
        """Return the parts of a row that are slow to compute."""
        item, basis = new.item, new.basis
        name = object_ids.pack(item.id, item.type)
        if basis is None:
            along: tuple[int | None, ...] = (None, None, None, None, None)
            observable_type = 0
            body = item.body if new.is_plain and item.body[:1] == b"{" else self._packer.pack(item.body)
        else:
            observable, relationship = (object_ids.pack(along_with.id, along_with.type) for along_with in basis)
            along = (observable.high, observable.low, relationship.high, relationship.low, basis[1].version)
            observable_type = observable.type
            body = self._packer.pack_three((item.body, basis[0].body, basis[1].body))
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
            host_pages.number_of(item.subject) if item.subject and not name.space else None,
        )


def _history(tx: Tx, appends: Appends, never_used: Set[str]) -> History:
    """Read the stored versions of the ids in ``appends``, except those ``never_used`` before."""
    ids = {item.id for _, items in appends for item in items}
    ids |= {part.id for _, items in appends for item in items if item.basis for part in item.basis}
    logs = {collection.log for collection, _ in appends}
    return history_of(rows.in_logs(tx, sorted(logs), ids - never_used))


def _add_words(words: Words, new: _New) -> None:
    subject = new.item.subject
    # Listings of values written alike are found by their reports.
    is_report = new.packed is not None and new.packed.name.space > 0
    words.add(new.item.body, subject if is_report else None, is_of_value=subject is not None)


def _size(new: _New) -> int:
    """Return how many places of the sequence a new row takes."""
    return 3 if new.basis else 1


def _may_be_added_concurrently(collection: Collection, item: Item) -> bool:
    """Return whether others, without the lock of the item's value or partner, may add it at the same time."""
    if collection.kind in ("inbox", "exchange"):
        return collection.kind == "exchange"
    return collection.use != "outcomes" and item.type not in ("indicator", "language-content")


def _fits(item: Item, observable: Item, relationship: Item) -> bool:
    """Return whether a listing and the objects that accompany it fit into one row."""
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
