"""Runs feeds on their schedules: on any number of nodes, each feed on one of them at a time."""

import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from feeds.connector import Connector, FeedSettings, Misconfigured
from feeds.runs.due import CollectionGrowth, cron_trigger, due_at
from feeds.runs.retry import retry_feed
from feeds.runs.run import SharedPages, lease_run
from feeds.runs.runner import run
from feeds.transport.change_streams import ChangeStream
from server.features.feeds import orders
from server.release.hub import Hub
from server.store import StoreUnavailable, Tx, feed_state
from server.store.database import sql
from server.store.feed_state import FeedState, LeaseHolder
from server.store.liveness import heartbeats

_log = logging.getLogger(__name__)

Feeds = Sequence[Connector[FeedSettings]]

# Many feeds may wait for peers that do not answer at the same time.
_THREADS = 64
_LOOK_SECONDS = 1.0
_EAGER_SECONDS = 0.2
_REREAD_SECONDS = 2.0
_MICROS = 1_000_000
# The clocks of two machines may differ by this much.
_SAME = timedelta(milliseconds=20)


@dataclass
class _Planned:
    """A feed, since when it is planned (the database's clock), and the event that ends its run."""

    feed: Connector[FeedSettings]
    since: int
    stop: threading.Event = field(default_factory=threading.Event)
    running: bool = False
    # The peer's stream of changes, and whether it has announced one since the last run.
    changes: ChangeStream | None = None
    rung: threading.Event = field(default_factory=threading.Event)
    # None: stopped until a person has corrected something.
    next: datetime | None = None


class Schedule:
    """Runs feeds in threads while it is entered; leaving it waits for the batches under way.

    Any number of nodes may share one database. A feed is due by the database's clock and its last run, and the first
    node to lease it runs it. If a node dies, another continues its run within seconds. A feed that must try later waits
    twice as long each time. A misconfigured feed stops until its configuration changes or the schedule restarts.
    A feed without a schedule runs only when a person orders a run.
    """

    def __init__(
        self, hub: Hub, feeds: Feeds, *, reread: Callable[[], Feeds | None] = lambda: None, eager: bool = False
    ) -> None:
        """Plan the runs. Raises ``Misconfigured`` for a bad schedule.

        ``reread`` is called every few seconds for changed feeds, and returns None without a change. ``eager`` looks for
        new objects to push five times as often.
        """
        self._hub = hub
        self._store = hub.store
        self._reread = reread
        self._pages = SharedPages()
        self._added = CollectionGrowth()
        self._feeds: dict[str, _Planned] = {}
        self._changing = threading.RLock()
        self._over = False
        self._looked = self._asked = 0.0
        self._beaten = -heartbeats.SECONDS
        self._had_work = False
        self._every = _EAGER_SECONDS if eager else _LOOK_SECONDS
        self._scheduler: Any = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(_THREADS), "look": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._take(feeds)

    def __enter__(self) -> Self:
        self._scheduler.start()
        now = datetime.now(UTC)
        look = IntervalTrigger(seconds=self._every, timezone=UTC)
        self._scheduler.add_job(self._look, look, executor="look", next_run_time=now)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop each run between two batches."""
        with self._changing:
            self._over = True
            for planned in self._feeds.values():
                _end(planned)
        # A run that begins during the shutdown would end the scheduler's thread with an error. After a pause none
        # begins, and listing the jobs waits for those that begin now.
        self._scheduler.pause()
        self._scheduler.get_jobs()
        self._scheduler.shutdown(wait=True)

    def _take(self, feeds: Feeds) -> None:
        """Plan exactly ``feeds``; a feed with unchanged settings is not interrupted."""
        for feed in feeds:
            if feed.settings.cron:
                cron_trigger(feed.settings.name, feed.settings.cron)
        with self._store.read() as tx:
            now = sql.database_time(tx)
        with self._changing:
            wanted = {feed.settings.name: feed for feed in feeds}
            for name, planned in list(self._feeds.items()):
                new = wanted.get(name)
                if new is None or new.settings != planned.feed.settings:
                    _end(planned)
                    del self._feeds[name]
            for name, feed in wanted.items():
                if name not in self._feeds:
                    planned = self._feeds[name] = _Planned(feed, now)
                    planned.changes = feed.follow(planned.rung.set) if _has_time(feed) else None

    def _look(self) -> None:
        """Look for changes: the configuration, the log, the feeds' states, dead nodes."""
        now = time.monotonic()
        try:
            if now - self._asked >= _REREAD_SECONDS:
                self._asked = now
                self._read_again()
            if now - self._beaten >= heartbeats.SECONDS:
                self._beat()
                self._beaten = now
            with self._store.read() as tx:
                news = self._added.look(tx, [planned.feed for planned in self._feeds.values()])
            if news or now - self._looked >= _LOOK_SECONDS * 0.9:
                self._looked = now
                self._plan(list(self._feeds))
                self._look_for_orders()
        except StoreUnavailable as error:
            _log.warning("schedule waits for the database cause=%s", error)

    def _look_for_orders(self) -> None:
        """Begin the runs ordered by people for the feeds of this schedule."""
        with self._store.read() as tx:
            waiting = orders.waiting(tx)
        for name in waiting:
            with self._changing:
                planned = self._feeds.get(name)
                if planned is not None and not planned.running and not self._over:
                    self._scheduler.add_job(
                        self._with, args=[name, self._carry_out], id=f"order of {name}", replace_existing=True
                    )

    def _beat(self) -> None:
        """Record that the schedule works; a schedule without feeds to run is not monitored."""
        has_work = any(_has_time(planned.feed) for planned in self._feeds.values())
        if has_work or self._had_work:
            with self._store.begin(in_passing=True) as tx:
                if has_work:
                    heartbeats.beat(tx, "schedule")
                else:
                    heartbeats.forget(tx, "schedule")
        self._had_work = has_work

    def _read_again(self) -> None:
        feeds = self._reread()
        if feeds is None:
            return
        try:
            self._take(feeds)
        except Misconfigured as error:
            _log.error("configuration rejected, the old one stays in force error=%s", error)
        else:
            _log.info("configuration loaded feeds=%d", len(feeds))

    def _plan(self, names: Sequence[str]) -> None:
        with self._store.read() as tx:
            states, held, now = feed_state.all_states(tx), feed_state.lease_holders(tx), sql.database_time(tx)
            with self._changing:
                for name in names:
                    planned = self._feeds.get(name)
                    if planned is not None and not planned.running and not self._over and _has_time(planned.feed):
                        self._plan_one(tx, planned, states.get(name, FeedState(name)), held.get(name), now)

    def _plan_one(self, tx: Tx, planned: _Planned, state: FeedState, held: LeaseHolder | None, now: int) -> None:
        name = planned.feed.settings.name
        at = self._due(tx, planned, state, now)
        if at is None:
            planned.next = None
            if self._scheduler.get_job(name):
                self._scheduler.remove_job(name)
            return
        if held is not None:
            # Check again when the node that runs it should have renewed its lease, or is dead.
            at = max(at, held.until + int(random.uniform(0, 0.2) * _MICROS))  # noqa: S311 - spreads load, guards nothing
        before, planned.next = planned.next, datetime.now(UTC) + timedelta(microseconds=max(0, at - now))
        if before and abs(planned.next - before) < _SAME and self._scheduler.get_job(name):
            return
        trigger = DateTrigger(planned.next)
        self._scheduler.add_job(self._with, trigger, args=[name, self._run], id=name, replace_existing=True)

    def _due(self, tx: Tx, planned: _Planned, state: FeedState, now: int) -> int | None:
        at = due_at(planned.feed.settings, state, planned.since)
        if at is not None and at > now and (planned.rung.is_set() or self._added.waits(tx, planned.feed)):
            return max(now, state.retry_at)
        return at

    def _with(self, name: str, work: Callable[[_Planned], None]) -> None:
        """Do some work for a feed that is not running here, and plan its next run."""
        with self._changing:
            planned = self._feeds.get(name)
            if planned is None or planned.running or self._over:
                return
            planned.running = True
        try:
            work(planned)
        except StoreUnavailable as error:
            _log.warning("feed waits for the database feed=%s cause=%s", name, error)
        finally:
            with self._changing:
                planned.running = False
        # If the database is unavailable, the next look plans it.
        with suppress(StoreUnavailable):
            self._plan([name])

    def _run(self, planned: _Planned) -> None:
        def when(tx: Tx, state: FeedState) -> bool:
            now = sql.database_time(tx)
            at = self._due(tx, planned, state, now)
            return at is not None and at <= now

        lease = lease_run(self._store, planned.feed.settings.name, when)
        # A change during the run asks for another run. Another node that leased it was told, too.
        planned.rung.clear()
        if lease is None:
            return
        result = run(self._hub, planned.feed, stop=planned.stop, lease=lease, pages=self._pages)
        if result.ending == "misconfigured":
            with self._store.read() as tx:
                state = feed_state.load_state(tx, result.feed)
            if state.stopped is not None:
                _log.error("feed stopped feed=%s error=%s", result.feed, result.error)

    def _carry_out(self, planned: _Planned) -> None:
        carry_out(self._hub, planned.feed, stop=planned.stop, pages=self._pages)


def run_until_stopped(
    hub: Hub,
    feeds: Feeds,
    *,
    reread: Callable[[], Feeds | None] = lambda: None,
    eager: bool = False,
    orphaned: threading.Event | None = None,
) -> None:
    """Run ``feeds`` on their schedules until SIGINT, SIGTERM or ``orphaned``; call it from the main thread."""
    stopped = orphaned or threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Schedule(hub, feeds, reread=reread, eager=eager):
            # A signal delivered to another thread does not interrupt a wait, so this thread has to poll.
            while not stopped.wait(1):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(planned: _Planned) -> None:
    planned.stop.set()
    if planned.changes is not None:
        planned.changes.stop()


def _has_time(feed: Connector[FeedSettings]) -> bool:
    return bool(feed.settings.every or feed.settings.cron)


_MOST_REASONS = 50


def carry_out(hub: Hub, feed: Connector[FeedSettings], *, stop: threading.Event, pages: SharedPages) -> bool:
    """Carry out the order for ``feed``, and record the result; returns False if another schedule took it."""
    name = feed.settings.name
    with hub.store.begin() as tx:
        order = orders.take(tx, name)
    if order is None:
        return False
    _log.info("order begun feed=%s action=%s", name, order.action)
    try:
        if order.action == "retry":
            result: Mapping[str, Any] = asdict(retry_feed(hub, feed, everything=True))
        else:
            result = _run(hub, feed, stop, pages, dry_run=order.action == "dry-run")
    except Exception as error:  # noqa: BLE001 - an order always ends, and the schedule continues
        _log.exception("order failed feed=%s", name)
        result = {"error": f"unexpected {type(error).__name__}: see the log"}
    with hub.store.begin() as tx:
        orders.end(tx, order, result)
    return True


def _run(
    hub: Hub, feed: Connector[FeedSettings], stop: threading.Event, pages: SharedPages, *, dry_run: bool
) -> Mapping[str, Any]:
    if not dry_run:
        # A waiting or stopped feed starts over, as if it had not failed.
        with hub.store.begin() as tx:
            feed_state.clear_failures(tx, feed.settings.name)
    done = run(hub, feed, dry_run=dry_run, stop=stop, pages=pages)
    counts = {name: getattr(done, name) for name in ("read", "accepted", "rejected", "error")}
    return counts | {"reasons": dict(done.reasons.most_common(_MOST_REASONS))}
