import uuid
from typing import Any

import pytest
from sqlalchemy import delete, update

from server.store import Store, collections, log
from server.store.collections import Collection, UnknownCollection
from server.store.database import times
from server.store.item import Item
from server.store.objects import ends
from server.store.objects.query import EVERY, Query, Versions
from server.store.tables import collections as collection_rows, objects

DAY = "2026-01-{:02}T00:00:00.000Z"


def indicator(name: str, day: int = 1, spec: str | None = "2.1", **more: Any) -> Item:
    obj = {
        "type": "indicator",
        "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_DNS, name)}",
        "created": DAY.format(1),
        "modified": DAY.format(day),
        **more,
    }
    return Item.of(obj if spec is None else {**obj, "spec_version": spec})


def observable(name: str) -> Item:
    return Item.of({"type": "domain-name", "id": f"domain-name--{uuid.uuid5(uuid.NAMESPACE_DNS, name)}", "value": name})


def put(store: Store, collection: Collection, *items: Item) -> log.Appended:
    with store.begin() as tx:
        return log.append(tx, collection, items)


def got(store: Store, collection: Collection, query: Query | None = None) -> list[bytes]:
    with store.read() as tx:
        return log.page(tx, collection, query or Query()).bodies


def test_appended_objects_are_returned_unchanged_and_in_order(store: Store, collection: Collection) -> None:
    items = [indicator(name) for name in "abc"]
    done = put(store, collection, *items)
    assert done.added == [item.id for item in items]
    assert got(store, collection) == [item.body for item in items]


def test_last_objects_of_a_type_are_found_up_to_a_time(store: Store, collection: Collection) -> None:
    items = [indicator(name) for name in "abcd"]
    put(store, collection, *items, observable("x.example"))
    with store.read() as tx:
        added = log.added(tx, collection, [item.id for item in items])
        for number, item in enumerate(items, 1):
            found = log.latest_of_type(tx, collection, "indicator", 10, up_to=added[item.id])
            assert found == [earlier.id for earlier in items[:number]][::-1]
        assert log.latest_of_type(tx, collection, "indicator", 1, up_to=added[items[1].id]) == [items[1].id]


def test_repeated_append_changes_nothing(store: Store, collection: Collection) -> None:
    items = [indicator("a"), observable("x.example")]
    put(store, collection, *items)
    again = put(store, collection, *items, *items)
    assert again.added == []
    assert again.unchanged == [item.id for item in items] * 2
    assert (again.first, again.last) == (None, None)
    assert got(store, collection) == [item.body for item in items]


def test_duplicate_object_in_a_batch_is_added_once(store: Store, collection: Collection) -> None:
    one, plain = indicator("a"), observable("x.example")
    done = put(store, collection, one, plain, one, plain)
    assert (done.added, done.unchanged) == ([one.id, plain.id], [one.id, plain.id])


def test_a_batch_ends_on_a_whole_millisecond(store: Store, collection: Collection) -> None:
    for size in (1, 7, 1500):
        done = put(store, collection, *(indicator(f"{size}-{n}") for n in range(size)))
        assert done.first is not None
        assert done.last is not None
        assert done.last % 1000 == 0
        assert done.last - done.first == size - 1


def test_only_the_newest_version_is_listed_and_all_are_kept(store: Store, collection: Collection) -> None:
    old, new = indicator("a", 1), indicator("a", 2)
    put(store, collection, old)
    put(store, collection, new)
    assert got(store, collection) == [new.body]
    assert got(store, collection, Query(versions=EVERY)) == [old.body, new.body]
    assert got(store, collection, Query(versions=Versions(first=True))) == [old.body]
    dated = Versions(dates=(times.parse(DAY.format(1)),))
    assert got(store, collection, Query(versions=dated)) == [old.body]
    assert got(store, collection, Query(versions=Versions(first=True, last=True))) == [old.body, new.body]


def test_late_older_version_is_stored_but_not_listed(store: Store, collection: Collection) -> None:
    old, new = indicator("a", 1), indicator("a", 2)
    put(store, collection, new)
    put(store, collection, old)
    assert got(store, collection) == [new.body]
    assert got(store, collection, Query(versions=EVERY)) == [new.body, old.body]


def test_both_stix_versions_of_an_object_are_stored(store: Store, collection: Collection) -> None:
    plain, current = indicator("a", 3, spec=None), indicator("a", 2)
    put(store, collection, plain, current)
    assert got(store, collection) == [current.body]
    assert got(store, collection, Query(versions=EVERY)) == [current.body]
    assert got(store, collection, Query(spec_versions=("2.0",))) == [plain.body]
    assert got(store, collection, Query(spec_versions=("2.1",))) == [current.body]
    assert got(store, collection, Query(spec_versions=("2.0", "2.1"))) == [plain.body]
    assert got(store, collection, Query(spec_versions=("2.0", "2.1"), versions=EVERY)) == [plain.body, current.body]


@pytest.mark.parametrize("behind", [90, 600])
def test_no_reader_misses_what_follows_after_last_rows_were_lost_and_the_clock_went_back(
    store: Store, collection: Collection, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    kept = put(store, collection, observable("kept.example")).last
    read = put(store, collection, *(observable(f"{number}.example") for number in range(740))).last
    assert kept is not None
    assert read is not None
    with store.begin() as tx:
        tx.execute(delete(objects).where(objects.c.date_added > kept))
        tx.execute(update(collection_rows).where(collection_rows.c.last_added == read).values(last_added=kept))
    monkeypatch.setattr(ends, "now", lambda: times.now() - behind * 1_000_000)
    again = [observable(f"again {number}.example") for number in range(740)]
    put(store, collection, *again)
    assert len(got(store, collection, Query(after=read, limit=1000))) == 740


def test_object_without_versions_has_its_date_added_as_version(store: Store, collection: Collection) -> None:
    plain = observable("x.example")
    done = put(store, collection, plain)
    assert done.first is not None
    assert got(store, collection, Query(versions=Versions(dates=(done.first,)))) == [plain.body]
    with store.read() as tx:
        assert log.manifest(tx, collection, Query()).records == [
            log.ManifestRecord(plain.id, done.first, done.first, "2.1")
        ]
        assert log.latest(tx, collection, [plain.id]) == {plain.id: plain}
        assert log.added(tx, collection, [plain.id]) == {plain.id: done.first}


def test_filters_combine(store: Store, collection: Collection) -> None:
    a, b, plain = indicator("a"), indicator("b"), observable("x.example")
    first = put(store, collection, a)
    put(store, collection, b, plain)
    assert got(store, collection, Query(types=("domain-name",))) == [plain.body]
    assert got(store, collection, Query(ids=(a.id, plain.id))) == [a.body, plain.body]
    assert got(store, collection, Query(ids=(a.id, plain.id), types=("indicator",))) == [a.body]
    assert first.last is not None
    assert got(store, collection, Query(after=first.last)) == [b.body, plain.body]
    assert got(store, collection, Query(after=first.last, ids=(a.id,))) == []


def test_a_page_has_a_next_one_only_when_there_is_more(store: Store, collection: Collection) -> None:
    items = [indicator(str(n)) for n in range(4)]
    put(store, collection, *items)
    with store.read() as tx:
        first = log.page(tx, collection, Query(limit=2))
        assert first.next is not None
        second = log.page(tx, collection, Query(limit=2).past(first.next))
        assert second.next is None
        assert first.bodies + second.bodies == [item.body for item in items]
        assert log.page(tx, collection, Query(limit=4)).next is None


def test_the_latest_of_many_ids_are_found_at_once(store: Store, collection: Collection) -> None:
    items = [indicator(str(n)) for n in range(6_000)]
    put(store, collection, *items)
    with store.read() as tx:
        assert len(log.latest(tx, collection, [item.id for item in items])) == 6_000
        assert log.count(tx, collection) == 6_000


def test_deleting_the_latest_version_restores_the_one_before(store: Store, collection: Collection) -> None:
    old, new = indicator("a", 1), indicator("a", 2)
    put(store, collection, old, new)
    with store.begin() as tx:
        assert log.delete(tx, collection, Query(ids=(old.id,))) == 1
    assert got(store, collection) == [old.body]
    with store.begin() as tx:
        assert log.delete(tx, collection, Query(ids=(old.id,), versions=EVERY)) == 1
        assert log.delete(tx, collection, Query(ids=(old.id,), versions=EVERY)) == 0
    assert got(store, collection) == []


def test_collections_do_not_see_each_other(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        other = collections.add(tx, "other", "Other")
        log.lock(tx, [collection, other])
        log.append(tx, other, [indicator("a")])
    assert got(store, collection) == []
    with store.read() as tx:
        assert (log.last_added(tx, collection), log.count(tx, other)) == (None, 1)
        assert log.last_added(tx, other) is not None


def test_uncommitted_objects_are_invisible(store: Store, collection: Collection) -> None:
    with pytest.raises(ZeroDivisionError), store.begin() as tx:  # noqa: PT012  # the append has to come first
        log.append(tx, collection, [indicator("a")])
        divmod(1, 0)
    assert got(store, collection) == []


def test_absent_collection_cannot_be_appended_to(store: Store) -> None:
    nowhere = Collection(9, str(uuid.uuid4()), "nowhere", "Nowhere", "", "exchange", 0)
    with store.begin() as tx, pytest.raises(UnknownCollection):
        log.append(tx, nowhere, [indicator("a")])


def test_revocation_is_a_version_like_any_other(store: Store, collection: Collection) -> None:
    put(store, collection, indicator("a", 1))
    gone = indicator("a", 2, revoked=True)
    put(store, collection, gone)
    with store.read() as tx:
        assert log.latest(tx, collection, [gone.id])[gone.id].revoked


def test_revoked_and_valid_objects_are_queried_separately(store: Store, collection: Collection) -> None:
    one, other, seen = indicator("a"), indicator("b"), observable("x.example")
    gone = indicator("a", 2, revoked=True)
    put(store, collection, one, other, seen)
    put(store, collection, gone)
    assert got(store, collection, Query(revoked=True)) == [gone.body]
    assert got(store, collection, Query(revoked=False)) == [other.body, seen.body]
    assert got(store, collection, Query(versions=EVERY, revoked=False)) == [one.body, other.body, seen.body]


def test_the_default_listing_is_one_range_of_one_index(store: Store, collection: Collection, database: str) -> None:
    put(store, collection, *(indicator(str(n)) for n in range(50)))
    asked = (
        "SELECT date_added, body FROM objects"
        " WHERE collection = 1 AND date_added > 5 AND latest > 0 AND latest & 1 > 0 ORDER BY date_added LIMIT 10"
    )
    with store.read() as tx:
        if database == "sqlite":
            plan = [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")]
            assert plan == ["SEARCH objects USING INDEX ix_objects_latest (collection=? AND date_added>?)"]
            return
        # For fifty rows, a scan is fastest; for many, an index is.
        tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        tx.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        plan = [row[0].strip() for row in tx.exec_driver_sql(f"EXPLAIN (COSTS OFF) {asked}")]
    assert plan[:2] == ["Limit", "->  Index Scan using ix_objects_latest on objects"]
    assert "Sort" not in str(plan)


def test_integers_of_any_size_are_stored_exactly() -> None:
    big = {"type": "x", "id": "x--1", "x_big": 10**40, "x_name": "บัญชี"}
    assert Item.of(big).body == f'{{"type":"x","id":"x--1","x_big":{10**40},"x_name":"บัญชี"}}'.encode()
    assert Item.of_bytes(Item.of(big).body) == Item.of(big)


@pytest.mark.parametrize("id_", ["DOMAIN-NAME--{}", "x-other--{}", "domain-name--{}-more", "no id at all {}"])
def test_object_is_found_under_an_id_of_another_type(store: Store, collection: Collection, id_: str) -> None:
    named = id_.format("b00e0a92-0f13-4784-b01c-f87e50e9a0fd")
    item = Item(named, "domain-name", "2.1", None, False, b'{"type":"domain-name"}')
    with store.begin() as tx:
        assert log.append(tx, collection, [item]).added == [named]
    with store.begin() as tx:
        assert log.append(tx, collection, [item]).unchanged == [named]
        assert log.latest(tx, collection, [named, named.lower(), "domain-name--x"]) == {named: item}
