"""The rows of the log, read in order, and changed or removed by an erasure.

Otherwise the log is append-only. A changed row keeps its place in the order, so that readers can continue. Cached pages
become invalid; counts and the digests of active sets are updated.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, bindparam, delete, func, insert, select, text, update

from server.store import collections as all_collections
from server.store.collections import Collection
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks, database_time
from server.store.item import FULL, LATER, OBSERVABLE, PLAIN, RELATIONSHIP
from server.store.ledger import removals
from server.store.ledger.removals import Removed
from server.store.matching import match_sets
from server.store.matching.match_tables import match_sets as set_rows
from server.store.objects import bodies, digests, ends, host_pages, object_ids, rows, text_keys
from server.store.objects.active_sets import StoredVersion, read_version
from server.store.objects.query import NAMES, Names
from server.store.objects.rows import LogRow, Marks, ObjectVersion, Place, history_of
from server.store.tables import dictionaries, objects


class StoredRow(NamedTuple):
    """A row of the log with all its data: its place, its marks, its value's number, its names, and its bodies."""

    log: int
    date_added: int
    parts: int
    latest: int
    legacy: int
    revoked: bool
    value: int | None
    names: Names
    bodies: tuple[bytes, ...]

    @property
    def key(self) -> str:
        """Return the id of its object, or its key in the inbox."""
        return self.names.id(PLAIN)

    @property
    def is_latest(self) -> bool:
        """Return whether its object is the newest version of its id in any variant."""
        return bool(self.latest & (PLAIN | FULL))

    @property
    def along(self) -> dict[int, str]:
        """Return by bit the ids of the observable and the relationship that accompany the listing."""
        if self.names.observable_high is None:
            return {}
        return {part: self.names.id(part) for part in (OBSERVABLE, RELATIONSHIP)}


class RowChange(NamedTuple):
    """A row with its new bodies: all of them, only its object's, or none to remove the row."""

    row: StoredRow
    bodies: tuple[bytes, ...] = ()


def after(tx: Tx, log: int, place: int, most: int) -> tuple[list[StoredRow], int | None]:
    """Return about ``most`` rows of a log after a place, and the place to continue from; None at the end.

    Rows with the same ``date_added`` are returned together.
    """
    found: Sequence[Any] = tx.execute(_AFTER, {"in_log": log, "after": place, "rows": most}).all()
    if len(found) < most:
        return [_row(tx, log, row) for row in found], None
    last = found[-1][0]
    complete = [row for row in found if row[0] < last]
    if not complete:
        # The page has only rows of one moment, which are two at most.
        complete, last = list(found), last + 1
    return [_row(tx, log, row) for row in complete], last - 1


def between(tx: Tx, log: int, place: int, end: int, most: int) -> tuple[list[StoredRow], int | None]:
    """Return about ``most`` rows of a log after a place, up to ``end``, and the place to continue from."""
    rows, following = after(tx, log, place, most)
    if rows and rows[-1].date_added > end:
        return [row for row in rows if row.date_added <= end], None
    return rows, following if following is not None and following < end else None


def places_of_ids(tx: Tx, ids: Iterable[str]) -> list[tuple[int, int]]:
    """Return the logs and places of rows that have the UUIDs of these ids, and perhaps of others."""
    halves = sorted(set(map(object_ids.half, ids)))
    return [(log, place) for some in chunks(halves) for log, place in fetch(tx, _OF_IDS, {"halves": some})]


def places_of_values(tx: Tx, numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the logs and places of the rows about these values."""
    wanted = sorted(set(numbers))
    return [(log, place) for some in chunks(wanted) for log, place in fetch(tx, _OF_VALUES, {"numbers": some})]


def listings_of(tx: Tx, numbers: Iterable[int]) -> set[str]:
    """Return the ids of the hub's listings of these values."""
    return {row.key for row in of_values(tx, numbers) if not row.names.space}


def of_values(tx: Tx, numbers: Iterable[int]) -> Iterator[StoredRow]:
    """Yield the rows about these values, in all logs."""
    for number in sorted(set(numbers)):
        for log, *row in tx.execute(_OF_VALUE, {"of_value": number}):
            yield _row(tx, log, row)


def change(tx: Tx, changes: Sequence[RowChange]) -> None:
    """Change or remove rows of one or several logs, and update the collections' counts and digests.

    A row that loses bodies also loses its observable and its relationship, and the number of its value.
    """
    if not changes:
        return
    logs = {changed.row.log for changed in changes}
    locked = ends.lock(tx, logs)
    numbers = ends.numbers(locked)
    by_number = {collection.number: collection for collection in all_collections.all_collections(tx)}
    marks = Marks()
    for log in sorted(logs):
        of_log = [changed for changed in changes if changed.row.log == log]
        removals.note(tx, log, list(map(_removed, of_log)))
        _mark(tx, marks, log, of_log)
    for changed in changes:
        _write(tx, changed)
    marks.write(tx, numbers)
    ends.write(tx, locked, {}, marks.gained(), marks.grown())
    for log in sorted(logs):
        text_keys.renew(tx, log, sorted({changed.row.date_added for changed in changes if changed.row.log == log}))
    for (log, variant), number in sorted(numbers.items()):
        _update_sets(tx, by_number[number], variant, [changed for changed in changes if changed.row.log == log])


def _removed(changed: RowChange) -> Removed:
    """Return the current and future content of a row for the ledger of the collections."""
    row, left = changed
    return Removed(row.date_added, _by_part(row, row.bodies), _by_part(row, left))


def _by_part(row: StoredRow, of_row: tuple[bytes, ...]) -> dict[int, bytes]:
    own = {part: body for part in (PLAIN, FULL) if row.parts & part for body in of_row[:1]}
    return own | dict(zip((OBSERVABLE, RELATIONSHIP), of_row[1:], strict=False))


def _mark(tx: Tx, marks: Marks, log: int, changes: Sequence[RowChange]) -> None:
    """Mark the newest versions of these rows' ids after the change."""
    going: dict[tuple[int, int], int] = {}
    ids: set[str] = set()
    for row, left in changes:
        ids |= {row.key, *row.along.values()}
        gone = 0 if len(left) == len(row.bodies) else OBSERVABLE | RELATIONSHIP
        going[row.date_added, row.parts] = gone if left else gone | PLAIN | FULL | OBSERVABLE | RELATIONSHIP
    history = history_of(rows.in_logs(tx, [log], ids))
    changed_rows: dict[tuple[int, int], LogRow] = {}
    by_place: dict[Place, list[ObjectVersion]] = {}
    for place, versions in history.items():
        for version in versions:
            at = (version.row.date_added, version.row.parts)
            if at in going:
                changed_rows[at] = version.row
                marks.note_rewritten(version)
            if going.get(at, 0) & version.part:
                marks.note_gone(version)
            else:
                by_place.setdefault(place, []).append(version)
    for at, marked in changed_rows.items():
        marked.latest &= ~going[at]
        marked.legacy &= ~going[at]
    for place, staying in by_place.items():
        if len(staying) != len(history[place]):
            marks.update(staying)


def _write(tx: Tx, changed: RowChange) -> None:
    row, left = changed
    at = {"in_log": row.log, "at": row.date_added, "of_parts": row.parts}
    if not left:
        tx.execute(_REMOVE, at)
        return
    packer = bodies.of(tx).packer()
    if len(left) > 1:
        tx.execute(_REWRITE, {**at, "packed": packer.pack_three(left)})
    elif len(row.bodies) > 1 or (row.value is not None and row.revoked):
        both = ~(OBSERVABLE | RELATIONSHIP)
        marks = {"latest_bits": row.latest & both, "legacy_bits": row.legacy & both}
        tx.execute(_STRIP, {**at, **marks, "packed": packer.pack(left[0])})
    else:
        tx.execute(_REWRITE, {**at, "packed": packer.pack(left[0])})


def _update_sets(tx: Tx, collection: Collection, variant: int, changes: Sequence[RowChange]) -> None:
    """Remove deleted objects from the collection's digest. Restart a matching set that lags behind."""
    gone: list[StoredVersion] = []
    place = -1
    for row, left in changes:
        if not row.parts & variant:
            continue
        place = max(place, row.date_added + (LATER[RELATIONSHIP] if row.along and variant == FULL else 0))
        if row.latest & variant and not left:
            # Objects that accompany a listing were revoked with it.
            gone.append(read_version(row.key, row.bodies[0], is_withdrawn=False))
    digests.remove(tx, collection, gone, place)
    if variant == PLAIN and any(row.value is not None or row.revoked for row, _ in changes):
        _begin_sets_anew(tx, collection.number, behind=place)


def _row(tx: Tx, log: int, row: Sequence[Any]) -> StoredRow:
    date_added, parts, latest, legacy, revoked, value, body, *columns = row
    return StoredRow(
        log, date_added, parts, latest, legacy, bool(revoked), value, Names(*columns), bodies.of(tx).all_of(tx, body)
    )


def set_value(tx: Tx, ids: Iterable[str], subject: str, number: int) -> int:
    """Assign the hub's listings with these ids to the value with that name and number. Return the number of rows."""
    changed = 0
    for id_ in sorted(set(ids)):
        name = object_ids.pack(id_, object_ids.type_of(id_))
        mine = (_c.id_high == name.high, _c.id_low == name.low, _c.space == 0)
        changed += tx.execute(
            update(objects).where(*mine).values(value=number, host=host_pages.number_of(subject))
        ).rowcount
    return changed


def pack_again(tx: Tx, log: int, place: int, most: int, number: int) -> int | None:
    """Recompress bodies that use the dictionary with that number. Return the place to continue from."""
    found: Sequence[Any] = tx.execute(_AFTER, {"in_log": log, "after": place, "rows": most}).all()
    store = bodies.of(tx)
    packer = store.packer(store.learn(tx))
    for date_added, parts, *_marks, body in (row[:7] for row in found):
        if bodies.dictionary_of(body) == number:
            unpacked = store.all_of(tx, body)
            packed = packer.pack_three(unpacked) if len(unpacked) > 1 else packer.pack(unpacked[0])
            at = {"in_log": log, "at": date_added, "of_parts": parts}
            tx.execute(_REWRITE, {**at, "packed": packed})
    return found[-1][0] if len(found) == most else None


def id_in_log(row: StoredRow) -> str:
    """Return the id that a row's object has for its producer."""
    return object_ids.split(row.key)[1]


def lagging_sets(tx: Tx, collection: int, place: int) -> list[int]:
    """Return the epochs of a collection's sets for private matching that have read its log only up to before a place.

    They would never notice rows removed there.
    """
    s = set_rows.c
    return list(tx.scalars(select(s.epoch).where(s.collection == collection, s.read_up_to < place)))


def _begin_sets_anew(tx: Tx, collection: int, behind: int) -> None:
    """Remove the collection's sets that lag behind a place. Their owner rebuilds them from the log."""
    for epoch in lagging_sets(tx, collection, behind):
        match_sets.remove(tx, collection, epoch, most=None)


# No trained dictionary has one of these numbers, and 123 marks an uncompressed body.
_NUMBERS = (119, 120, 121, 122, 124, 125, 126, 127)
_d = dictionaries.c


def dictionaries_holding(tx: Tx, is_in: Callable[[bytes], bool]) -> list[int]:
    """Return the numbers of the store's own dictionaries that contain a word of the value.

    A dictionary holds words that many objects share, so this is rare. Its bytes cannot change while any body needs
    them. Another dictionary takes its place and all bodies are recompressed. Then the old one is emptied.
    """
    return [number for number, text in tx.execute(select(_d.number, _d.bytes).order_by(_d.number)) if is_in(text)]


def put_dictionaries_aside(tx: Tx) -> None:
    """Compress all bodies from now on with the program's built-in dictionary.

    Raises ``ValueError`` if this was done too often.
    """
    taken = set(tx.scalars(select(_d.number)))
    number = next((number for number in _NUMBERS if number not in taken), None)
    if number is None:
        raise ValueError("no number for another dictionary is left")
    newest = tx.execute(select(func.coalesce(func.max(_d.made), 0))).scalar_one()
    made = max(database_time(tx), newest + 1)
    tx.execute(insert(dictionaries).values(number=number, made=made, bytes=bodies.built_in().as_bytes()))
    bodies.of(tx).learn(tx)


def empty_dictionary(tx: Tx, number: int) -> None:
    """Replace a dictionary that no body needs any longer by the program's own."""
    tx.execute(update(dictionaries).where(_d.number == number).values(bytes=bodies.built_in().as_bytes()))


_c = objects.c
_ALL = (_c.date_added, _c.parts, _c.latest, _c.legacy, _c.revoked, _c.value, _c.body, *NAMES)
_AFTER = (
    select(*_ALL)
    .where(_c.collection == bindparam("in_log", type_=Integer), _c.date_added > bindparam("after", type_=BigInteger))
    .order_by(_c.date_added, _c.parts)
    .limit(bindparam("rows", type_=BigInteger))
)
_OF_VALUE = select(_c.collection, *_ALL).where(_c.value == bindparam("of_value", type_=BigInteger))
_OF_IDS = select(_c.collection, _c.date_added).where(among(_c.id_high, "halves", BigInteger))
_OF_VALUES = select(_c.collection, _c.date_added).where(
    among(_c.value, "numbers", BigInteger), text("value IS NOT NULL")
)
_WHERE = (
    _c.collection == bindparam("in_log", type_=Integer),
    _c.date_added == bindparam("at", type_=BigInteger),
    _c.parts == bindparam("of_parts", type_=Integer),
)
_REMOVE = delete(objects).where(*_WHERE)
_REWRITE = update(objects).where(*_WHERE).values(body=bindparam("packed"))
_STRIP = (
    update(objects)
    .where(*_WHERE)
    .values(
        body=bindparam("packed"),
        latest=bindparam("latest_bits"),
        legacy=bindparam("legacy_bits"),
        value=None,
        host=None,
        observable_type=0,
        observable_high=None,
        observable_low=None,
        relationship_high=None,
        relationship_low=None,
        relationship_version=None,
    )
)
