"""When somebody had first been given a collection up to where: a row each time that the furthest reader goes on."""

from collections.abc import Mapping

from sqlalchemy import delete, func, insert, select

from server.store.store import Tx
from server.store.tables_of_rules import first_reads


def note(tx: Tx, furthest: Mapping[str, int], moment: int) -> None:
    """Note that at ``moment`` somebody has been given collections (by id) up to a ``date_added``; no news is none."""
    for collection, given in sorted(furthest.items()):
        asked = select(func.max(first_reads.c.given)).where(first_reads.c.collection == collection)
        before = tx.execute(asked).scalar_one()
        if before is None or before < given:
            tx.execute(insert(first_reads).values(collection=collection, given=given, at=moment))


def at(tx: Tx, collection: str, added: int) -> int | None:
    """Say when somebody was first given what a collection added at ``added``, None where nobody was."""
    mine = (first_reads.c.collection == collection, first_reads.c.given >= added)
    found: int | None = tx.execute(
        select(first_reads.c.at).where(*mine).order_by(first_reads.c.given).limit(1)
    ).scalar()
    return found


def forget(tx: Tx, *, before: int) -> int:
    """Remove what was noted ``before`` (microseconds), and say how many; what was read then is still read."""
    latest = select(func.max(first_reads.c.given)).group_by(first_reads.c.collection)
    old = (first_reads.c.at < before, first_reads.c.given.not_in(latest))
    return tx.execute(delete(first_reads).where(*old)).rowcount
