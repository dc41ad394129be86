from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, update

from server.features.trail.recorder import seal_all, verify_all
from server.jobs.retention import Days, Retention
from server.store import Store, audit, audit_search, collections, read_progress
from server.store.audit import AuditEvent, BrokenChain
from server.store.audit_search import TrailFilter
from server.store.collections import Collection
from server.store.database.times import now
from server.store.tables import audit as rows, audit_ends, audit_starts


def event(**more: object) -> AuditEvent:
    fields = {
        "first": 1,
        "last": 2,
        "requests": 3,
        "partner": "bank",
        "remote": "192.0.2.1",
        "method": "GET",
        "route": "objects",
        "collection": None,
        "status": 200,
        "objects": 5,
        "reference": None,
    }
    return AuditEvent(**{**fields, **more})  # type: ignore[arg-type]  # the fields above are of the right types


@pytest.fixture
def trail(store: Store) -> Store:
    with store.begin() as tx:
        audit.record(tx, [event(first=1), event(first=2, partner=None)])
        audit.record(tx, [event(first=4)])
        audit.record(tx, [event(first=3)], chain="task-force")
        audit.record(tx, [])
    return store


def test_recorded_events_are_listed_newest_first_and_the_trail_is_intact(trail: Store) -> None:
    with trail.read() as tx:
        assert [entry.event.first for entry in audit.tail(tx, 3)] == [4, 3, 2]
        assert [(entry.chain, entry.number) for entry in audit.tail(tx, 10)] == [
            ("requests", 3),
            ("task-force", 1),
            ("requests", 2),
            ("requests", 1),
        ]
        assert audit.verify(tx) == []


@pytest.mark.parametrize("field", ["first", "requests", "partner", "remote", "status", "objects", "hash"])
def test_changed_field_of_a_row_is_detected(trail: Store, field: str) -> None:
    changed = {"partner": "x", "remote": "x", "hash": b"x"}.get(field, 9)
    with trail.begin() as tx:
        tx.execute(update(rows).where(rows.c.chain == "requests", rows.c.number == 2).values({field: changed}))
        assert audit.verify(tx) == [BrokenChain("requests", 2)]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_removed_row_is_detected_even_the_last(trail: Store, number: int) -> None:
    with trail.begin() as tx:
        tx.execute(delete(rows).where(rows.c.chain == "requests", rows.c.number == number))
        assert audit.verify(tx) == [BrokenChain("requests", number)]


def test_a_chain_without_an_end_is_broken(trail: Store) -> None:
    with trail.begin() as tx:
        tx.execute(delete(audit_ends).where(audit_ends.c.chain == "task-force"))
        assert audit.verify(tx) == [BrokenChain("task-force", 1)]


def test_trail_is_checked_in_steps_during_writes_and_deletions(trail: Store) -> None:
    with trail.begin() as tx:
        audit.record(tx, [event(first=5, last=50), event(first=6, last=60)])
    with trail.read() as tx:
        step = audit.verify_step(tx, "requests", most=2)
    assert (step.number, step.more) == (2, True)
    with trail.begin() as tx:
        assert audit.forget(tx, "requests", before=10) == 3
    while step.more:
        with trail.read() as tx:
            step = audit.verify_step(tx, "requests", step, most=2)
        with trail.begin() as tx:
            if step.number < 8:
                audit.record(tx, [event(first=7)])
    assert (step.number, step.broken) == (8, [])
    with trail.begin() as tx:
        tx.execute(update(rows).where(rows.c.chain == "requests", rows.c.number == 8).values(objects=9))
    assert verify_all(trail) == [BrokenChain("requests", 8)]


def test_old_rows_are_deleted_from_the_start_and_the_rest_stays_intact(trail: Store) -> None:
    with trail.begin() as tx:
        audit.record(tx, [event(first=5, last=50), event(first=6, last=6)])
        kept = {(entry.chain, entry.number): entry.hash for entry in audit.tail(tx, 10)}
        assert audit.forget(tx, "requests", before=10) == 3
        assert audit.forget(tx, "requests", before=10) == 0
        assert audit.verify(tx) == []
        audit.record(tx, [event(first=7)])
        assert audit.verify(tx) == []
        there = [entry for entry in audit.tail(tx, 10) if entry.chain == "requests"]
    # A row that ended later keeps those behind it, so that no gap arises.
    assert sorted(entry.number for entry in there) == [4, 5, 6, 7]
    assert all(kept[entry.chain, entry.number] == entry.hash for entry in there if entry.number < 6)
    [forgotten] = [entry.event for entry in there if entry.event.method == "FORGET"]
    assert (forgotten.route, forgotten.collection, forgotten.objects) == ("audit", None, 3)
    assert forgotten.reference == kept["requests", 3]


def test_completely_deleted_chain_continues_at_its_number(trail: Store) -> None:
    with trail.begin() as tx:
        assert audit.chains(tx) == ["requests", "task-force"]
        assert audit.forget(tx, "task-force", before=10) == 1
        assert audit.verify(tx) == []
        audit.record(tx, [event()], chain="task-force")
        assert [entry.number for entry in audit.tail(tx, 10) if entry.chain == "task-force"] == [2]
        assert audit.verify(tx) == []
        assert audit.forget(tx, "task-force", before=10) == 1
        assert audit.forget(tx, "nowhere", before=10) == 0
        assert audit.verify(tx) == []


def test_row_that_breaks_a_chain_is_not_deleted(trail: Store) -> None:
    with trail.begin() as tx:
        tx.execute(update(rows).where(rows.c.chain == "requests", rows.c.number == 2).values(status=500))
        assert audit.forget(tx, "requests", before=10) == 1
        assert audit.forget(tx, "requests", before=10) == 0
        assert audit.verify(tx) == [BrokenChain("requests", 2)]


@pytest.mark.parametrize("change", ["hash", "number", "gone"])
def test_changed_cut_of_a_chain_is_detected(trail: Store, change: str) -> None:
    with trail.begin() as tx:
        audit.record(tx, [event(first=9, last=90)])
        assert audit.forget(tx, "requests", before=10) == 3
        if change == "gone":
            tx.execute(delete(audit_starts))
        else:
            tx.execute(update(audit_starts).values({change: b"x" if change == "hash" else 2}))
        assert [entry.chain for entry in audit.verify(tx)] == ["requests"]


def test_many_rows_are_deleted_in_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_PAGE", 4)
    with store.begin() as tx:
        audit.record(tx, [event(first=n, last=n) for n in range(10)], chain="task-force")
        assert [audit.forget(tx, "task-force", before=9) for _ in range(4)] == [4, 4, 1, 0]
        assert audit.verify(tx) == []


def test_concurrent_deletions_and_writes_leave_it_intact(store: Store, url: str) -> None:
    with store.begin() as tx:
        audit.record(tx, [event(first=n, last=n) for n in range(2_000)])
    moment, day = now(), 86_400 * 1_000_000
    others = [Store.open(url) for _ in range(3)]
    with ThreadPoolExecutor(4) as threads:
        cleaning = [threads.submit(Retention(other, Days(audit=1)).clean) for other in others]
        for n in range(20):
            with store.begin() as tx:
                audit.record(tx, [event(first=moment + n, last=moment + n + day)])
        assert sum(task.result() for task in cleaning) == 2_000
    for other in others:
        other.close()
    with store.read() as tx:
        assert audit.verify(tx) == []
        assert sum(entry.event.method == "GET" for entry in audit.tail(tx, 3_000)) == 20


def test_last_write_of_each_collection_is_found_until_deleted(trail: Store) -> None:
    with trail.begin() as tx:
        audit.record(tx, [event(first=8, partner="ngo")], chain="task-force")
        assert {collection: (entry.partner, entry.first) for collection, entry in audit.last_writes(tx).items()} == {
            "task-force": ("ngo", 8)
        }
        audit.forget(tx, "task-force", before=10)
        assert audit.last_writes(tx) == {}


def test_a_partner_lags_by_the_objects_it_has_not_read(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        tx.execute(update(collections.collections).values(last_added=5_000_000))
        read_progress.record_reads(tx, [("bank", collection.id, 3_000_000), ("ngo", collection.id, 9_000_000)])
        read_progress.record_reads(tx, [("bank", collection.id, 1_000_000)])
        assert [(lag.partner, lag.collection, lag.seconds) for lag in read_progress.lags(tx)] == [
            ("bank", "collection", 2.0),
            ("ngo", "collection", 0.0),
        ]


def test_a_write_is_part_of_the_trail_before_it_is_sealed(trail: Store) -> None:
    with trail.begin() as tx:
        audit.record_unsealed(tx, [event(first=9, last=9)], chain="task-force")
        [waiting] = [entry for entry in audit.tail(tx, 10) if not entry.hash]
        assert (waiting.chain, waiting.event.first, waiting.number < 0) == ("task-force", 9, True)
        assert audit.last_writes(tx)["task-force"].first == 9
        assert audit.unsealed_chains(tx) == ["task-force"]
        assert audit.verify(tx) == []


def test_writes_are_sealed_in_their_order_behind_those_that_are(trail: Store) -> None:
    with trail.begin() as tx:
        for first in (12, 10, 11):
            audit.record_unsealed(tx, [event(first=first, last=first)], chain="task-force")
        audit.record(tx, [event(first=13, last=13)], chain="task-force")
    with trail.begin() as tx:
        assert audit.seal(tx, "task-force") == 3
        assert audit.seal(tx, "task-force") == 0
        sealed = [(entry.number, entry.event.first) for entry in audit.tail(tx, 10) if entry.chain == "task-force"]
        assert sorted(sealed) == [(1, 3), (2, 13), (3, 10), (4, 11), (5, 12)]
        assert all(entry.hash for entry in audit.tail(tx, 10))
        assert audit.unsealed_chains(tx) == []
        assert audit.verify(tx) == []
        tx.execute(update(rows).where(rows.c.number == 4).values(objects=6))
        assert audit.verify(tx) == [BrokenChain("task-force", 4)]


def test_a_chain_begins_with_its_first_seal(store: Store) -> None:
    with store.begin() as tx:
        exchange = collections.add(tx, "task-force", "Task force")
        audit.record_unsealed(tx, [event()], chain=exchange.id)
        audit.record_unsealed(tx, [event()])
        assert audit.verify(tx) == []
        assert set(audit.last_writes(tx)) == {exchange.id}
    assert seal_all(store) == 2
    with store.read() as tx:
        assert {(entry.chain, entry.number) for entry in audit.tail(tx, 10)} == {(exchange.id, 1), ("requests", 1)}
        assert audit.verify(tx) == []


@pytest.mark.long_but("sqlite")
def test_many_writes_are_sealed_in_batches(store: Store) -> None:
    with store.begin() as tx:
        audit.record_unsealed(tx, [event(first=n, last=n) for n in range(12_000)])
        assert audit.seal(tx, "requests") == 5_000
    assert seal_all(store) == 7_000
    with store.read() as tx:
        assert audit.verify(tx) == []


def test_unsealed_rows_are_not_deleted(trail: Store) -> None:
    with trail.begin() as tx:
        audit.record_unsealed(tx, [event(first=9, last=9)], chain="task-force")
        assert audit.forget(tx, "task-force", before=100) == 1
        assert audit.seal(tx, "task-force") == 1
        assert audit.verify(tx) == []


def test_concurrent_sealers_and_writes_leave_it_intact(store: Store, url: str) -> None:
    others = [Store.open(url) for _ in range(3)]

    def write(store: Store) -> None:
        for n in range(40):
            with store.begin() as tx:
                audit.record_unsealed(tx, [event(first=n, last=n)])

    with ThreadPoolExecutor(6) as threads:
        writing = [threads.submit(write, other) for other in others]
        sealed = [sum(threads.map(lambda other: seal_all(other), others)) for _ in range(10)]
        for task in writing:
            task.result()
    assert sum(sealed) + seal_all(store) == 120
    for other in others:
        other.close()
    with store.read() as tx:
        assert audit.verify(tx) == []
        assert len(audit.tail(tx, 200)) == 120


MINUTE = 60_000_000


def test_equal_reads_of_a_minute_are_one_row_for_all_processes(store: Store) -> None:
    for first, last in ((5, 6), (2, 9), (MINUTE, MINUTE + 1)):
        with store.begin() as tx:
            audit.gather(tx, [event(first=first, last=last), event(first=first, last=last, partner="ngo")])
    with store.begin() as tx:
        audit.gather(tx, [event(first=3, last=4), event(first=7, last=8)])
    assert seal_all(store) == 4
    with store.read() as tx:
        assert audit.verify(tx) == []
        found = [entry.event for entry in audit.tail(tx, 10) if entry.event.partner == "bank"]
    assert [(row.first, row.last, row.requests, row.objects) for row in found] == [
        (MINUTE, MINUTE + 1, 3, 5),
        (2, 9, 12, 20),
    ]


@pytest.mark.parametrize(
    "more", [{"remote": "x"}, {"route": "x"}, {"collection": "x"}, {"status": 304}, {"method": "HEAD"}]
)
def test_different_reads_are_separate_rows(store: Store, more: dict[str, object]) -> None:
    with store.begin() as tx:
        audit.gather(tx, [event(), event(**more), event(**more)])
    assert seal_all(store) == 2


def test_reads_are_sealed_when_their_minute_is_over_and_all_else_at_once(store: Store) -> None:
    moment = now()
    with store.begin() as tx:
        audit.gather(tx, [event(first=moment, last=moment)])
        audit.record_unsealed(tx, [event(first=moment, last=moment, method="approve")])
        assert audit.seal(tx, "requests") == 1
        assert audit.unsealed_chains(tx) == []
        audit.gather(tx, [event(first=moment, last=moment)])
        assert [entry.event.requests for entry in audit.tail(tx, 9) if entry.number < 0] == [6]
        audit.gather(tx, [event(first=moment - 2 * MINUTE, last=moment - 2 * MINUTE)])
        assert audit.unsealed_chains(tx) == ["requests"]
    assert seal_all(store) == 1


def test_late_reads_of_a_sealed_minute_are_another_row(store: Store) -> None:
    for _ in range(2):
        with store.begin() as tx:
            audit.gather(tx, [event()])
        assert seal_all(store) == 1
    with store.read() as tx:
        assert audit.verify(tx) == []
        assert sum(entry.event.requests for entry in audit.tail(tx, 9)) == 6


def test_processes_that_gather_and_seal_at_once_lose_nothing(store: Store, url: str) -> None:
    others = [Store.open(url) for _ in range(3)]

    def gather(store: Store) -> None:
        for n in range(40):
            with store.begin() as tx:
                audit.gather(tx, [event(requests=1, partner=f"bank {m}") for m in (n % 5, (n + 1) % 5, 7)])

    with ThreadPoolExecutor(6) as threads:
        gathering = [threads.submit(gather, other) for other in others]
        for _ in range(15):
            list(threads.map(seal_all, others))
        for task in gathering:
            task.result()
    seal_all(store)
    for other in others:
        other.close()
    with store.read() as tx:
        assert audit.verify(tx) == []
        assert sum(entry.event.requests for entry in audit.tail(tx, 1_000)) == 3 * 40 * 3


@pytest.mark.parametrize("database", ["postgresql"])
def test_a_write_does_not_wait_for_another_nor_for_the_sealing(trail: Store) -> None:
    with trail.begin() as first:
        audit.record_unsealed(first, [event()])
        with trail.begin() as sealing:
            audit.record(sealing, [event()])
            with trail.begin() as second:
                audit.record_unsealed(second, [event()])
            with trail.begin() as other:
                assert audit.seal(other, "requests") == 0
    assert seal_all(trail) == 2


def test_search_finds_matches_and_continues_where_it_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_search, "_PAGE", 7)
    monkeypatch.setattr(audit_search, "_FOUND", 2)
    with store.begin() as tx:
        for number in range(40):
            audit.record(tx, [event(first=number // 4, partner="bank" if number % 3 else "police", route=f"r{number}")])
    found, place, searches = [], None, 0
    with store.read() as tx:
        while True:
            entries, place = audit_search.search(tx, TrailFilter(partner="police"), before=place)
            found += [entry.event.route for entry in entries]
            searches += 1
            if place is None:
                break
    assert sorted(found) == sorted(f"r{number}" for number in range(0, 40, 3))
    assert searches > 5


def test_the_reads_of_a_partner_between_two_moments_are_found(store: Store) -> None:
    minute = 60_000_000
    with store.begin() as tx:
        audit.record(
            tx,
            [
                event(first=minute, last=minute + 9, collection="c"),
                event(first=2 * minute, last=2 * minute + 9, collection="c", remote="192.0.2.2"),
                event(first=2 * minute, last=2 * minute + 9, collection="c", partner="other"),
                event(first=2 * minute, last=2 * minute + 9, collection="d"),
                event(first=2 * minute, last=2 * minute + 9, collection="c", status=404),
                event(first=9 * minute, last=9 * minute + 9, collection="c"),
            ],
        )
        found = audit.reads(tx, "bank", "c", 2 * minute, 3 * minute, 5)
        assert [entry.event.remote for entry in found] == ["192.0.2.2"]
        assert len(audit.reads(tx, "bank", "c", minute, 3 * minute, 1)) == 1


def test_rewritten_chains_contradict_their_former_end(trail: Store) -> None:
    with trail.begin() as tx:
        before = audit.heads(tx)
        audit.record(tx, [event(first=9)])
        assert audit.contradicted(tx, before) == []
        tx.execute(update(rows).where(rows.c.chain == "requests", rows.c.number == 3).values(hash=b"x"))
        assert audit.contradicted(tx, before) == [BrokenChain("requests", 3)]
        tx.execute(delete(rows).where(rows.c.chain == "task-force"))
        assert BrokenChain("task-force", 1) in audit.contradicted(tx, before)


def test_a_chain_that_was_cut_off_for_its_age_contradicts_nothing(trail: Store) -> None:
    with trail.begin() as tx:
        before = audit.heads(tx)
        assert audit.forget(tx, "requests", before=1_000) == 3
        assert audit.contradicted(tx, before) == []
        assert audit.beginning(tx, "requests") == before["requests"]
        assert [entry.number for entry in audit.sealed_entries(tx, "requests")] == [4]
