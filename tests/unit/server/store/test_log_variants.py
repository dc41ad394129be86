"""A shared collection and its full variant share one log, and read like two separate collections."""

import uuid
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from server.store import Store, collections, log
from server.store.collections import Collection
from server.store.item import Item
from server.store.objects.query import EVERY, Query, Versions
from tests.searches import examples

_names = count()
FILES = settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _id(type_: str, who: int) -> str:
    return f"{type_}--{uuid.UUID(int=(who + 1) << 64 | who)}"


def _versioned(type_: str, who: int, day: int, spec: str = "2.1", **more: Any) -> Item:
    created, modified = "2026-01-01T00:00:00.000Z", f"2026-01-{day:02}T00:00:00.000Z"
    marks = {"spec_version": "2.1"} if spec == "2.1" else {}
    return Item.of({"type": type_, **marks, "id": _id(type_, who), "created": created, "modified": modified, **more})


def _observable(type_: str, who: int) -> Item:
    return Item.of({"type": type_, "spec_version": "2.1", "id": _id(type_, who), "value": f"ค่า-{who}"})


def _listing(who: int, day: int, about: int, type_: str, *, revoked: bool) -> Item:
    item = _versioned("indicator", who, day, name="รายการ", **({"revoked": True} if revoked else {}))
    basis = _observable(type_, about), _versioned("relationship", who * 8 + about, 1)
    return item._replace(subject=f"domain:{about}", basis=basis)


# Each value has one listing here. Another listing would repeat its observable, which a plain collection rejects.
LISTINGS = st.builds(
    lambda who, day, type_, revoked: _listing(who, day, who, type_, revoked=revoked),
    *(st.integers(0, 3), st.integers(1, 5)),
    # A custom type has no number, so it is stored in its own row.
    st.sampled_from(["domain-name", "url", "x-device"]),
    st.booleans(),
)
OTHERS = (
    st.builds(_versioned, st.just("indicator"), st.integers(0, 24), st.integers(1, 4))
    # A listing's companion objects have one version.
    | st.builds(_versioned, st.just("relationship"), st.integers(0, 24), st.just(1))
    | st.builds(_versioned, st.just("indicator"), st.integers(0, 2), st.integers(1, 3), st.just("2.0"))
    | st.builds(_observable, st.sampled_from(["domain-name", "url"]), st.integers(4, 7))
)
ITEMS = st.lists(LISTINGS | OTHERS, max_size=5)
# Objects for both variants, for the full one only, or for the plain one only.
BATCHES = st.lists(st.tuples(ITEMS, st.sampled_from(["both", "both", "full", "plain"])), max_size=6)

VERSIONS = [Versions(last=True), EVERY, Versions(first=True), Versions(dates=(1_767_225_600_000_000,))]
SPECS: list[tuple[str, ...]] = [(), ("2.1",), ("2.0",), ("2.0", "2.1")]
TYPES: list[tuple[str, ...]] = [(), ("indicator",), ("domain-name", "x-device"), ("relationship", "url"), ("note",)]
QUERIES = st.lists(st.tuples(*map(st.sampled_from, (VERSIONS, SPECS, TYPES))), min_size=5, max_size=10)


def _with_basis(items: list[Item]) -> list[Item]:
    return [each for item in items for each in (item._replace(basis=None), *(item.basis or ()))]


def _fill(store: Store, batches: list[tuple[list[Item], str]]) -> list[tuple[Collection, Collection]]:
    """Fill a shared collection with its full variant, and identical collections without variants."""
    name = f"c{next(_names)}"
    with store.begin() as tx:
        plain, full = collections.add_released(tx, name, name)
        as_plain, as_full = (collections.add(tx, f"{name}-{of}-like", f"{name} like {of}") for of in ("plain", "full"))
    for items, where in batches:
        with store.begin() as tx:
            both = [(plain, as_plain, items, items), (full, as_full, items, _with_basis(items))]
            wanted = [each for each, of in zip(both, ("plain", "full"), strict=True) if where in ("both", of)]
            done = log.append_all(tx, [(collection, items) for collection, _, items, _ in wanted])
            expected = log.append_all(tx, [(collection, items) for _, collection, _, items in wanted])
        for mine, model in zip(done, expected, strict=True):
            assert sorted(mine.added) == sorted(model.added)
            assert (mine.first is None) == (model.first is None)
    return [(plain, as_plain), (full, as_full)]


def _pages(store: Store, collection: Collection, query: Query) -> tuple[list[bytes], list[tuple[str, bool, str]]]:
    """Read all pages of a query: the bodies, the ids, whether the version is the position, and the STIX version."""
    bodies: list[bytes] = []
    records: list[tuple[str, bool, str]] = []
    with store.read() as tx:
        while True:
            page, manifest = log.page(tx, collection, query), log.manifest(tx, collection, query)
            assert (page.first, page.last, page.next) == (manifest.first, manifest.last, manifest.next)
            assert len(page.bodies) == len(manifest.records) <= query.limit
            assert page.next is None or page.bodies
            bodies += page.bodies
            records += [(record.id, record.version == record.date_added, record.spec_version) for record in manifest[0]]
            if page.next is None:
                return bodies, records
            query = query.past(page.next)


def _in_one_order(pages: tuple[list[bytes], list[Any]]) -> tuple[list[bytes], list[Any]]:
    return sorted(pages[0]), sorted(pages[1])


@pytest.mark.long_but("sqlite")
@FILES
@given(BATCHES, st.integers(1, 7), QUERIES)
def test_both_variants_read_like_separate_collections(
    store: Store, batches: list[tuple[list[Item], str]], limit: int, queries: list[tuple[Any, Any, Any]]
) -> None:
    pairs = _fill(store, batches)
    ids = tuple({each.id for items, _ in batches for item in items for each in (item, *(item.basis or ()))})
    # Objects that only one variant has already can be in another order than in the model.
    exact = all(where == "both" for _, where in batches)
    for collection, model in pairs:
        for versions, specs, types in queries:
            query = Query(limit=limit, types=types, spec_versions=specs, versions=versions)
            got, expected = _pages(store, collection, query), _pages(store, model, query)
            assert _in_one_order(got) == _in_one_order(expected)
            if exact:
                assert [one for one in got[1] if one[0].startswith("indicator")] == [
                    one for one in expected[1] if one[0].startswith("indicator")
                ]
        for versions, _, _ in queries[:2]:
            if ids:
                query = Query(limit=limit, ids=ids, versions=versions)
                assert _in_one_order(_pages(store, collection, query)) == _in_one_order(_pages(store, model, query))
        for revoked in (True, False):
            query = Query(limit=limit, revoked=revoked)
            assert _in_one_order(_pages(store, collection, query)) == _in_one_order(_pages(store, model, query))
        with store.read() as tx:
            assert log.count(tx, collection) == log.count(tx, model) == len(_pages(store, model, Query())[0])
            got_latest, expected_latest = log.latest(tx, collection, ids), log.latest(tx, model, ids)
            assert got_latest == expected_latest
            assert log.added(tx, collection, ids).keys() == log.added(tx, model, ids).keys()
            assert log.first_added(tx, collection, ids).keys() == log.first_added(tx, model, ids).keys()
            assert [id_ for id_ in ids if log.has(tx, collection, id_)] == [
                id_ for id_ in ids if log.has(tx, model, id_)
            ]
            newest = log.newest(tx, collection)
            page = log.page(tx, collection, Query())
            assert newest == page.last
            found = log.latest_everywhere(tx, ids)
            if collection.alias.endswith("-full"):
                assert found.get(collection.number, {}) == got_latest


def test_listing_is_one_row_with_its_companions(store: Store) -> None:
    listing = _listing(1, 1, 1, "domain-name", revoked=False)
    [(plain, _), (full, _)] = _fill(store, [([listing], "both")])
    assert listing.basis is not None
    bodies = [listing.body, *(item.body for item in listing.basis)]
    with store.read() as tx:
        assert log.page(tx, plain, Query()).bodies == bodies[:1]
        page = log.page(tx, full, Query())
        assert page.bodies == bodies
        assert page.first is not None
        assert page.last == page.first + 2
        rows = tx.exec_driver_sql(f"SELECT parts, latest FROM objects WHERE collection = {plain.log}").all()  # noqa: S608  # a number of ours
        assert [tuple(row) for row in rows] == [(3, 15)]
        # A page can start with a companion object.
        assert log.page(tx, full, Query(after=page.first)).bodies == bodies[1:]
        assert log.page(tx, full, Query(after=page.first + 1, limit=1)).bodies == bodies[2:]
        assert log.page(tx, full, Query(after=page.last)).bodies == []


def test_another_listing_of_the_value_repeats_the_observable(store: Store) -> None:
    first, second = (_listing(who, 1, 1, "domain-name", revoked=False) for who in (1, 2))
    with store.begin() as tx:
        plain, full = collections.add_released(tx, "again", "Again")
    for listing in (first, second):
        with store.begin() as tx:
            log.append_all(tx, [(full, [listing]), (plain, [listing])])
    assert first.basis is not None
    assert second.basis is not None
    first_bodies, second_bodies = (
        [item.body for item in (each, *each.basis)] for each in (first, second) if each.basis
    )
    with store.read() as tx:
        assert log.page(tx, full, Query()).bodies == [first_bodies[0], first_bodies[2], *second_bodies]
        assert log.page(tx, full, Query(versions=EVERY)).bodies == [*first_bodies, *second_bodies]
        assert log.page(tx, plain, Query()).bodies == [first.body, second.body]
        assert log.count(tx, full) == 5


def test_newer_listing_leaves_the_companions_in_place(store: Store) -> None:
    first, second = (_listing(1, day, 1, "domain-name", revoked=False) for day in (1, 2))
    [(plain, _), (full, _)] = _fill(store, [([first], "both"), ([second], "both")])
    assert first.basis is not None
    with store.read() as tx:
        assert log.page(tx, plain, Query()).bodies == [second.body]
        assert log.page(tx, full, Query()).bodies == [*(item.body for item in first.basis), second.body]
        assert log.page(tx, full, Query(versions=EVERY)).bodies == [
            *(first.body, *(item.body for item in first.basis), second.body)
        ]
        assert (log.count(tx, plain), log.count(tx, full)) == (1, 3)


def test_objects_of_released_collections_are_not_deleted(store: Store) -> None:
    [(plain, _), _] = _fill(store, [([_versioned("indicator", 1, 1)], "both")])
    with store.begin() as tx, pytest.raises(ValueError, match="revoked"):
        log.delete(tx, plain, Query(ids=(_id("indicator", 1),)))
