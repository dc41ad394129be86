"""When objects first came into a collection."""

from collections.abc import Iterable

from sqlalchemy import func, select

from server.store.collections import Collection
from server.store.lists import any_of, chunks
from server.store.store import Tx
from server.store.tables import objects


def first(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, int]:
    """Give the ``date_added`` of the first version of those of ``ids`` that the collection has."""
    log = objects.c
    found: dict[str, int] = {}
    for chunk in chunks(sorted(set(ids))):
        asked = (
            select(log.id, func.min(log.date_added))
            .where(log.collection == collection.number, any_of(tx, log.id, chunk))
            .group_by(log.id)
        )
        found.update((row[0], row[1]) for row in tx.execute(asked))
    return found


def latest_of(tx: Tx, collection: Collection, type_: str, limit: int) -> list[str]:
    """Give the ids of the objects of a type that came, or changed, last: the newest first."""
    log = objects.c
    asked = (
        select(log.id)
        .where(log.collection == collection.number, log.latest, log.type == type_)
        .order_by(log.date_added.desc())
        .limit(limit)
    )
    return [row[0] for row in tx.execute(asked)]
