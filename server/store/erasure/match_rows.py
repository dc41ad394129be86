"""Sets of private matching that have not read yet what an erasure removes, and so could never learn of it."""

from sqlalchemy import select

from server.store.database.engine import Tx
from server.store.matching import match_sets
from server.store.matching.match_tables import match_sets as set_rows


def lagging(tx: Tx, collection: int, place: int) -> list[int]:
    """Return the epochs of the collection's sets that have read its log up to before a place."""
    s = set_rows.c
    return list(tx.scalars(select(s.epoch).where(s.collection == collection, s.read_up_to < place)))


def begin_anew(tx: Tx, collection: int, behind: int) -> None:
    """Remove the collection's sets that lag behind a place: whoever keeps them makes them again from the log."""
    for epoch in lagging(tx, collection, behind):
        match_sets.remove(tx, collection, epoch, most=None)
