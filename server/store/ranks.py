"""Which version of an object is the latest, and the marks in the log that say so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from server.store import rewrites
from server.store.collections import Collection
from server.store.lists import any_of, chunks
from server.store.store import Tx
from server.store.tables import objects


@dataclass(slots=True)
class Row:
    """What the log knows of one version of an object, but for its body."""

    date_added: int
    spec_version: str
    version: int | None
    latest: bool
    legacy: bool


def rank(rows: Sequence[Row]) -> None:
    """Mark, among all rows of one id, the newest version in the newest STIX, and what is there in a newer STIX too.

    An object that has no versions counts as of the moment it was added.
    """
    newest_spec = max(row.spec_version for row in rows)
    newest = max(rows, key=_age)
    for row in rows:
        row.latest = row is newest
        row.legacy = row.spec_version != newest_spec


def history_of(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, list[Row]]:
    """Fetch what is known of the versions of each of ``ids`` that is there."""
    log = objects.c
    history: dict[str, list[Row]] = {}
    columns = select(log.id, log.date_added, log.spec_version, log.version, log.latest, log.legacy)
    for chunk in chunks(ids):
        found = tx.execute(columns.where(log.collection == collection.number, any_of(tx, log.id, chunk)))
        for id_, *row in found:
            history.setdefault(id_, []).append(Row(*row))
    return history


def rerank(tx: Tx, collection: Collection, histories: Iterable[tuple[Sequence[Row], int]]) -> None:
    """Mark the rows of each id anew, and update those among the first so many of them whose marks changed."""
    changed = []
    for rows, stored in histories:
        before = [(row.latest, row.legacy) for row in rows]
        rank(rows)
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
        rewrites.note(tx, collection, [one["at"] for one in changed])


def _age(row: Row) -> tuple[str, int, int]:
    return row.spec_version, row.date_added if row.version is None else row.version, row.date_added
