"""Who was given what: up to where partners have read a collection, and what was pushed to them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, select, tuple_

from server.store import checkpoints, registry
from server.store.collections import Collection
from server.store.lists import any_of
from server.store.store import Tx
from server.store.tables import deliveries, positions

# What a peer refused, or what did not reach it, is no delivery.
TAKEN = ~deliveries.c.answer.startswith("failed")


class Place(NamedTuple):
    """Up to where a partner has been given a collection, and when it last asked."""

    partner: str
    given: int
    asked: int


def places(tx: Tx, collection: Collection) -> list[Place]:
    """Give up to where each partner that takes part has been given a collection."""
    left = registry.left(tx)
    asked = select(positions.c.partner, positions.c.given, positions.c.asked).where(
        positions.c.collection == collection.id
    )
    return [Place(*row) for row in tx.execute(asked) if row[0] not in left]


def pairs(tx: Tx) -> list[tuple[str, str]]:
    """Give the feeds that ever delivered anything, each with whom to; found by steps, however much they delivered."""
    found: list[tuple[str, str]] = []
    row = tx.execute(_FIRST_PAIR).first()
    while row is not None:
        found.append((row[0], row[1]))
        row = tx.execute(_NEXT_PAIR, {"feed_": row[0], "by": row[1]}).first()
    return found


def feeds(tx: Tx, collection: Collection) -> list[tuple[str, str]]:
    """Give the feeds that push a collection, each with whom to; of a feed that lost its place, any collection."""
    left, found = registry.left(tx), []
    for feed, partner in pairs(tx):
        of = (checkpoints.load(tx, feed) or {}).get("collection")
        if of in (None, collection.id) and partner not in left:
            found.append((feed, partner))
    return found


def pushed(tx: Tx, by: Iterable[tuple[str, str]], ids: Sequence[str], since: int) -> dict[str, set[str]]:
    """Give by object whom these feeds, each with a partner, delivered it at or after ``since``."""
    found: dict[str, set[str]] = defaultdict(set)
    d = deliveries.c
    for feed, partner in by:
        asked = select(d.object_id).where(
            d.feed == feed, d.partner == partner, any_of(tx, d.object_id, ids), d.delivered >= since, TAKEN
        )
        for object_id in tx.execute(asked).scalars():
            found[object_id].add(partner)
    return found


_FIRST_PAIR = select(deliveries.c.feed, deliveries.c.partner).order_by(deliveries.c.feed, deliveries.c.partner).limit(1)
_NEXT_PAIR = _FIRST_PAIR.where(
    tuple_(deliveries.c.feed, deliveries.c.partner) > tuple_(bindparam("feed_"), bindparam("by"))
)
