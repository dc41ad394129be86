"""The time up to which a hub's collections are current, from the heartbeats of its parts."""

import pytest

from server.store import Store, collections, jobs
from server.store.liveness import heartbeats
from server.store.liveness.heartbeats import Heartbeat

SECOND = 1_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    at = [1_790_000_000 * SECOND]
    monkeypatch.setattr("server.store.database.sql.database_time", lambda _: at[0])
    return at


def test_collection_has_no_current_time_before_the_first_heartbeat(store: Store) -> None:
    with store.read() as tx:
        assert heartbeats.current(tx) == Heartbeat(None, None)


def test_of_several_processes_one_beats_in_each_interval(store: Store, clock: list[int]) -> None:
    start = clock[0]
    for after, expected in ((0, 0), (1, 0), (4, 0), (6, 6), (7, 6), (20, 20)):
        clock[0] = start + after * SECOND
        with store.begin() as tx:
            heartbeats.beat(tx, "server")
            assert heartbeats.last_beats(tx) == {"server": start + expected * SECOND}


def test_clock_set_back_promises_no_unseen_time(store: Store, clock: list[int]) -> None:
    for _ in range(2):
        with store.begin() as tx:
            heartbeats.beat(tx, "server")
            assert heartbeats.current(tx).written == clock[0]
        clock[0] -= 3_600 * SECOND


def test_released_collections_are_as_current_as_the_slowest_part(store: Store, clock: list[int]) -> None:
    start = clock[0]
    with store.begin() as tx:
        heartbeats.beat(tx, "schedule")
        clock[0] += 60 * SECOND
        heartbeats.beat(tx, "server")
        assert heartbeats.current(tx) == Heartbeat(clock[0], start)
        heartbeats.forget(tx, "schedule")
        assert heartbeats.current(tx) == Heartbeat(clock[0], clock[0])


def test_unfinished_large_work_holds_the_heartbeat_at_its_start(store: Store) -> None:
    with store.begin() as tx:
        begun = jobs.begin(tx, "policy apply", {}).begun
        jobs.begin(tx, "later", {})
        heartbeats.beat(tx, "server")
        # SQLite's clock has milliseconds.
        assert begun - 1_000 < (heartbeats.current(tx).released or 0) <= begun
        jobs.save(tx, "policy apply", {}, ended=True)
        jobs.save(tx, "later", {}, ended=True)
        current = heartbeats.current(tx)
        assert current.released == current.written


def test_room_does_not_wait_for_the_rules_and_an_inbox_has_no_readers(store: Store) -> None:
    current = Heartbeat(2, 1)
    with store.begin() as tx:
        released, _ = collections.add_released(tx, "shared", "Shared")
        room = collections.add(tx, "room", "Room", kind="exchange")
        inbox = collections.add(tx, "box", "Box", kind="inbox")
    assert [current.of(collection) for collection in (released, room, inbox)] == [1, 2, None]
