"""The parts of a run: claims, isolation, shared pages, due times, and waiting times."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from feeds.connector import FeedSettings, TryLater
from feeds.runs.due import due_at, state_after_run
from feeds.runs.run import Ending, Run, SharedPages, bisect, lease_run
from feeds.transport.client import error_of_status
from server.store import Store, collections, feed_state, log
from server.store.collections import Collection
from server.store.feed_state import FeedState, LeaseLost
from server.store.item import Item
from tests.running import run
from tests.unit.feeds.ticking import Ticking, furnish, pull_settings, until

SECOND = 1_000_000
START = datetime(2026, 5, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def store(migrated_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    yield opened
    opened.close()


def test_a_feed_is_claimed_by_one_run_and_free_after_it(store: Store) -> None:
    first = lease_run(store, "f")
    assert first is not None
    with first:
        assert lease_run(store, "f") is None
    second = lease_run(store, "f")
    assert second is not None
    with second:
        assert lease_run(store, "g") is not None


def test_claim_outlasts_its_lease_during_the_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.runs.run._RENEW_AFTER", 0.05)
    made = lease_run(store, "f")
    assert made is not None

    def ends() -> int:
        with store.read() as tx:
            return feed_state.lease_holders(tx)["f"].until

    with made:
        first = ends()
        until(lambda: ends() > first)
        with store.begin() as tx:
            feed_state.renew_lease(tx, made._lease)
        second = ends()
        until(lambda: ends() > second)
        assert lease_run(store, "f") is None


def test_a_claim_is_not_made_before_its_time(store: Store) -> None:
    assert lease_run(store, "f", lambda tx, state: False) is None
    made = lease_run(store, "f", lambda tx, state: state.runs == 0)
    assert made is not None
    with made:
        pass


def test_overtaken_run_sends_and_writes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lease_run(store, "f")
    assert made is not None
    with store.begin() as tx:
        feed_state.release_lease(tx, made._lease)
        assert feed_state.acquire_lease(tx, "f", "another") is not None
    made._renewed -= feed_state.LEASE_SECONDS + 1
    with pytest.raises(LeaseLost):
        made.check()
    with pytest.raises(LeaseLost), store.begin() as tx:
        made.hold(tx)


def fails_at(bad: set[int]) -> tuple[list[int], list[int]]:
    arrived: list[int] = []

    def do(items: Sequence[int]) -> int:
        if bad & set(items):
            raise ValueError(items)
        arrived.extend(items)
        return len(items)

    results, failed = bisect(range(100), do)
    assert sum(results) == len(arrived)
    return arrived, [failure.place for failure in failed]


@given(st.sets(st.integers(0, 99), max_size=20))
def test_all_valid_items_arrive_once_and_in_order(bad: set[int]) -> None:
    arrived, failed = fails_at(bad)
    assert arrived == [number for number in range(100) if number not in bad]
    assert failed == sorted(bad)


def test_failure_of_every_item_is_not_the_items_fault(request: pytest.FixtureRequest) -> None:
    with pytest.raises(ValueError, match="range"):
        fails_at(set(range(100)))
    with pytest.raises(ValueError, match="range"):
        fails_at(set(range(1, 100)))


def test_single_bad_item_becomes_a_dead_letter_after_the_last_retry() -> None:
    def do(_: Sequence[str]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bisect(["x"], do)
    results, failed = bisect(["x"], do, given_up=True)
    assert (results, [failure.place for failure in failed]) == ([], [0])


def test_unreachable_peer_makes_no_dead_letter() -> None:
    asked: list[int] = []

    def do(items: Sequence[int]) -> None:
        asked.append(len(items))
        raise TryLater("away")

    with pytest.raises(TryLater):
        bisect(range(8), do, given_up=True)
    assert asked == [8]


@pytest.fixture
def room(store: Store) -> Collection:
    with store.begin() as tx:
        return collections.add(tx, "room", "Room")


def add(store: Store, room: Collection, *numbers: int) -> None:
    with store.begin() as tx:
        log.append(tx, room, [Item.of({"type": "url", "id": f"url--{n}", "value": "x" * 100}) for n in numbers])


def walk(store: Store, room: Collection, pages: SharedPages, limit: int = 10) -> list[str]:
    found: list[str] = []
    after, more = -1, True
    while more:
        page = pages.get(store, room, after, limit, revoked=False)
        found += [item.id for item in page.items]
        after, more = page.last, page.more
    return found


def test_many_pushes_read_each_page_once(store: Store, room: Collection) -> None:
    add(store, room, *range(100))
    pages = SharedPages()
    threads = [threading.Thread(target=walk, args=(store, room, pages)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert walk(store, room, pages) == [f"url--{n}" for n in range(100)]
    assert pages.reads == 10


def test_objects_added_in_between_are_on_the_page(store: Store, room: Collection) -> None:
    add(store, room, 1)
    pages = SharedPages()
    assert walk(store, room, pages) == ["url--1"]
    add(store, room, 2)
    assert walk(store, room, pages) == ["url--1", "url--2"]


def test_a_page_is_not_kept_for_long(store: Store, room: Collection) -> None:
    add(store, room, 1)
    pages = SharedPages(still_seconds=0.05)
    walk(store, room, pages)
    time.sleep(0.06)
    walk(store, room, pages)
    assert pages.reads == 2


def test_a_full_page_is_shared_while_the_collection_grows_but_not_for_long(
    store: Store, room: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, room, *range(20))
    moment = [0.0]
    monkeypatch.setattr("feeds.runs.run.time", SimpleNamespace(monotonic=lambda: moment[0]))
    pages = SharedPages(busy_seconds=3)
    assert len(walk(store, room, pages)) == 20
    add(store, room, 20)
    assert len(walk(store, room, pages)) == 21
    assert pages.reads == 4
    moment[0] = 3
    assert len(walk(store, room, pages)) == 21
    assert pages.reads == 5


def test_shared_page_is_never_older_than_a_delivered_revocation(store: Store, room: Collection) -> None:
    said = {"type": "indicator", "spec_version": "2.1", "id": "indicator--1", "created": "2026-01-01T00:00:00.000Z"}
    with store.begin() as tx:
        log.append(tx, room, [Item.of({**said, "modified": "2026-01-01T00:00:00.000Z"})])
    add(store, room, *range(20))
    pages = SharedPages()
    assert "indicator--1" in walk(store, room, pages)
    with store.begin() as tx:
        log.append(tx, room, [Item.of({**said, "modified": "2026-01-02T00:00:00.000Z", "revoked": True})])
    gone = pages.get(store, room, -1, 10, revoked=True)
    assert [item.id for item in gone.items] == ["indicator--1"]
    assert walk(store, room, pages) == [f"url--{n}" for n in range(20)]


def test_position_is_the_end_of_the_collection_if_nothing_is_left(store: Store, room: Collection) -> None:
    add(store, room, 1, 2, 3)
    with store.read() as tx:
        end = log.newest(tx, room)
    assert SharedPages().get(store, room, -1, 10, revoked=True) == ([], end, False)
    assert SharedPages().get(store, room, -1, 10, revoked=False).last == end


def test_cached_pages_are_bounded(store: Store, room: Collection) -> None:
    add(store, room, *range(100))
    pages = SharedPages(most_bytes=20_000)
    for _ in range(3):
        walk(store, room, pages)
    assert pages._bytes <= 20_000
    assert 0 < len(pages._kept) < 10


def settings(**more: str) -> FeedSettings:
    return FeedSettings.model_validate({"name": "f", "connector": "x", **more})


def test_a_feed_that_never_ran_is_due_at_once() -> None:
    assert due_at(settings(every="1h"), FeedState("f"), since=7) == 7


@given(st.integers(0, 10**15))
def test_an_interval_counts_from_the_start_of_the_last_run(started: int) -> None:
    at = due_at(settings(every="1m"), FeedState("f", started=started), since=0)
    assert at is not None
    assert 54 * SECOND <= at - started <= 66 * SECOND


def test_cron_makes_up_for_a_missed_time() -> None:
    started = int(START.timestamp()) * SECOND
    at = due_at(settings(cron="0 10 * * *"), FeedState("f", started=started), since=started + 86_400 * SECOND)
    assert at == started + 1800 * SECOND


def test_feed_waits_after_errors_and_stops_until_its_configuration_is_reloaded() -> None:
    waiting = FeedState("f", started=0, retry_at=10**12)
    assert due_at(settings(every="1m"), waiting, since=0) == 10**12
    stopped = FeedState("f", started=0, stopped=50)
    assert due_at(settings(every="1m"), stopped, since=49) is None
    assert due_at(settings(every="1m"), stopped, since=51) is not None
    assert due_at(settings(), FeedState("f"), since=0) is None


def ended(ending: Ending, error: str | None = "x") -> Run:
    reasons = Counter({"bad": 1})
    return Run("f", START, START + timedelta(seconds=2), 5, 4, reasons, None if ending == "done" else error, ending)


def test_each_failure_doubles_the_wait_up_to_an_hour() -> None:
    state = FeedState("f")
    waits = []
    for _ in range(10):
        state = state_after_run(state, ended("try-later"), 1000 * SECOND, lambda low, high: high)
        waits.append(state.retry_at // SECOND - 1000)
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert (state.failures, state.runs, state.failed, state.read) == (10, 10, 10, 50)
    state = state_after_run(state, ended("done"), 2000 * SECOND)
    assert (state.failures, state.retry_at, state.succeeded, state.started) == (0, 0, 2000 * SECOND, 1998 * SECOND)
    assert (state.accepted, state.rejected) == (44, 11)


def test_wait_is_at_least_the_retry_after_of_the_peer() -> None:
    asked = replace(ended("try-later"), wait=600.0)
    assert state_after_run(FeedState("f"), asked, 1000 * SECOND).retry_at == 1600 * SECOND
    long_in_trouble = state_after_run(FeedState("f", failures=9), asked, 0, lambda low, high: high)
    assert long_in_trouble.retry_at == 3600 * SECOND


@pytest.mark.parametrize("status", [400, 413, 422])
def test_unexpected_refusal_needs_an_operator(store: Store, status: int) -> None:
    furnish(store)

    def refuse(_: int) -> None:
        raise error_of_status("https://peer.example", status)

    result = run(store, Ticking(pull_settings(), refuse))
    assert (result.ending, result.status) == ("misconfigured", status)
    with store.read() as tx:
        assert [found.status for found in feed_state.last_runs_of(tx, "f", 1)] == [status]
    assert str(result.error).startswith(f"misconfigured: https://peer.example: refuses the request (HTTP {status})")


def test_run_remembers_the_retry_after_of_the_peer(store: Store) -> None:
    furnish(store)

    def request_a_pause(_: int) -> None:
        raise TryLater("busy", after=7200.0)

    result = run(store, Ticking(pull_settings(), request_a_pause))
    assert (result.ending, result.wait) == ("try-later", 7200.0)
    with store.read() as tx:
        state = feed_state.load_state(tx, "f")
    assert state.ended is not None
    assert state.retry_at - state.ended == 7200 * SECOND


@given(st.integers(1, 1000))
def test_no_two_nodes_wait_for_the_same_moment(seed: int) -> None:
    waits = state_after_run(FeedState("f", failures=seed % 9), ended("failed"), 0).retry_at
    assert 15 * SECOND <= waits <= 3600 * SECOND


def test_a_run_that_was_stopped_leaves_the_feed_due() -> None:
    before = FeedState("f", started=5, ended=6, failures=1, retry_at=7)
    state = state_after_run(before, ended("stopped", None), 100 * SECOND)
    assert (state.started, state.ended, state.failures, state.retry_at, state.runs) == (5, 6, 1, 7, 1)


def test_feed_that_never_worked_stops_and_others_get_three_retries() -> None:
    assert state_after_run(FeedState("f"), ended("misconfigured"), 9).stopped == 9
    state = FeedState("f", succeeded=1)
    stopped = []
    for _ in range(4):
        state = state_after_run(state, ended("misconfigured"), 9)
        stopped.append(state.stopped)
    assert stopped == [None, None, None, 9]
