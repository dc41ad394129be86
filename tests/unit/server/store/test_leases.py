import threading
import time

import pytest
from sqlalchemy import update

from server.store import Store, feed_state
from server.store.database import sql
from server.store.feed_state import Lease, LeaseLost
from server.store.tables import leases as table


def taken(store: Store, holder: str, seconds: float = 60) -> Lease:
    with store.begin() as tx:
        lease = feed_state.acquire_lease(tx, "bank", holder, seconds)
    assert lease is not None
    return lease


def test_a_feed_has_one_holder(store: Store) -> None:
    taken(store, "a")
    with store.begin() as tx:
        assert feed_state.acquire_lease(tx, "bank", "b") is None
        assert feed_state.acquire_lease(tx, "bank", "a") is None
        assert feed_state.acquire_lease(tx, "other", "b") is not None
        assert {feed: held.holder for feed, held in feed_state.lease_holders(tx).items()} == {"bank": "a", "other": "b"}


def test_a_released_lease_is_free_at_once(store: Store) -> None:
    first = taken(store, "a")
    with store.begin() as tx:
        feed_state.release_lease(tx, first)
        assert feed_state.lease_holders(tx) == {}
    assert taken(store, "b").token > first.token


def test_another_holder_takes_over_when_the_lease_is_over(store: Store) -> None:
    taken(store, "a", seconds=0.2)
    deadline = time.monotonic() + 60
    while True:
        with store.begin() as tx:
            if feed_state.acquire_lease(tx, "bank", "b") is not None:
                break
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_holder_that_renews_keeps_the_lease(store: Store) -> None:
    lease = taken(store, "a", seconds=60)
    for _ in range(5):
        with store.begin() as tx:
            # As if its time were nearly over.
            tx.execute(update(table).values(until=sql.database_time(tx) + 1_000))
            feed_state.renew_lease(tx, lease, seconds=60)
            assert feed_state.lease_holders(tx)["bank"].until > sql.database_time(tx) + 30_000_000
            assert feed_state.acquire_lease(tx, "bank", "b") is None


def test_too_slow_holder_stores_nothing(store: Store) -> None:
    slow = taken(store, "a", seconds=0.001)
    time.sleep(0.05)
    fast = taken(store, "b")

    def write() -> None:
        with store.begin() as tx:
            feed_state.acquire_lease(tx, "written-before", "a")
            feed_state.renew_lease(tx, slow)

    with pytest.raises(LeaseLost):
        write()
    with store.begin() as tx:
        feed_state.release_lease(tx, slow)
        feed_state.renew_lease(tx, fast)
        assert feed_state.lease_holders(tx).keys() == {"bank"}


def test_a_holder_cannot_use_its_own_earlier_lease(store: Store) -> None:
    old = taken(store, "a", seconds=0.001)
    time.sleep(0.05)
    taken(store, "a")
    with pytest.raises(LeaseLost), store.begin() as tx:
        feed_state.renew_lease(tx, old)


def test_late_holder_without_a_rival_continues(store: Store) -> None:
    lease = taken(store, "a", seconds=0.001)
    time.sleep(0.05)
    with store.begin() as tx:
        feed_state.renew_lease(tx, lease)
        assert feed_state.acquire_lease(tx, "bank", "b") is None


def test_clock_set_back_locks_no_holder_out(store: Store) -> None:
    taken(store, "a")
    with store.begin() as tx:
        tx.execute(update(table).values(until=sql.database_time(tx) + 3_600_000_000))
        assert feed_state.acquire_lease(tx, "bank", "b") is not None


def test_one_of_many_concurrent_holders_gets_the_lease(store: Store) -> None:
    got: list[Lease] = []
    begin = threading.Barrier(8)

    def take(holder: str) -> None:
        begin.wait()
        with store.begin() as tx:
            lease = feed_state.acquire_lease(tx, "bank", holder)
        if lease is not None:
            got.append(lease)

    threads = [threading.Thread(target=take, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_clock_shows_the_current_date(store: Store) -> None:
    before = time.time() * 1_000_000
    with store.read() as tx:
        first = sql.database_time(tx)
        time.sleep(0.01)
        second = sql.database_time(tx)
    after = time.time() * 1_000_000
    assert second - first > 5_000
    # Some databases count milliseconds.
    assert before - 2_000 < first < second < after + 2_000
