"""Stored orders: one per feed, open until a schedule takes it, executed once."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.features.feeds.tables import feed_orders
from server.store.database import sql
from server.store.database.engine import Tx

OrderAction = Literal["run", "dry-run", "retry"]
ACTIONS: tuple[OrderAction, ...] = ("run", "dry-run", "retry")

# After this time an order that was not taken, or whose schedule died, may be replaced.
_PATIENCE = 3_600 * 1_000_000
_o = feed_orders.c


class OrderWaits(ValueError):
    """An order for the feed is open or being executed."""


class FeedOrder(NamedTuple):
    """A person's order for a feed. Moments are microseconds of the database's clock; ``result`` is None at first."""

    feed: str
    action: OrderAction
    by: str
    asked: int
    begun: int | None
    ended: int | None
    result: Mapping[str, Any] | None


def give(tx: Tx, feed: str, action: OrderAction, by: str) -> None:
    """Order an action for a feed, replacing a finished order. Raises ``OrderWaits``."""
    moment = sql.database_time(tx)
    found = tx.execute(select(_o.asked, _o.ended).where(_o.feed == feed).with_for_update()).first()
    if found is not None and found.ended is None and moment - found.asked < _PATIENCE:
        raise OrderWaits(f"an order for {feed} is not finished yet")
    tx.execute(delete(feed_orders).where(_o.feed == feed))
    try:
        with tx.begin_nested():
            tx.execute(insert(feed_orders), [{"feed": feed, "action": action, "by": by, "asked": moment}])
    except IntegrityError:
        raise OrderWaits(f"another order for {feed} was given at the same moment") from None


def find(tx: Tx, feed: str) -> FeedOrder | None:
    """Return the last order for a feed, or None."""
    row = tx.execute(select(feed_orders).where(_o.feed == feed)).first()
    return None if row is None else _order(row)


def waiting(tx: Tx) -> list[str]:
    """Return the feeds with an open order, the oldest first."""
    asked = select(_o.feed).where(_o.begun.is_(None)).order_by(_o.asked, _o.feed)
    return list(tx.execute(asked).scalars())


def take(tx: Tx, feed: str) -> FeedOrder | None:
    """Claim the order for a feed for execution. Return None if there is none, or another schedule has taken it."""
    taken = update(feed_orders).where(_o.feed == feed, _o.begun.is_(None)).values(begun=sql.database_time(tx))
    return find(tx, feed) if tx.execute(taken).rowcount else None


def end(tx: Tx, order: FeedOrder, result: Mapping[str, Any]) -> None:
    """Record the result of an order, unless another order has replaced it."""
    done = update(feed_orders).where(_o.feed == order.feed, _o.asked == order.asked, _o.begun == order.begun)
    tx.execute(done.values(ended=sql.database_time(tx), result=orjson.dumps(result)))


def _order(row: Any) -> FeedOrder:
    found = FeedOrder._make(row)
    return found._replace(result=None if row.result is None else orjson.loads(row.result))
