"""Changes during a schedule: settings, new objects to push, other nodes, dead letters."""

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feeds.connector import Connector, FeedSettings, Misconfigured, TryLater
from feeds.runs import schedule as schedule_module
from feeds.runs.retry import retry_feed
from feeds.runs.run import lease_run
from feeds.runs.schedule import Schedule
from server.release.hub import Hub
from server.store import Store, collections, feed_state
from server.store.database import sql
from server.store.liveness import heartbeats
from tests.running import run
from tests.unit.feeds.ticking import (
    Noting,
    Ticking,
    contribute_domains,
    furnish,
    next_runs,
    pull_settings,
    push_settings,
    until,
)


@pytest.fixture
def store(migrated_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    furnish(opened)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_module, "_REREAD_SECONDS", 0.05)


class Configuration:
    """A configuration that yields each new list of feeds once."""

    def __init__(self) -> None:
        self.feeds: list[Connector[FeedSettings]] | None = None

    def __call__(self) -> list[Connector[FeedSettings]] | None:
        feeds, self.feeds = self.feeds, None
        return feeds


def test_feeds_are_added_removed_and_changed_without_a_restart(store: Store) -> None:
    configuration = Configuration()
    stays = Ticking(pull_settings(name="stays", every="50ms"), lambda _: None)
    goes = Ticking(pull_settings(name="goes", every="50ms"), lambda _: None)
    with Schedule(Hub(store), [stays, goes], reread=configuration, eager=True) as schedule:
        until(lambda: stays.ticks > 1 and goes.ticks > 1)
        again = Ticking(pull_settings(name="stays", every="50ms"), lambda _: None)
        comes = Ticking(pull_settings(name="comes", every="50ms"), lambda _: None)
        configuration.feeds = [again, comes]
        until(lambda: comes.ticks > 1)
        assert next_runs(schedule).keys() == {"stays", "comes"}
        until(lambda: goes.at_once == 0)
        ended, went_on = goes.ticks, stays.ticks
        until(lambda: stays.ticks > went_on + 1)
        assert goes.ticks == ended
        assert again.ticks == 0


def test_running_feed_stops_between_batches_when_its_settings_change(store: Store) -> None:
    configuration = Configuration()
    old = Ticking(pull_settings(every="1h"), lambda _: time.sleep(0.02), batches=100_000)
    with Schedule(Hub(store), [old], reread=configuration, eager=True):
        until(lambda: old.ticks > 2)
        new = Ticking(pull_settings(every="1h", batch=5), lambda _: None)
        configuration.feeds = [new]
        until(lambda: new.ticks == 1)
        assert old.at_once == 0
    with store.read() as tx:
        assert feed_state.load_checkpoint(tx, "f") == {"ticks": 1}


def test_a_bad_new_configuration_leaves_the_old_one_running(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    configuration = Configuration()
    feed = Ticking(pull_settings(every="50ms"), lambda _: None)
    with Schedule(Hub(store), [feed], reread=configuration, eager=True):
        configuration.feeds = [Ticking(pull_settings(cron="61 * * * *"), lambda _: None)]
        until(lambda: "configuration rejected, the old one stays in force error=feed f: cron: " in caplog.text)
        before = feed.ticks
        until(lambda: feed.ticks > before + 1)


def test_a_stopped_feed_is_tried_again_when_its_settings_change(store: Store) -> None:
    def fail(_: int) -> None:
        raise Misconfigured("no such user")

    configuration = Configuration()
    wrong = Ticking(pull_settings(every="50ms"), fail)
    with Schedule(Hub(store), [wrong], reread=configuration, eager=True) as schedule:
        until(lambda: wrong.ticks == 1 and next_runs(schedule)["f"] is None)
        right = Ticking(pull_settings(every="60ms"), lambda _: None)
        configuration.feeds = [right]
        until(lambda: right.ticks > 1)


def test_schedule_sends_heartbeats_while_it_has_feeds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "SECONDS", 0.1)

    def beats() -> dict[str, int]:
        with store.read() as tx:
            return heartbeats.last_beats(tx)

    configuration = Configuration()
    with Schedule(Hub(store), [Ticking(pull_settings(every="1h"), lambda _: None)], reread=configuration, eager=True):
        until(lambda: "schedule" in beats())
        configuration.feeds = [Ticking(pull_settings(), lambda _: None)]
        until(lambda: beats() == {})
        configuration.feeds = [Ticking(pull_settings(cron="0 0 1 1 *"), lambda _: None)]
        until(lambda: "schedule" in beats())
    # The heartbeat of an ended schedule is still expected, because its feeds are still configured.
    assert "schedule" in beats()


def test_new_object_is_pushed_at_once(store: Store) -> None:
    feed = Noting(push_settings(every="1h"))
    with Schedule(Hub(store), [feed], eager=True):
        until(lambda: feed_of(store).runs == 1)
        contribute_domains(store, "a.example.com")
        # Long before the hour is over.
        until(lambda: feed.indicators() == 1)
        contribute_domains(store, "b.example.com")
        until(lambda: feed.indicators() == 2 and feed_of(store).runs == 3)
        time.sleep(0.5)
        assert feed_of(store).runs == 3


def test_new_object_waits_for_the_interval_if_configured(store: Store) -> None:
    feed = Noting(push_settings(every="1h", as_added=False))
    with Schedule(Hub(store), [feed], eager=True):
        until(lambda: feed_of(store).runs == 1)
        contribute_domains(store, "a.example.com")
        time.sleep(1)
    assert feed.given == []


def test_new_objects_are_not_pushed_to_a_failing_peer(store: Store) -> None:
    feed = Noting(push_settings(every="1h"))
    with store.begin() as tx:
        waits = sql.database_time(tx) + 3_600_000_000
        feed_state.save_state(tx, replace(feed_state.load_state(tx, "f"), started=1, failures=3, retry_at=waits))
    contribute_domains(store, "a.example.com")
    with Schedule(Hub(store), [feed], eager=True) as schedule:
        until(lambda: next_runs(schedule)["f"] is not None)
        time.sleep(0.6)
        at = next_runs(schedule)["f"]
    assert at is not None
    assert at > datetime.now(UTC) + timedelta(minutes=50)
    assert feed.given == []


def feed_of(store: Store, name: str = "f") -> feed_state.FeedState:
    with store.read() as tx:
        return feed_state.load_state(tx, name)


def test_two_nodes_share_one_feed(store: Store) -> None:
    one = Ticking(pull_settings(every="100ms"), lambda _: time.sleep(0.05))
    two = Ticking(pull_settings(every="100ms"), lambda _: time.sleep(0.05))
    began = time.monotonic()
    with Schedule(Hub(store), [one]), Schedule(Hub(store), [two]):
        until(lambda: one.ticks + two.ticks >= 10)
    took = time.monotonic() - began
    assert feed_of(store).runs == one.ticks + two.ticks
    assert one.ticks + two.ticks <= took / 0.09 + 2


def test_a_second_node_learns_that_a_feed_is_running(store: Store) -> None:
    held = lease_run(store, "f")
    assert held is not None
    feed = Ticking(pull_settings(), lambda _: None)
    with held:
        result = run(store, feed)
    assert (result.ending, feed.ticks) == ("busy", 0)
    assert run(store, feed).ending == "done"


def test_overtaken_run_stores_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def overtake(tick: int) -> None:
        if tick == 2:
            with store.begin() as tx:
                tx.exec_driver_sql("UPDATE leases SET holder = 'another', token = token + 1")

    feed = Ticking(pull_settings(), overtake, batches=5)
    with caplog.at_level(logging.INFO):
        result = run(store, feed)
    assert (result.ending, feed.ticks, result.read) == ("fenced", 2, 1)
    with store.read() as tx:
        assert feed_state.load_checkpoint(tx, "f") == {"ticks": 1}
        assert feed_state.last_runs(tx) == {}


def broken(store: Store) -> Noting:
    """Return a push with an object among the dead letters."""
    feed = Noting(push_settings())
    feed.fails_at = {"'b.example.com'"}
    contribute_domains(store, "a.example.com", "b.example.com", "c.example.com")
    assert run(store, feed).ending == "done"
    with store.read() as tx:
        assert feed_state.count_dead_letters(tx) == {"f": 1}
    feed.given.clear()
    return feed


def test_dead_letters_arrive_after_a_fix(store: Store) -> None:
    feed = broken(store)
    feed.fails_at = set()
    done = retry_feed(Hub(store), feed)
    assert (done.tried, done.settled, done.failed, done.error) == (1, 1, 0, None)
    assert [b"b.example.com" in item.body for _, item in feed.given] == [True]
    with store.read() as tx:
        assert feed_state.count_dead_letters(tx) == {}


def test_three_failures_are_retried_only_with_everything(store: Store) -> None:
    feed = broken(store)
    assert [retry_feed(Hub(store), feed).failed for _ in range(4)] == [1, 1, 0, 0]
    assert retry_feed(Hub(store), feed, everything=True).failed == 1
    feed.fails_at = set()
    assert retry_feed(Hub(store), feed).tried == 0
    assert retry_feed(Hub(store), feed, everything=True).settled == 1


def test_unavailable_object_is_not_retried(store: Store) -> None:
    feed = broken(store)
    with store.begin() as tx:
        feed_state.add_dead_letter(tx, "f", "indicator--6ba7b810-9dad-41d1-80b4-00c04fd430c8", b"", "KeyError")
    feed.fails_at = set()
    assert retry_feed(Hub(store), feed).settled == 2
    assert len(feed.given) == 1


def test_a_partner_without_access_gets_no_dead_letters(store: Store) -> None:
    feed = broken(store)
    feed.fails_at = set()
    with store.begin() as tx:
        collections.revoke(tx, "P", collections.get(tx, "takedown"))
    done = retry_feed(Hub(store), feed)
    assert "may not read takedown" in str(done.error)
    assert feed.given == []
    with store.read() as tx:
        assert feed_state.count_dead_letters(tx) == {"f": 1}


def test_retry_runs_a_waiting_or_stopped_feed(store: Store) -> None:
    def fail(_: int) -> None:
        raise Misconfigured("no such user")

    feed = Ticking(pull_settings(), fail)
    assert run(store, feed).ending == "misconfigured"
    assert feed_of(store).stopped is not None
    assert retry_feed(Hub(store), feed).error is None
    assert feed_of(store).stopped is None


def test_unreachable_peer_adds_no_dead_letter(store: Store) -> None:
    def fail(_: int) -> None:
        raise TryLater("away")

    feed = Ticking(pull_settings(), fail)
    for _ in range(3):
        run(store, feed)
    state = feed_of(store)
    assert (state.failures, state.breaker(state.ended or 0)) == (3, "open")
    assert state.breaker(state.retry_at) == "half-open"
    with store.read() as tx:
        assert feed_state.count_dead_letters(tx) == {}


def test_a_single_object_that_always_fails_becomes_a_dead_letter_at_the_third_run(store: Store) -> None:
    feed = Noting(push_settings(batch=1))
    feed.fails_at = {"'a.example.com'"}
    contribute_domains(store, "a.example.com", "b.example.com")
    endings = [run(store, feed).ending for _ in range(4)]
    assert endings == ["failed", "failed", "done", "done"]
    assert any(b"b.example.com" in item.body for _, item in feed.given)
    with store.read() as tx:
        assert feed_state.count_dead_letters(tx) == {"f": 1}
