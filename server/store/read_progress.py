"""Read positions: the ``date_added`` up to which each partner has read each collection, and the time of first reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, func, insert, select

from server.store.collections import Collection
from server.store.credentials import UsedLogin
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import any_of, chunks
from server.store.database.times import now
from server.store.reads import read_steps
from server.store.release_tables import first_reads
from server.store.tables import collections, partners, read_positions


@dataclass(frozen=True, slots=True)
class ReadLag:
    """The lag of a partner behind a collection in seconds, and when it last asked (microseconds)."""

    partner: str
    collection: str
    seconds: float
    asked: int


class AnsweredRead(NamedTuple):
    """A read that advanced: its end as ``date_added``, when it was answered (microseconds), and the login."""

    read_up_to: int
    at: int
    login: UsedLogin | None


def record_reads(
    tx: Tx,
    given: Iterable[tuple[str, str, int]],
    answered: Mapping[tuple[str, str], Sequence[AnsweredRead]] | None = None,
) -> None:
    """Record the ``date_added`` up to which partners have read collections (name, collection id, microseconds).

    ``answered`` has the single reads by name and collection. Without it, everything was read now.
    """
    moment, furthest = now(), dict[str, int]()
    for partner, collection, position in sorted(given):
        furthest[collection] = max(position, furthest.get(collection, position))
        mine = (read_positions.c.collection == collection, read_positions.c.partner == partner)
        had = tx.execute(select(read_positions.c.read_up_to).where(*mine).with_for_update()).scalar()
        tx.execute(delete(read_positions).where(*mine))
        reached = max(position, had or 0)
        row = {"collection": collection, "partner": partner, "read_up_to": reached, "asked": moment}
        tx.execute(insert(read_positions), row)
        for read in (answered or {}).get((partner, collection)) or (AnsweredRead(reached, moment, None),):
            read_steps.note(tx, collection, partner, *read)
    note_first_reads(tx, furthest, moment)


def lags(tx: Tx) -> list[ReadLag]:
    """Return the lag of each partner behind each collection that it has asked for, by partner and alias."""
    asked = (
        select(
            read_positions.c.partner,
            collections.c.alias,
            collections.c.last_added,
            read_positions.c.read_up_to,
            read_positions.c.asked,
        )
        .join(collections, collections.c.id == read_positions.c.collection)
        .order_by(read_positions.c.partner, collections.c.alias)
    )
    return [
        ReadLag(partner, alias, max(0, last - given) / 1_000_000, when)
        for partner, alias, last, given, when in tx.execute(asked)
    ]


def of_partner(tx: Tx, partner: str) -> dict[str, tuple[int, int]]:
    """Return by collection id the ``date_added`` up to which a partner has read it, and when it last asked."""
    r = read_positions.c
    asked = select(r.collection, r.read_up_to, r.asked).where(r.partner == partner)
    return {collection: (read_up_to, at) for collection, read_up_to, at in tx.execute(asked)}


class ReadPosition(NamedTuple):
    """The ``date_added`` up to which a partner has read a collection, and when it last asked."""

    partner: str
    read_up_to: int
    asked: int


def positions_by(tx: Tx, partner: str, of: Sequence[Collection]) -> dict[str, ReadPosition]:
    """Return by collection id the partner's position in each of these collections that it has read."""
    r = read_positions.c
    found: dict[str, ReadPosition] = {}
    for chunk in chunks([collection.id for collection in of]):
        asked = select(r.collection, r.read_up_to, r.asked).where(any_of(tx, r.collection, chunk), r.partner == partner)
        found |= {row.collection: ReadPosition(partner, row.read_up_to, row.asked) for row in tx.execute(asked)}
    return found


def positions_of(tx: Tx, of: Sequence[Collection]) -> dict[str, list[ReadPosition]]:
    """Return by collection id the read positions of the current partners, one each."""
    r, mine = read_positions.c, partners.c.name == read_positions.c.partner
    asked = select(r.collection, r.partner, r.read_up_to, r.asked).join(partners, mine).where(partners.c.left.is_(None))
    found: dict[str, list[ReadPosition]] = {collection.id: [] for collection in of}
    for chunk in chunks(found):
        for collection, *position in tx.execute(asked.where(any_of(tx, r.collection, chunk))):
            found[collection].append(ReadPosition(*position))
    return found


def note_first_reads(tx: Tx, furthest: Mapping[str, int], moment: int) -> None:
    """Record that at ``moment`` a partner has read collections (by id) further than any other before."""
    for collection, given in sorted(furthest.items()):
        asked = select(func.max(first_reads.c.read_up_to)).where(first_reads.c.collection == collection)
        before = tx.execute(asked).scalar_one()
        if before is None or before < given:
            tx.execute(insert(first_reads).values(collection=collection, read_up_to=given, at=moment))


def first_read_at(tx: Tx, collection: str, added: int) -> int | None:
    """Return when any partner first read the object that a collection added at ``added``, or None."""
    found = fetch(tx, _FIRST_READ, {"of_collection": collection, "added": added})
    return found[0][0] if found else None


def forget_first_reads(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove at most ``most`` first reads ``before`` (microseconds), and return their number.

    The last one of each collection stays.
    """
    f = first_reads.c
    keys: list[dict[str, Any]] = []
    newest = select(f.collection, func.max(f.read_up_to)).group_by(f.collection)
    for collection, last in tx.execute(newest).all():
        # Positions increase with time, so the removable rows are the first in key order.
        first = select(f.read_up_to, f.at).where(f.collection == collection, f.read_up_to < last)
        for place, at in tx.execute(first.order_by(f.read_up_to).limit(most - len(keys))):
            if at < before:
                keys.append({"of_collection": collection, "of_place": place})
    if keys:
        tx.execute(_FORGET_FIRST_READ, keys)
    return len(keys)


# Runs once per object, so it is built once.
_FIRST_READ = (
    select(first_reads.c.at)
    .where(first_reads.c.collection == bindparam("of_collection"))
    .where(first_reads.c.read_up_to >= bindparam("added", type_=BigInteger))
    .order_by(first_reads.c.read_up_to)
    .limit(1)
)
_FORGET_FIRST_READ = delete(first_reads).where(
    first_reads.c.collection == bindparam("of_collection"), first_reads.c.read_up_to == bindparam("of_place")
)
