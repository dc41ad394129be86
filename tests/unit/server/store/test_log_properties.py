"""The log compared with a trivially correct model."""

import uuid
from itertools import count

from hypothesis import HealthCheck, given, settings, strategies as st

from server.store import Store, collections, log
from server.store.collections import Collection
from server.store.item import Item
from server.store.objects.query import EVERY, Query, Versions
from tests.searches import examples

_names = count()
FILES = settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

ITEMS = st.builds(
    lambda who, day, spec: Item.of(
        {
            "type": "indicator",
            "id": f"indicator--{uuid.UUID(int=who)}",
            **({"spec_version": "2.1"} if spec == "2.1" else {}),
            "created": "2026-01-01T00:00:00.000Z",
            "modified": f"2026-01-{day:02}T00:00:00.000Z",
        }
    ),
    st.integers(0, 3),
    st.integers(1, 5),
    st.sampled_from(["2.0", "2.1", "2.1"]),
) | st.builds(lambda who: Item.of({"type": "url", "id": f"url--{uuid.UUID(int=who)}", "value": "x"}), st.integers(0, 2))
BATCHES = st.lists(st.lists(ITEMS, max_size=6), max_size=8)


def fresh(store: Store) -> Collection:
    name = f"collection-{next(_names)}"
    with store.begin() as tx:
        return collections.add(tx, name, name)


def fill(store: Store, collection: Collection, batches: list[list[Item]]) -> list[tuple[int, Item]]:
    """Append the batches, and return the expected log: every new version with its date_added."""
    held: list[tuple[int, Item]] = []
    for batch in batches:
        expected = []
        for item in batch:
            known = [item for _, item in held] + expected
            if not any(
                (other.id, other.version, other.spec_version) == (item.id, item.version, item.spec_version)
                for other in known
            ):
                expected.append(item)
        with store.begin() as tx:
            done = log.append(tx, collection, batch)
        assert done.added == [item.id for item in expected]
        assert len(done.added) + len(done.unchanged) == len(batch)
        if expected:
            assert done.first is not None
            assert done.last is not None
            assert not held or done.first > held[-1][0]
            assert done.last % 1000 == 0
            assert done.last - done.first == len(expected) - 1
            held += enumerate(expected, done.first)
    return held


def listed(held: list[tuple[int, Item]], specs: tuple[str, ...], versions: Versions) -> list[bytes]:
    """Answer a query by scanning everything."""

    def age(row: tuple[int, Item]) -> int:
        return row[1].version if row[1].version is not None else row[0]

    chosen = []
    for at, item in held:
        same = [row for row in held if row[1].id == item.id]
        wanted = specs or (max(row[1].spec_version for row in same),)
        among = [row for row in same if row[1].spec_version in wanted]
        if (at, item) not in among:
            continue
        if (
            versions.every
            or age((at, item)) in versions.dates
            or (versions.last and age((at, item)) == max(map(age, among)))
            or (versions.first and age((at, item)) == min(map(age, among)))
        ):
            chosen.append(item.body)
    return chosen


def walk(store: Store, collection: Collection, query: Query) -> list[bytes]:
    """Page through to the end, checking each page's guarantees."""
    bodies: list[bytes] = []
    while True:
        with store.read() as tx:
            page = log.page(tx, collection, query)
            manifest = log.manifest(tx, collection, query)
        assert [record.id for record in manifest.records] == [Item.of_bytes(body).id for body in page.bodies]
        assert (manifest.first, manifest.last, manifest.next) == (page.first, page.last, page.next)
        bodies += page.bodies
        if page.next is None:
            return bodies
        assert len(page.bodies) == query.limit
        query = query.past(page.next)


@FILES
@given(
    batches=BATCHES,
    limit=st.integers(1, 7),
    specs=st.sampled_from([(), ("2.0",), ("2.1",), ("2.0", "2.1")]),
    versions=st.builds(
        Versions, st.booleans(), st.just(True), st.booleans(), st.sampled_from([(), (1767398400000000,)])
    )
    | st.sampled_from([EVERY, Versions(first=True), Versions(dates=(1767398400000000,))]),
)
def test_every_query_and_page_size_matches_the_model(
    store: Store, batches: list[list[Item]], limit: int, specs: tuple[str, ...], versions: Versions
) -> None:
    collection = fresh(store)
    held = fill(store, collection, batches)
    query = Query(limit=limit, spec_versions=specs, versions=versions)
    assert walk(store, collection, query) == listed(held, specs, versions)


@given(last=st.integers(0, 2**60), moment=st.integers(0, 2**60), size=st.integers(1, 20_000))
def test_an_allocation_is_after_all_before_it_and_ends_on_a_millisecond(last: int, moment: int, size: int) -> None:
    start, end = log.allocate(last, size, moment)
    assert start > last
    assert start >= moment
    assert end - start == size - 1
    assert end % 1000 == 0
    assert end < max(last + 1, moment) + size + 1000
