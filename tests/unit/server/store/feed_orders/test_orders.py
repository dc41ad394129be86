"""Orders for feeds: one per feed, executed by one schedule, with one result."""

import pytest

from server.features.feeds import orders
from server.features.feeds.orders import OrderWaits
from server.store import Store


def test_an_order_is_taken_by_one_schedule_and_answered_once(store: Store) -> None:
    with store.begin() as tx:
        orders.give(tx, "blocklist", "dry-run", "Somsri")
        assert orders.waiting(tx) == ["blocklist"]
        taken = orders.take(tx, "blocklist")
        assert taken is not None
        assert (taken.action, taken.by, taken.ended) == ("dry-run", "Somsri", None)
        assert orders.take(tx, "blocklist") is None
        assert orders.waiting(tx) == []
        orders.end(tx, taken, {"read": 3, "error": None})
        found = orders.find(tx, "blocklist")
        assert found is not None
        assert found.result == {"read": 3, "error": None}
        assert orders.find(tx, "another") is None


def test_abandoned_order_is_replaced(store: Store) -> None:
    with store.begin() as tx:
        orders.give(tx, "blocklist", "run", "Somsri")
        with pytest.raises(OrderWaits):
            orders.give(tx, "blocklist", "run", "Malee")
        old = orders.take(tx, "blocklist")
        assert old is not None
        tx.exec_driver_sql("UPDATE feed_orders SET asked = asked - 3600000001")
        orders.give(tx, "blocklist", "retry", "Malee")
        orders.end(tx, old, {"read": 1})
        found = orders.find(tx, "blocklist")
        assert found is not None
        assert (found.action, found.by, found.ended) == ("retry", "Malee", None)
