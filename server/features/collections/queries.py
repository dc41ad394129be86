"""Figures of private collections, which have one reader each and are too many to list."""

from typing import NamedTuple

from sqlalchemy import func, select

from server.store.database.engine import Tx
from server.store.tables import collections


class PrivateCollections(NamedTuple):
    """How many private collections have a use, how many objects they list, and the last addition (microseconds)."""

    use: str
    number: int
    objects: int
    last_added: int | None


def private_by_use(tx: Tx) -> list[PrivateCollections]:
    """Return the figures of private collections by their use, the most frequent first."""
    c = collections.c
    asked = select(c.use, func.count(), func.sum(c.objects), func.max(c.last_added)).where(c.owner.is_not(None))
    rows = tx.execute(asked.group_by(c.use)).all()
    found = [PrivateCollections(use or "", number, int(objects), last or None) for use, number, objects, last in rows]
    return sorted(found, key=lambda each: (-each.number, each.use))
