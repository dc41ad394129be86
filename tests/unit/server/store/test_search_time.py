"""A search that finds little in much is ended."""

import pytest

from server.store import Store, Tx, log
from server.store.collections import Collection
from server.store.database import search_time
from server.store.item import Item
from server.store.objects.fast_reads import FastStore, NotFast, SearchTooLong
from server.store.objects.query import Query, Versions

MANY = 30_000
SPARSE = [Query(types=("note",)), Query(versions=Versions(dates=(1,))), Query(spec_versions=("2.0",))]


@pytest.fixture
def large(store: Store, collection: Collection) -> Collection:
    with store.begin() as tx:
        log.append(tx, collection, [Item(f"x--{n}", "x", "2.1", None, False, b"{}") for n in range(MANY)])
    return collection


def _search(tx: Tx, collection: Collection, query: Query) -> None:
    """Search for so long that no machine is too fast for the test."""
    for _ in range(200):
        log.page(tx, collection, query)


def test_a_search_has_the_time_that_it_is_given(store: Store, large: Collection) -> None:
    fast = FastStore(store)
    for query in SPARSE:
        with pytest.raises(SearchTooLong), fast.read() as tx, search_time.limited(tx, 0.001):
            _search(tx, large, query)
        with fast.read() as tx, search_time.limited(tx, 60.0):
            assert log.page(tx, large, query).bodies == []
    # The time is of the search alone, and the next view has all its time again.
    with fast.read() as tx:
        with search_time.limited(tx, 30.0):
            assert log.page(tx, large, Query(limit=1)).bodies == [b"{}"]
        assert len(log.page(tx, large, Query(limit=MANY)).bodies) == MANY
    fast.close()


def test_a_fast_read_stays_a_fast_one(store: Store, large: Collection, database: str) -> None:
    hasty = FastStore(store, 0.0)
    if database == "sqlite":
        with pytest.raises(NotFast), hasty.read() as tx, search_time.limited(tx, 60.0):
            log.page(tx, large, SPARSE[0])
    else:
        with pytest.raises(NotFast), hasty.read():
            pass
    hasty.close()
