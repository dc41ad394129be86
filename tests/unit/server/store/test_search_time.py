"""A search with few matches in many rows is ended."""

import pytest

from server.store import Store, Tx, log
from server.store.collections import Collection
from server.store.item import Item
from server.store.objects.fast_reads import FastStore, NotFast, SearchTooLong, limited
from server.store.objects.query import Query, Versions

MANY = 30_000
SPARSE = [Query(types=("note",)), Query(versions=Versions(dates=(1,))), Query(spec_versions=("2.0",))]


@pytest.fixture
def large(store: Store, collection: Collection) -> Collection:
    with store.begin() as tx:
        log.append(tx, collection, [Item(f"x--{n}", "x", "2.1", None, False, b"{}") for n in range(MANY)])
    return collection


def _search(tx: Tx, collection: Collection, query: Query) -> None:
    """Search long enough to exceed the limit on any machine."""
    for _ in range(200):
        log.page(tx, collection, query)


@pytest.mark.long_but("sqlite")
def test_search_has_its_configured_time(store: Store, large: Collection) -> None:
    fast = FastStore(store)
    for query in SPARSE:
        with pytest.raises(SearchTooLong), fast.read() as tx, limited(tx, 0.001):
            _search(tx, large, query)
        with fast.read() as tx, limited(tx, 60.0):
            assert log.page(tx, large, query).bodies == []
    # The limit is per search, and the next view has its full time again.
    with fast.read() as tx:
        with limited(tx, 30.0):
            assert log.page(tx, large, Query(limit=1)).bodies == [b"{}"]
        assert len(log.page(tx, large, Query(limit=MANY)).bodies) == MANY
    fast.close()


@pytest.mark.long_but("sqlite")
def test_a_fast_read_stays_a_fast_one(store: Store, large: Collection, database: str) -> None:
    hasty = FastStore(store, 0.0)
    if database == "sqlite":
        with pytest.raises(NotFast), hasty.read() as tx, limited(tx, 60.0):
            log.page(tx, large, SPARSE[0])
    else:
        with pytest.raises(NotFast), hasty.read():
            pass
    hasty.close()
