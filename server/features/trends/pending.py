"""Rows that are counted later: listings that are not yet read, and delistings that are not yet settled."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select, update

from server.features.trends.tables import trend_acted, trend_delistings, trend_unread
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, any_of, chunks, insert_many
from server.store.release_tables import first_reads, receipts
from server.store.retractions import NO_ACCESS

# The open questions of a delisting: whether the listing was wrong, and whether every reader knows.
TO_JUDGE = 1
TO_BE_KNOWN = 2


class Unread(NamedTuple):
    """New listings of a kind that were added in one millisecond and are not yet read."""

    log: int
    added: int
    kind: str
    organisations: str
    number: int


class Delisting(NamedTuple):
    """A delisting: its time, and how long the listing was valid, in microseconds; ``open`` as in the table."""

    object_id: str
    log: int
    revoked: int
    listed: int
    kind: str
    organisations: str
    open: int


class DelistingReaders(NamedTuple):
    """The readers of a delisted listing: how many have not learnt of the delisting, and the longest delay."""

    waiting: int
    micros: int | None


def add_unread(tx: Tx, rows: Iterable[Unread]) -> None:
    """Add listings that are not yet read."""
    _ADD_UNREAD.run(tx, sorted(rows))


def unread(tx: Tx, log: int, most: int) -> list[Unread]:
    """Return the oldest unread listings of a log."""
    asked = select(trend_unread).where(trend_unread.c.log == log).order_by(trend_unread.c.added).limit(most)
    return [Unread(*row) for row in tx.execute(asked)]


def forget_unread(tx: Tx, rows: Sequence[Unread]) -> None:
    """Remove listings that were read or are too old."""
    u = trend_unread.c
    if rows:
        gone = delete(trend_unread).where(
            *(u[name] == bindparam(f"of_{name}") for name in ("log", "added", "kind", "organisations"))
        )
        names = ("log", "added", "kind", "organisations")
        tx.execute(gone, [{f"of_{name}": getattr(row, name) for name in names} for row in rows])


def reads_from(tx: Tx, collection: str, place: int, most: int) -> list[tuple[int, int]]:
    """Return the read positions of a collection beyond a place with the times first reached, the nearest first."""
    f = first_reads.c
    asked = select(f.read_up_to, f.at).where(f.collection == collection, f.read_up_to >= place)
    return [(row[0], row[1]) for row in tx.execute(asked.order_by(f.read_up_to).limit(most))]


def add_delistings(tx: Tx, rows: Iterable[Delisting]) -> None:
    """Add delistings with all questions open."""
    insert_many(tx, trend_delistings, sorted((*row, 0) for row in rows))


def delistings(tx: Tx, before: int, most: int) -> list[Delisting]:
    """Return delistings ``before`` a moment, the least recently examined first."""
    d = trend_delistings.c
    asked = select(d.object_id, d.log, d.revoked, d.listed, d.kind, d.organisations, d.open)
    asked = asked.where(d.revoked < before).order_by(d.looked, d.object_id, d.log).limit(most)
    return [Delisting(*row) for row in tx.execute(asked)]


def save_delistings(tx: Tx, looked_at: Sequence[Delisting], step: int) -> None:
    """Store the open questions of examined delistings. Remove delistings without any."""
    d = trend_delistings.c
    mine = (d.object_id == bindparam("of_id"), d.log == bindparam("of_log"), d.revoked == bindparam("at"))
    for keep, statement in (
        (False, delete(trend_delistings).where(*mine)),
        (True, update(trend_delistings).where(*mine).values(open=bindparam("bits"), looked=step)),
    ):
        rows = [
            {"of_id": row.object_id, "of_log": row.log, "at": row.revoked, **({"bits": row.open} if keep else {})}
            for row in looked_at
            if bool(row.open) is keep
        ]
        if rows:
            tx.execute(statement, rows)


def known_by(tx: Tx, collections: Sequence[str], ids: Sequence[str]) -> dict[str, DelistingReaders]:
    """Return by object the readers that got it in these collections (by id) and know of the delisting."""
    r = receipts.c
    asked = select(r.object_id, r.opened, r.closed, r.how).where(r.collection.in_(collections))
    found: dict[str, DelistingReaders] = {}
    for chunk in chunks(sorted(set(ids))):
        for object_id, opened, closed, how in tx.execute(asked.where(any_of(tx, r.object_id, chunk))):
            before = found.get(object_id, DelistingReaders(0, None))
            if closed is None:
                found[object_id] = before._replace(waiting=before.waiting + 1)
            elif how not in (NO_ACCESS, "left"):
                found[object_id] = before._replace(micros=max(before.micros or 0, closed - opened))
    return found


def acted_on(tx: Tx, ids: Iterable[str]) -> set[str]:
    """Return the listings about which an action was stated before."""
    found: set[str] = set()
    for chunk in chunks(sorted(set(ids))):
        found.update(tx.scalars(select(trend_acted.c.object_id).where(any_of(tx, trend_acted.c.object_id, chunk))))
    return found


def add_acted_on(tx: Tx, ids: Iterable[str]) -> None:
    """Record that an action was stated about listings."""
    _ADD_ACTED.run(tx, sorted((id_,) for id_ in set(ids)))


_ADD_UNREAD = ManyRows(
    "INSERT INTO trend_unread (log, added, kind, organisations, count) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (log, added, kind, organisations) DO UPDATE SET count = trend_unread.count + excluded.count",
    "INSERT INTO trend_unread (log, added, kind, organisations, count) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (log, added, kind, organisations) DO UPDATE SET count = trend_unread.count + excluded.count",
    ("integer", "bigint", "text", "text", "bigint"),
)
_ADD_ACTED = ManyRows(
    "INSERT INTO trend_acted (object_id) VALUES (?) ON CONFLICT DO NOTHING",
    "INSERT INTO trend_acted (object_id) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
    ("text",),
)
