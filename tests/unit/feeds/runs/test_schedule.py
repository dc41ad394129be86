"""When feeds run: interval and cron, no overlapping runs, delay after errors, and stops between batches."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.schedulers.base import STATE_STOPPED

from feeds.connector import (
    Connector,
    FeedSettings,
    Misconfigured,
    Secret,
    TryLater,
    duration,
)
from feeds.runs.due import cron_trigger
from feeds.runs.run import SharedPages
from feeds.runs.schedule import Schedule, carry_out
from server.features.feeds import orders
from server.features.feeds.orders import FeedOrder, OrderAction
from server.release.hub import Hub
from server.store import Store, feed_state
from server.store.database.times import now
from server.store.feed_state import FeedState
from tests.unit.feeds.ticking import Ticking, furnish, next_runs, pull_settings as settings, until


@pytest.fixture
def store(migrated_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    furnish(opened)
    yield opened
    opened.close()


def test_a_feed_runs_at_once_and_then_at_its_intervals(store: Store) -> None:
    feed = Ticking(settings(every="50ms"), lambda _: None)
    with Schedule(Hub(store), [feed]):
        until(lambda: feed.ticks >= 3)
    assert feed.most == 1


def test_a_run_that_takes_longer_than_its_interval_runs_alone(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    feed = Ticking(settings(every="20ms"), lambda _: time.sleep(0.15))
    with Schedule(Hub(store), [feed]):
        until(lambda: feed.ticks >= 3)
    assert feed.most == 1


def test_stop_takes_effect_between_batches_and_keeps_the_checkpoint(store: Store) -> None:
    begun = threading.Event()
    feed = Ticking(settings(every="1h"), lambda _: (begun.set(), time.sleep(0.05))[1], batches=100_000)
    with Schedule(Hub(store), [feed]):
        assert begun.wait(60)
    assert 1 <= feed.ticks < 100_000
    with store.read() as tx:
        assert feed_state.load_checkpoint(tx, "f") == {"ticks": feed.ticks}


def test_stop_while_a_run_begins_is_no_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    raised = list[object]()
    monkeypatch.setattr(threading, "excepthook", raised.append)
    submit = BaseExecutor.submit_job

    def submit_slowly(self: BaseExecutor, job: Job, run_times: list[datetime]) -> None:
        submit(self, job, run_times)
        if job.id == "f":
            begun.set()
            # Long enough for a stop that does not wait.
            for _ in range(50):
                if schedule._scheduler.state != STATE_STOPPED:
                    time.sleep(0.01)

    monkeypatch.setattr(BaseExecutor, "submit_job", submit_slowly)
    feed = Ticking(settings(every="1h"), lambda _: None)
    with Schedule(Hub(store), [feed]) as schedule:
        assert begun.wait(60)
    assert not raised


def fails(error: Exception) -> Callable[[int], None]:
    def each(_: int) -> None:
        raise error

    return each


@pytest.mark.parametrize("error", [TryLater("away"), RuntimeError("own fault")])
def test_feed_waits_longer_after_each_error(store: Store, error: Exception) -> None:
    feed = Ticking(settings(every="100ms"), fails(error))
    with Schedule(Hub(store), [feed]) as schedule:
        until(lambda: feed.ticks >= 1 and (next_runs(schedule)["f"] or datetime.now(UTC)) > _in(10))
        first = next_runs(schedule)["f"]
        assert first is not None
        assert first < _in(31)
    assert feed.ticks == 1


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_misconfigured_feed_stops_and_the_others_continue(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    wrong = Ticking(settings(name="wrong", every="50ms"), fails(Misconfigured("no such user")))
    right = Ticking(settings(name="right", every="50ms"), lambda _: None)
    with Schedule(Hub(store), [wrong, right]) as schedule:
        until(lambda: right.ticks >= 4)
        assert wrong.ticks == 1
        assert next_runs(schedule)["wrong"] is None
    assert "feed stopped feed=wrong error=misconfigured: no such user" in caplog.text


@pytest.mark.long_but("None")
@pytest.mark.parametrize("every", ["1h", None])
def test_person_orders_a_run_and_a_dry_run(store: Store, every: str | None) -> None:
    feed = Ticking(settings(every=every), lambda _: None)

    def ordered(action: OrderAction) -> FeedOrder:
        with store.begin() as tx:
            orders.give(tx, "f", action, "Somsri")

        def found() -> FeedOrder | None:
            with store.read() as tx:
                return orders.find(tx, "f")

        until(lambda: (order := found()) is not None and order.ended is not None)
        order = found()
        assert order is not None
        return order

    with store.begin() as tx:
        feed_state.save_state(tx, FeedState("f", started=now(), stopped=now() + 10_000_000, failures=9))
    with Schedule(Hub(store), [feed]):
        assert ordered("dry-run").result == {"read": 1, "accepted": 0, "rejected": 0, "reasons": {}, "error": None}
        with store.read() as tx:
            assert feed_state.load_checkpoint(tx, "f") is None
            assert feed_state.load_state(tx, "f").stopped
        assert (ordered("run").result or {})["error"] is None
        with store.read() as tx:
            assert feed_state.load_checkpoint(tx, "f") == {"ticks": feed.ticks}
            assert feed_state.load_state(tx, "f").failures == 0
        assert (ordered("retry").result or {})["tried"] == 0


def test_failing_order_ends(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a value")

    monkeypatch.setattr("feeds.runs.schedule.retry_feed", broken)
    with store.begin() as tx:
        orders.give(tx, "f", "retry", "Somsri")
    feed = Ticking(settings(), lambda _: None)
    assert carry_out(Hub(store), feed, stop=threading.Event(), pages=SharedPages())
    assert not carry_out(Hub(store), feed, stop=threading.Event(), pages=SharedPages())
    with store.read() as tx:
        found = orders.find(tx, "f")
    assert found is not None
    assert found.result == {"error": "unexpected RuntimeError: see the log"}


def test_feed_without_a_schedule_does_not_run(store: Store) -> None:
    feed = Ticking(settings(), lambda _: None)
    with Schedule(Hub(store), [feed]) as schedule:
        assert next_runs(schedule) == {}
    assert feed.ticks == 0


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("*/15 * * * *", "2026-01-01 00:15"),  # 2026-01-01 is a Thursday
        ("0 9 * * 0", "2026-01-04 09:00"),
        ("0 9 * * 7", "2026-01-04 09:00"),
        ("0 9 * * 1", "2026-01-05 09:00"),
        ("0 9 * * 1-5", "2026-01-01 09:00"),
        ("0 9 * * 6-7", "2026-01-03 09:00"),
        ("0 9 * * sat-sun", "2026-01-03 09:00"),
        ("0 9 * * fri-mon", "2026-01-02 09:00"),
        ("0 9 * * 5/2", "2026-01-02 09:00"),
        ("0 9 * * */3", "2026-01-03 09:00"),
        ("0 9 * * mon,wed", "2026-01-05 09:00"),
        ("30 8 15 * *", "2026-01-15 08:30"),
    ],
)
def test_cron_expressions_have_cron_semantics(text: str, fires: str) -> None:
    trigger = cron_trigger("f", text)
    at = trigger.get_next_fire_time(None, datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert at == datetime.fromisoformat(fires).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["61 * * * *", "* * * * 8", "* * * * someday", "x * * * *"])
def test_malformed_schedule_is_refused_before_any_run(store: Store, text: str) -> None:
    feed: Connector[FeedSettings] = Ticking(settings(cron=text), lambda _: None)
    with pytest.raises(Misconfigured, match="feed f: cron: "):
        Schedule(Hub(store), [feed])


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("1.5h", 5400), ("1d", 86400), ("250ms", 0.25)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "0s", "-1s", "5 m", "5w", "٥m"])
def test_malformed_durations(text: str) -> None:
    if text == "٥m":
        assert duration(text).total_seconds() == 300
        return
    with pytest.raises(ValueError, match="not a duration"):
        duration(text)


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from file\n")
    monkeypatch.setenv("A_SECRET", "from environment")
    assert Secret.model_validate({"env": "A_SECRET"}).reveal() == "from environment"
    assert Secret.model_validate({"file": str(tmp_path / "secret")}).reveal() == "from file"
    for missing in ({"env": "NO_SUCH_SECRET"}, {"file": str(tmp_path / "none")}):
        with pytest.raises(Misconfigured, match="the secret in the "):
            Secret.model_validate(missing).reveal()


SCRIPT = """
import sys, threading
from feeds.runs.schedule import run_until_stopped
from server.release.hub import Hub
from server.store import Store

class Stopped(threading.Event):
    def wait(self, timeout=None):
        print("ready", flush=True)
        return super().wait(timeout)

run_until_stopped(Hub(Store.open(sys.argv[1])), [], orphaned=Stopped())
print("ended", flush=True)
"""


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_schedule_in_order(tmp_path: Path, number: signal.Signals) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, f"sqlite:///{tmp_path / 'x.db'}"], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    with started:
        assert started.stdout.readline() == "ready\n"
        started.send_signal(number)
        assert started.stdout.read().endswith("ended\n")
        assert started.wait(60) == 0
