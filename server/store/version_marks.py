"""Which version of an object is the latest, and which stretches of the log have changed since they were written."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, func, insert, select, update

from server.store.collections import Collection
from server.store.engine import Tx
from server.store.sql import any_of, chunks
from server.store.tables import collections, objects, rewrites


@dataclass(slots=True)
class VersionRow:
    """What the log knows of one version of an object, but for its body."""

    date_added: int
    spec_version: str
    version: int | None
    latest: bool
    legacy: bool


def mark_latest(rows: Sequence[VersionRow]) -> None:
    """Mark, among all rows of one id, the newest version in the newest STIX, and what is there in a newer STIX too.

    An object that has no versions counts as of the moment it was added.
    """
    newest_spec = max(row.spec_version for row in rows)
    newest = max(rows, key=_age)
    for row in rows:
        row.latest = row is newest
        row.legacy = row.spec_version != newest_spec


def stored_versions(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, list[VersionRow]]:
    """Fetch what is known of the versions of each of ``ids`` that is there."""
    log = objects.c
    history: dict[str, list[VersionRow]] = {}
    columns = select(log.id, log.date_added, log.spec_version, log.version, log.latest, log.legacy)
    for chunk in chunks(ids):
        found = tx.execute(columns.where(log.collection == collection.number, any_of(tx, log.id, chunk)))
        for id_, *row in found:
            history.setdefault(id_, []).append(VersionRow(*row))
    return history


def update_marks(tx: Tx, collection: Collection, histories: Iterable[tuple[Sequence[VersionRow], int]]) -> None:
    """Mark the rows of each id anew, and update those among the first so many of them whose marks changed."""
    changed = []
    for rows, stored in histories:
        before = [(row.latest, row.legacy) for row in rows]
        mark_latest(rows)
        changed += [
            {"at": row.date_added, "is_latest": row.latest, "is_legacy": row.legacy}
            for row, marks in list(zip(rows, before, strict=True))[:stored]
            if (row.latest, row.legacy) != marks
        ]
    if changed:
        log = objects.c
        marks = (
            update(objects)
            .where(log.collection == collection.number, log.date_added == bindparam("at"))
            .values(latest=bindparam("is_latest"), legacy=bindparam("is_legacy"))
        )
        tx.execute(marks, changed)
        count_changes(tx, collection, [one["at"] for one in changed])


def _age(row: VersionRow) -> tuple[str, int, int]:
    return row.spec_version, row.date_added if row.version is None else row.version, row.date_added


# 2**24 microseconds.
_SPAN_BITS = 24


def count_changes(tx: Tx, collection: Collection, dates: Iterable[int]) -> None:
    """Count a change of the rows that were added at ``dates``; the caller holds the collection's lock."""
    for span, changes in Counter(date >> _SPAN_BITS for date in dates).items():
        here = (rewrites.c.collection == collection.number, rewrites.c.span == span)
        if not tx.execute(update(rewrites).where(*here).values(count=rewrites.c.count + changes)).rowcount:
            tx.execute(insert(rewrites).values(collection=collection.number, span=span, count=changes))


def change_mark(tx: Tx, collection: Collection, first: int, last: int | None) -> tuple[int, int]:
    """Give what is different whenever a row added from ``first`` to ``last`` has changed.

    Without ``last`` this goes to the end of the log, and an addition is a change too.
    """
    end = _NEVER if last is None else last
    where = {"number": collection.number, "begin": first >> _SPAN_BITS, "end": end >> _SPAN_BITS}
    found: int | None = tx.execute(_MARK, where).scalar()
    return int(found or 0), (tx.execute(_LAST, where).scalar() or 0) if last is None else 0


_NEVER = (1 << 63) - 1
_LAST = select(collections.c.last_added).where(collections.c.number == bindparam("number"))
_MARK = (
    select(func.sum(rewrites.c.count))
    .where(rewrites.c.collection == bindparam("number"))
    .where(rewrites.c.span >= bindparam("begin", type_=BigInteger))
    .where(rewrites.c.span <= bindparam("end", type_=BigInteger))
)
