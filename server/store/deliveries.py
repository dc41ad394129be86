"""Deliveries: the object versions pushed to each partner, with the time and the peer's answer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, select, text, tuple_

from server.store import feed_state, partners
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows, any_of, chunks
from server.store.database.times import moment, now
from server.store.item import Item
from server.store.tables import columns_of, deliveries

_NO_IDS: Mapping[str, str] = MappingProxyType({})
_KEY = tuple(deliveries.primary_key.columns)
# Rows examined in one transaction to find removable ones.
_STRETCH = 5_000
# For each version, the last attempt is stored, with the number of attempts in 16 bits.
_ON_SQLITE = """
INSERT INTO deliveries (feed, partner, object_id, version, delivered, answer, remote, attempts)
VALUES (?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (feed, partner, object_id, version) DO UPDATE
SET delivered = excluded.delivered, answer = excluded.answer, attempts = min(attempts, 32766) + 1,
    remote = coalesce(excluded.remote, remote)
"""
# One statement for all rows.
_ON_POSTGRESQL = text("""
INSERT INTO deliveries (feed, partner, object_id, version, delivered, answer, remote, attempts)
SELECT :feed, :partner, sent.id, sent.version, :delivered, :answer, sent.remote, 1
FROM unnest(CAST(:ids AS text[]), CAST(:versions AS bigint[]), CAST(:remotes AS text[])) AS sent (id, version, remote)
ON CONFLICT (feed, partner, object_id, version) DO UPDATE
SET delivered = excluded.delivered, answer = excluded.answer, attempts = least(deliveries.attempts, 32766) + 1,
    remote = coalesce(excluded.remote, deliveries.remote)
""")
# The answer while a delivery is under way; it stays after a crash.
SENDING = "unclear: being sent"
_NOTE = ManyRows(
    "INSERT INTO deliveries (feed, partner, object_id, version, delivered, answer, attempts) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    "INSERT INTO deliveries (feed, partner, object_id, version, delivered, answer, attempts) "
    "SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
    ("text", "text", "text", "bigint", "bigint", "text", "smallint"),
)


class Delivery(NamedTuple):
    """The last attempt to deliver one object version; ``version`` as in ``Item``, ``remote`` the peer's id of it."""

    feed: str
    partner: str
    object_id: str
    version: int | None
    delivered: datetime
    answer: str
    attempts: int
    remote: str | None = None


_COLUMNS = columns_of(Delivery, deliveries)


def record(
    tx: Tx, feed: str, partner: str, items: Iterable[Item], answer: str, remote: Mapping[str, str] = _NO_IDS
) -> None:
    """Record that these items were sent to ``partner`` now, with its answer. Only the last attempt is stored.

    ``remote`` has the peer's own ids of items, by their ids here.
    """
    # Sorted by key, so that each page of the index is written once.
    versions = sorted({(item.id, item.version or 0) for item in items})
    if not versions:
        return
    at = now()
    if tx.dialect.name == "sqlite":
        rows = [(feed, partner, id_, version, at, answer, remote.get(id_)) for id_, version in versions]
        tx.exec_driver_sql(_ON_SQLITE, rows)
    else:
        ids, numbers = map(list, zip(*versions, strict=True))
        shared = {"feed": feed, "partner": partner, "delivered": at, "answer": answer}
        tx.execute(
            _ON_POSTGRESQL, shared | {"ids": ids, "versions": numbers, "remotes": [remote.get(id_) for id_ in ids]}
        )


def note(tx: Tx, feed: str, partner: str, items: Iterable[Item]) -> None:
    """Note before a delivery which object versions it sends: the peer may have them, even if no answer is recorded."""
    at = now()
    _NOTE.run(tx, sorted({(feed, partner, item.id, item.version or 0, at, SENDING, 0) for item in items}))


def newest(tx: Tx, feed: str, partner: str, ids: Iterable[str]) -> dict[str, list[Delivery]]:
    """Return the deliveries of each of these objects by a feed, the newest version first."""
    d = deliveries.c
    found: dict[str, list[Delivery]] = defaultdict(list)
    for chunk in chunks(ids):
        asked = select(*_COLUMNS).where(d.feed == feed, d.partner == partner, any_of(tx, d.object_id, chunk))
        for row in tx.execute(asked.order_by(d.object_id, d.version.desc())):
            found[row.object_id].append(_delivery(row))
    return found


def sent(tx: Tx, feed: str, partner: str, items: Iterable[Item]) -> list[Delivery]:
    """Return the recorded deliveries of exactly these object versions to ``partner``."""
    wanted = {(item.id, item.version or 0) for item in items}
    d = deliveries.c
    found = []
    for chunk in chunks(sorted({id_ for id_, _ in wanted})):
        asked = select(*_COLUMNS).where(d.feed == feed, d.partner == partner, any_of(tx, d.object_id, chunk))
        found += [_delivery(row) for row in tx.execute(asked) if (row.object_id, row.version) in wanted]
    return found


def known(tx: Tx, feed: str, partner: str, ids: Iterable[str]) -> set[str]:
    """Return the object ids of which any version was delivered to ``partner``."""
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
    """Return the last deliveries, the latest first.

    ``feed`` and ``ids`` select feeds and objects; ``answer`` selects answers by their beginning.
    """
    d = deliveries.c
    asked = select(*_COLUMNS).order_by(d.delivered.desc(), d.feed, d.partner, d.object_id, d.version).limit(limit)
    if feed is not None:
        asked = asked.where(d.feed == feed)
    if ids is not None:
        asked = asked.where(any_of(tx, d.object_id, sorted(set(ids))))
    if answer:
        asked = asked.where(d.answer.startswith(answer, autoescape=True))
    return [_delivery(row) for row in tx.execute(asked)]


def to_partner(tx: Tx, partner: str, ids: Iterable[str]) -> list[Delivery]:
    """Return the deliveries of these objects to a partner, by any feed, the oldest first."""
    d = deliveries.c
    found: list[Delivery] = []
    for feed in sorted(feed for feed, name in recipients(tx) if name == partner):
        for chunk in chunks(sorted(set(ids))):
            asked = select(*_COLUMNS).where(d.feed == feed, d.partner == partner, any_of(tx, d.object_id, chunk))
            found += [_delivery(row) for row in tx.execute(asked)]
    return sorted(found, key=lambda delivery: (delivery.delivered, delivery.feed, delivery.object_id))


class DeliveryKey(NamedTuple):
    """The key of a delivery. Keys sort like the table."""

    feed: str
    partner: str
    object_id: str
    version: int


class SupersededPage(NamedTuple):
    """The removable deliveries of one stretch of the table, and where the next stretch begins; None at the end."""

    keys: list[DeliveryKey]
    next: DeliveryKey | None


def superseded(tx: Tx, *, before: int, after: DeliveryKey | None = None, rows: int = _STRETCH) -> SupersededPage:
    """Find deliveries ``before`` (microseconds) that a later version superseded, in ``rows`` of the table.

    The last version of each object that reached a partner is kept: a push needs it to find objects to revoke, and
    to avoid repetitions. The table is read in key order, ``after`` the end of the last page.
    """
    d = deliveries.c
    asked = select(*_KEY, d.delivered, d.answer).order_by(*_KEY).limit(rows)
    if after is not None:
        asked = asked.where(tuple_(*_KEY) > tuple_(*after))
    found = tx.execute(asked).all()
    keys: list[DeliveryKey] = []
    arrived: tuple[str, ...] | None = None
    for *key, delivered, answer in reversed(found):
        if delivered < before and arrived == tuple(key[:3]):
            keys.append(DeliveryKey(*key))
        if not answer.startswith("failed"):
            arrived = tuple(key[:3])
    if len(found) < rows:
        return SupersededPage(keys, None)
    # The last object may have further versions behind this page, so the next page starts with it again.
    last = found[-1][:3]
    complete = [row for row in found if row[:3] != last]
    return SupersededPage(keys, DeliveryKey(*(complete[-1] if complete else found[-2])[:4]))


def remove(tx: Tx, keys: Sequence[DeliveryKey]) -> int:
    """Remove these deliveries, and return how many still existed."""
    if not keys:
        return 0
    statement = delete(deliveries).where(*(column == bindparam(f"of_{column.name}") for column in _KEY))
    return tx.execute(
        statement, [{f"of_{name}": part for name, part in key._asdict().items()} for key in keys]
    ).rowcount


def _delivery(row: Any) -> Delivery:
    return Delivery(*row)._replace(version=row.version or None, delivered=moment(row.delivered))


# A push that failed or was rejected does not count as a delivery.
ARRIVED = ~deliveries.c.answer.startswith("failed")


def recipients(tx: Tx) -> list[tuple[str, str]]:
    """Return the feeds that ever delivered anything, each with its partner. Uses index steps, not a full scan."""
    found: list[tuple[str, str]] = []
    row = tx.execute(_FIRST_PAIR).first()
    while row is not None:
        found.append((row[0], row[1]))
        row = tx.execute(_NEXT_PAIR, {"feed_": row[0], "by": row[1]}).first()
    return found


def feeds_pushing(tx: Tx, of: Sequence[Collection]) -> dict[str, list[tuple[str, str]]]:
    """Return by collection id the feeds that push it, each with its partner.

    A feed without a checkpoint may push any collection.
    """
    found: dict[str, list[tuple[str, str]]] = {collection.id: [] for collection in of}
    every = recipients(tx)
    left = partners.departed_partners(tx) if every else {}
    for feed, partner in every:
        if partner not in left:
            pushed = (feed_state.load_checkpoint(tx, feed) or {}).get("collection")
            for id_ in found if pushed is None else {pushed} & found.keys():
                found[id_].append((feed, partner))
    return found


def delivered_to(
    tx: Tx, by: Iterable[tuple[str, str]], ids: Sequence[str], since: int
) -> dict[str, set[tuple[str, str]]]:
    """Return by object those of these feeds, each with its partner, that delivered it at or after ``since``."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    d = deliveries.c
    for feed, partner in by:
        asked = select(d.object_id).where(
            d.feed == feed, d.partner == partner, any_of(tx, d.object_id, ids), d.delivered >= since, ARRIVED
        )
        for object_id in tx.execute(asked).scalars():
            found[object_id].add((feed, partner))
    return found


_FIRST_PAIR = select(deliveries.c.feed, deliveries.c.partner).order_by(deliveries.c.feed, deliveries.c.partner).limit(1)


_NEXT_PAIR = _FIRST_PAIR.where(
    tuple_(deliveries.c.feed, deliveries.c.partner) > tuple_(bindparam("feed_"), bindparam("by"))
)
