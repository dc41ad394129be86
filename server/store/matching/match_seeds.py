"""Identifiers of the seeds for the keys of private matching, in order. The seeds themselves are not stored."""

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from server.store.database.engine import Tx
from server.store.matching.match_tables import match_seeds

FIRST = 1


def generation_of(tx: Tx, public: bytes) -> int | None:
    """Return the generation of the seed with a public key, or None if it is not registered."""
    found = tx.execute(select(match_seeds.c.generation).where(match_seeds.c.public == public)).scalar()
    return None if found is None else int(found)


def newest(tx: Tx) -> int | None:
    """Return the generation of the newest seed, or None."""
    found = tx.execute(select(func.max(match_seeds.c.generation))).scalar()
    return None if found is None else int(found)


def register(tx: Tx, public: bytes, *, after: int) -> int | None:
    """Register a seed after the generation ``after``. Return its own, or None if another process was faster."""
    try:
        with tx.begin_nested():
            tx.execute(insert(match_seeds).values(generation=after + 1, public=public))
    except IntegrityError:
        return None
    return after + 1
