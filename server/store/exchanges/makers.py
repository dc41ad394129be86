"""The stored producers of objects in exchanges, where an object does not name its producer itself."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.sql import chunks
from server.store.exchanges.tables import exchange_makers

_m = exchange_makers.c


def find(tx: Tx, collection: Collection, ids: Iterable[str]) -> dict[str, set[str]]:
    """Return by object the partners that added it to an exchange, where that is stored."""
    found: dict[str, set[str]] = defaultdict(set)
    for some in chunks(ids):
        asked = select(_m.object_id, _m.partner).where(_m.collection == collection.number, _m.object_id.in_(some))
        for object_id, partner in tx.execute(asked):
            found[object_id].add(partner)
    return dict(found)


def add(tx: Tx, collection: Collection, partner: str, ids: Iterable[str]) -> None:
    """Store that a partner added these objects to an exchange. Repeating it changes nothing."""
    rows = [{"collection": collection.number, "object_id": id_, "partner": partner} for id_ in sorted(set(ids))]
    if rows:
        insertion = (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(exchange_makers)
        tx.execute(insertion.on_conflict_do_nothing(), rows)


def forget(tx: Tx, collection: Collection, object_id: str) -> None:
    """Remove the producers of an object that is no longer in an exchange."""
    tx.execute(delete(exchange_makers).where(_m.collection == collection.number, _m.object_id == object_id))
