"""The rows of the log, read whole one after the other, and changed or removed as an erasure finds them.

The log is only added to otherwise. What an erasure changes keeps its place in the order, so that readers go on where
they were; pages made before are known to be old, counts are kept, and so are the digests of what is active.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, bindparam, delete, select, update

from server.store import collections as all_collections
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.erasure import match_rows
from server.store.ledger import removals
from server.store.ledger.removals import Removed
from server.store.objects import bodies, digests, ends, object_ids, rows
from server.store.objects.active_sets import StoredVersion, read_version
from server.store.objects.marks import LogRow, Marks, ObjectVersion, Place, history_of
from server.store.objects.parts import FULL, LATER, OBSERVABLE, PLAIN, RELATIONSHIP
from server.store.objects.query import NAMES, Names
from server.store.tables import objects


class StoredRow(NamedTuple):
    """A row of the log with all that it has: its place, its marks, its value's number, its names, and its bodies."""

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
        """Return by its bit the id of the observable and of the relationship that it brings along."""
        if self.names.observable_high is None:
            return {}
        return {part: self.names.id(part) for part in (OBSERVABLE, RELATIONSHIP)}


class RowChange(NamedTuple):
    """A row and what is left of it: its bodies, as many as before or its object's alone; none where it goes."""

    row: StoredRow
    bodies: tuple[bytes, ...] = ()


def after(tx: Tx, log: int, place: int, most: int) -> tuple[list[StoredRow], int | None]:
    """Return about ``most`` rows of a log after a place, and the place to go on from; None at the end.

    Rows of one ``date_added`` are returned together.
    """
    found: Sequence[Any] = tx.execute(_AFTER, {"in_log": log, "after": place, "rows": most}).all()
    if len(found) < most:
        return [_row(tx, log, row) for row in found], None
    last = found[-1][0]
    complete = [row for row in found if row[0] < last]
    if not complete:
        # More than a page of one moment: there are two at most.
        complete, last = list(found), last + 1
    return [_row(tx, log, row) for row in complete], last - 1


def of_values(tx: Tx, numbers: Iterable[int]) -> Iterator[StoredRow]:
    """Yield the rows that are about these values, in all logs."""
    for number in sorted(set(numbers)):
        for log, *row in tx.execute(_OF_VALUE, {"of_value": number}):
            yield _row(tx, log, row)


def change(tx: Tx, changes: Sequence[RowChange]) -> None:
    """Change or remove rows of one or several logs; what the collections know of them follows.

    A row that has fewer bodies than before loses its observable and its relationship, and the number of its value.
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
    for (log, variant), number in sorted(numbers.items()):
        _keep_up(tx, by_number[number], variant, [changed for changed in changes if changed.row.log == log])


def _removed(changed: RowChange) -> Removed:
    """Return what the ledger of the collections has of a row, and what it will have."""
    row, left = changed
    return Removed(row.date_added, _by_part(row, row.bodies), _by_part(row, left))


def _by_part(row: StoredRow, of_row: tuple[bytes, ...]) -> dict[int, bytes]:
    own = {part: body for part in (PLAIN, FULL) if row.parts & part for body in of_row[:1]}
    return own | dict(zip((OBSERVABLE, RELATIONSHIP), of_row[1:], strict=False))


def _mark(tx: Tx, marks: Marks, log: int, changes: Sequence[RowChange]) -> None:
    """Mark what is the newest of the ids of these rows once they are changed."""
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


def _keep_up(tx: Tx, collection: Collection, variant: int, changes: Sequence[RowChange]) -> None:
    """Remove from the collection's digest what is gone; begin a set for matching anew that lags behind."""
    gone: list[StoredVersion] = []
    place = -1
    for row, left in changes:
        if not row.parts & variant:
            continue
        place = max(place, row.date_added + (LATER[RELATIONSHIP] if row.along and variant == FULL else 0))
        if row.latest & variant and not left:
            # What a listing brought along was revoked with it.
            gone.append(read_version(row.key, row.bodies[0], is_withdrawn=False))
    digests.remove(tx, collection, gone, place)
    if variant == PLAIN and any(row.value is not None or row.revoked for row, _ in changes):
        match_rows.begin_anew(tx, collection.number, behind=place)


def _row(tx: Tx, log: int, row: Sequence[Any]) -> StoredRow:
    date_added, parts, latest, legacy, revoked, value, body, *columns = row
    return StoredRow(
        log, date_added, parts, latest, legacy, bool(revoked), value, Names(*columns), bodies.of(tx).all_of(tx, body)
    )


def set_value(tx: Tx, ids: Iterable[str], number: int) -> int:
    """Let the hub's listings of these ids be of the value of that number again; return how many rows are."""
    changed = 0
    for id_ in sorted(set(ids)):
        name = object_ids.pack(id_, object_ids.type_of(id_))
        mine = (_c.id_high == name.high, _c.id_low == name.low, _c.space == 0)
        changed += tx.execute(update(objects).where(*mine).values(value=number)).rowcount
    return changed


def pack_again(tx: Tx, log: int, place: int, most: int, number: int) -> int | None:
    """Compress bodies anew that were compressed with the dictionary of that number; return the place to go on from."""
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
    """Return the id of a row's object as its maker gave it."""
    return object_ids.split(row.key)[1]


_c = objects.c
_ALL = (_c.date_added, _c.parts, _c.latest, _c.legacy, _c.revoked, _c.value, _c.body, *NAMES)
_AFTER = (
    select(*_ALL)
    .where(_c.collection == bindparam("in_log", type_=Integer), _c.date_added > bindparam("after", type_=BigInteger))
    .order_by(_c.date_added, _c.parts)
    .limit(bindparam("rows", type_=BigInteger))
)
_OF_VALUE = select(_c.collection, *_ALL).where(_c.value == bindparam("of_value", type_=BigInteger))
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
        observable_type=0,
        observable_high=None,
        observable_low=None,
        relationship_high=None,
        relationship_low=None,
        relationship_version=None,
    )
)
