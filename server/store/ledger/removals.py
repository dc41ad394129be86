"""Removals: objects removed from a log, or changed in it by an erasure, after their publication.

The entry stays, so that every other proof remains valid. Its salt is erased, so that no object can be proven to belong
to it. A new entry records that the object is gone. If something was left in its place, another entry is added for that.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, insert, select

from schemas.tlog.entries import LENGTH, EntryKind, canonical_or_raw, removal
from schemas.tlog.trees import WIDTH
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.item import LATER, OF_VARIANT
from server.store.ledger import sealing
from server.store.ledger.growth import Growth, Tree
from server.store.ledger.tables import ledger_removals, ledger_spans
from server.store.tables import collections


class Removed(NamedTuple):
    """The removed part of a row of a log: its ``date_added``, its objects by bit, and the remaining body."""

    date_added: int
    before: Mapping[int, bytes]
    left: Mapping[int, bytes]


def note(tx: Tx, log: int, removed: Sequence[Removed]) -> None:
    """Record in the trees of a log the rows that the transaction is about to remove or change.

    Unsealed rows are sealed first. Call it before the rows are changed, while the log is locked.
    """
    trees = sealing.seal_log(tx, log)
    if not trees:
        return
    parts = {row[0]: row[1] for row in tx.execute(_PARTS, {"of_log": log})}
    for number, tree in trees.items():
        tree_growth = Growth(tx, tree)
        for row in removed:
            for part in OF_VARIANT[parts[number]]:
                body, left = row.before.get(part), row.left.get(part)
                if body is not None and body != left:
                    _remove(tx, tree_growth, row.date_added + LATER[part], left)
        if tree_growth.added:
            tree_growth.write(tx, tree.sealed)


def _remove(tx: Tx, tree: Growth, place: int, left: bytes | None) -> None:
    index = locate(tx, tree.collection, place)
    if index is None:
        return
    tree.erase(index)
    entry = tree.add([(EntryKind.REMOVED, max(now(), tree.last_added), removal(index))])
    replacement = None
    if left is not None:
        content, is_canonical = canonical_or_raw(left)
        kind = EntryKind.PUBLISHED if is_canonical else EntryKind.PUBLISHED_RAW
        replacement = tree.add([(kind, place, content)], in_order=False)
    row = {"collection": tree.collection, "entry": entry, "removed": index, "replacement": replacement}
    tx.execute(insert(ledger_removals).values(**row))


def locate(tx: Tx, collection: int, place: int) -> int | None:
    """Return the index of the entry for the object at a ``date_added``; None if it is unsealed or removed."""
    return locate_all(tx, collection, [place]).get(place)


def locate_all(tx: Tx, collection: int, places: Iterable[int]) -> dict[int, int]:
    """Return by ``date_added`` the indexes of the entries for the objects there, with as few reads as possible."""
    wanted = sorted(set(places))
    found: dict[int, int] = {}
    last = -1
    for place in wanted:
        if place <= last:
            continue
        span = tx.execute(_SPAN_OF, {"of_collection": collection, "place": place}).first()
        if span is None:
            break
        number, last, entries = span
        asked = set(wanted)
        for at, moment in objects_of(entries):
            if moment in asked:
                found.setdefault(moment, number * WIDTH + at)
    return follow(tx, collection, found)


def first_after(tx: Tx, tree: Tree, place: int) -> int:
    """Return the index after the entry of the last object up to a ``date_added``. Later entries were added later."""
    span = tx.execute(_SPAN_OF, {"of_collection": tree.collection, "place": place + 1}).first()
    if span is None:
        last = tree.last_added
    else:
        before = {"of_collection": tree.collection, "of_number": span[0] - 1}
        last = tx.execute(_LAST_OF, before).scalar() or 0
        last = max([last, *(moment for _, moment in objects_of(span[2]) if moment <= place)])
    found = tx.execute(_SPAN_OF, {"of_collection": tree.collection, "place": last}).first() if last else None
    if found is None:
        return 0
    return int(found[0]) * WIDTH + min(at for at, moment in objects_of(found[2]) if moment == last) + 1


def objects_of(entries: bytes) -> list[tuple[int, int]]:
    """Return the place and the ``date_added`` of each entry of a span that describes an object."""
    data = bytes(entries)
    return [
        (start // LENGTH, int.from_bytes(data[start + 1 : start + 9]))
        for start in range(0, len(data), LENGTH)
        if data[start] <= EntryKind.PUBLISHED_RAW
    ]


def follow(tx: Tx, collection: int, indexes: Mapping[int, int]) -> dict[int, int]:
    """Return the same with replaced entries in place of those whose objects are gone."""
    current = dict(indexes)
    while current:
        replaced = replacements(tx, collection, current.values())
        moved = {place: index for place, index in current.items() if index in replaced}
        if not moved:
            break
        for place, index in moved.items():
            following = replaced[index]
            if following is None:
                del current[place]
            else:
                current[place] = following
    return current


def replacements(tx: Tx, collection: int, indexes: Iterable[int]) -> dict[int, int | None]:
    """Return by index the replacements of entries whose objects are gone, None without one."""
    wanted = sorted(set(indexes))
    found: dict[int, int | None] = {}
    for start in range(0, len(wanted), 500):
        given = {"of_collection": collection, "of_entries": tuple(wanted[start : start + 500])}
        found |= {row[0]: row[1] for row in tx.execute(_REPLACED, given)}
    return found


def between(tx: Tx, collection: int, first: int, end: int) -> list[tuple[int, int]]:
    """Return the entries of removals from index ``first`` to before ``end``, each with the index that it removes."""
    given = {"of_collection": collection, "first": first, "end": end}
    return [(row[0], row[1]) for row in tx.execute(_BETWEEN, given)]


_r, _s = ledger_removals.c, ledger_spans.c
_PARTS = select(collections.c.number, collections.c.part).where(collections.c.log == bindparam("of_log"))
_REPLACED = select(_r.removed, _r.replacement).where(
    _r.collection == bindparam("of_collection"), _r.removed.in_(bindparam("of_entries", expanding=True))
)
_BETWEEN = (
    select(_r.entry, _r.removed)
    .where(_r.collection == bindparam("of_collection"))
    .where(_r.entry >= bindparam("first", type_=BigInteger), _r.entry < bindparam("end", type_=BigInteger))
    .order_by(_r.entry)
)
_LAST_OF = select(_s.last_added).where(
    _s.collection == bindparam("of_collection"), _s.number == bindparam("of_number", type_=BigInteger)
)
_SPAN_OF = (
    select(_s.number, _s.last_added, _s.entries)
    .where(_s.collection == bindparam("of_collection"))
    .where(_s.last_added >= bindparam("place", type_=BigInteger))
    .order_by(_s.last_added, _s.number)
    .limit(1)
)
