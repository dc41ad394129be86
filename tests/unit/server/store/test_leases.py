import threading
import time

import pytest
from sqlalchemy import update

from server.store import Store, leases, sql
from server.store.leases import Lease, LeaseLost
from server.store.tables import leases as table


def taken(store: Store, holder: str, seconds: float = 60) -> Lease:
    with store.begin() as tx:
        lease = leases.acquire(tx, "bank", holder, seconds)
    assert lease is not None
    return lease


def test_a_feed_is_held_by_one(store: Store) -> None:
    taken(store, "a")
    with store.begin() as tx:
        assert leases.acquire(tx, "bank", "b") is None
        assert leases.acquire(tx, "bank", "a") is None
        assert leases.acquire(tx, "other", "b") is not None
        assert {feed: held.holder for feed, held in leases.holders(tx).items()} == {"bank": "a", "other": "b"}


def test_what_was_given_back_is_free_at_once(store: Store) -> None:
    first = taken(store, "a")
    with store.begin() as tx:
        leases.release(tx, first)
        assert leases.holders(tx) == {}
    assert taken(store, "b").token > first.token


def test_another_takes_over_when_the_time_is_over(store: Store) -> None:
    taken(store, "a", seconds=0.2)
    deadline = time.monotonic() + 10
    while True:
        with store.begin() as tx:
            if leases.acquire(tx, "bank", "b") is not None:
                break
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_who_renews_keeps_it(store: Store) -> None:
    lease = taken(store, "a", seconds=0.3)
    for _ in range(5):
        time.sleep(0.1)
        with store.begin() as tx:
            leases.renew(tx, lease, seconds=0.3)
            assert leases.acquire(tx, "bank", "b") is None


def test_nothing_is_kept_of_one_who_was_too_slow(store: Store) -> None:
    slow = taken(store, "a", seconds=0.001)
    time.sleep(0.05)
    fast = taken(store, "b")

    def write() -> None:
        with store.begin() as tx:
            leases.acquire(tx, "written-before", "a")
            leases.renew(tx, slow)

    with pytest.raises(LeaseLost):
        write()
    with store.begin() as tx:
        leases.release(tx, slow)
        leases.renew(tx, fast)
        assert leases.holders(tx).keys() == {"bank"}


def test_the_same_holder_is_told_from_its_own_past(store: Store) -> None:
    old = taken(store, "a", seconds=0.001)
    time.sleep(0.05)
    taken(store, "a")
    with pytest.raises(LeaseLost), store.begin() as tx:
        leases.renew(tx, old)


def test_one_who_is_late_but_alone_goes_on(store: Store) -> None:
    lease = taken(store, "a", seconds=0.001)
    time.sleep(0.05)
    with store.begin() as tx:
        leases.renew(tx, lease)
        assert leases.acquire(tx, "bank", "b") is None


def test_a_clock_that_was_set_back_locks_nobody_out(store: Store) -> None:
    taken(store, "a")
    with store.begin() as tx:
        tx.execute(update(table).values(until=sql.database_time(tx) + 3_600_000_000))
        assert leases.acquire(tx, "bank", "b") is not None


def test_of_many_at_once_one_gets_it(store: Store) -> None:
    got: list[Lease] = []
    begin = threading.Barrier(8)

    def take(holder: str) -> None:
        begin.wait()
        with store.begin() as tx:
            lease = leases.acquire(tx, "bank", holder)
        if lease is not None:
            got.append(lease)

    threads = [threading.Thread(target=take, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_the_clock_is_that_of_today(store: Store) -> None:
    with store.read() as tx:
        first = sql.database_time(tx)
        time.sleep(0.01)
        second = sql.database_time(tx)
    assert 5_000 < second - first < 5_000_000
    assert abs(first - time.time() * 1_000_000) < 5_000_000
