"""What was pushed to whom: which version of which object, when, and what the peer answered."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from server.store.item import Item
from server.store.lists import any_of, chunks
from server.store.store import Tx
from server.store.tables import deliveries
from server.store.times import moment, now

_CHUNK = 5_000


class Delivery(NamedTuple):
    """The last attempt to deliver one object version; ``version`` as in ``Item``."""

    feed: str
    partner: str
    object_id: str
    version: int | None
    delivered: datetime
    answer: str
    attempts: int


def record(tx: Tx, feed: str, partner: str, items: Iterable[Item], answer: str) -> None:
    """Remember that these went to ``partner`` now and what it answered; of one version the last attempt is kept."""
    items = list(items)
    before = {(one.object_id, one.version): one.attempts for one in sent(tx, feed, partner, items)}
    moment_ = now()
    rows = {
        (item.id, item.version): {
            "feed": feed,
            "partner": partner,
            "object_id": item.id,
            "version": item.version or 0,
            "delivered": moment_,
            "answer": answer,
            "attempts": before.get((item.id, item.version), 0) + 1,
        }
        for item in items
    }
    again = [{"of": row["object_id"], "in_": row["version"]} for key, row in rows.items() if key in before]
    d = deliveries.c
    if again:
        mine = (d.feed == feed, d.partner == partner, d.object_id == bindparam("of"), d.version == bindparam("in_"))
        tx.execute(delete(deliveries).where(*mine), again)
    if rows:
        tx.execute(insert(deliveries), list(rows.values()))


def sent(tx: Tx, feed: str, partner: str, items: Iterable[Item]) -> list[Delivery]:
    """Give what is remembered of deliveries of exactly these object versions to ``partner``."""
    wanted = {(item.id, item.version or 0) for item in items}
    ids = sorted({id_ for id_, _ in wanted})
    d = deliveries.c
    found = []
    for start in range(0, len(ids), _CHUNK):
        asked = select(deliveries).where(
            d.feed == feed, d.partner == partner, any_of(tx, d.object_id, ids[start : start + _CHUNK])
        )
        found += [_delivery(row) for row in tx.execute(asked) if (row.object_id, row.version) in wanted]
    return found


def known(tx: Tx, feed: str, partner: str, ids: Iterable[str]) -> set[str]:
    """Give those of the object ids of which some version went to ``partner``."""
    d = deliveries.c
    found: set[str] = set()
    for chunk in chunks(ids):
        asked = (
            select(d.object_id).distinct().where(d.feed == feed, d.partner == partner, any_of(tx, d.object_id, chunk))
        )
        found |= set(tx.execute(asked).scalars())
    return found


def history(
    tx: Tx, *, feed: str | None = None, ids: Iterable[str] | None = None, answer: str = "", limit: int = 100
) -> list[Delivery]:
    """Give who got which version when, and what they answered, the latest first.

    ``feed`` and ``ids`` leave out what went elsewhere and other objects, ``answer`` what was answered otherwise than so
    beginning.
    """
    d = deliveries.c
    asked = select(deliveries).order_by(d.delivered.desc(), d.feed, d.partner, d.object_id, d.version).limit(limit)
    if feed is not None:
        asked = asked.where(d.feed == feed)
    if ids is not None:
        asked = asked.where(any_of(tx, d.object_id, sorted(set(ids))))
    if answer:
        asked = asked.where(d.answer.startswith(answer, autoescape=True))
    return [_delivery(row) for row in tx.execute(asked)]


def _delivery(row: Any) -> Delivery:
    version = row.version or None
    return Delivery(row.feed, row.partner, row.object_id, version, moment(row.delivered), row.answer, row.attempts)
