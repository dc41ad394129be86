"""When feeds run: at intervals or by cron, each by itself, one run at a time."""

import logging
import random
import re
import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from feeds.connector import Connector, FeedSettings, Misconfigured, duration
from feeds.runner import run
from server.store import Store

_log = logging.getLogger(__name__)

_THREADS = 16
_JITTER = 30.0
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=1)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_RANGE = re.compile(r"(\*|[0-7a-z]+)(?:-([0-7a-z]+))?(?:/(\d+))?", re.IGNORECASE)


class Schedule:
    """Runs feeds in threads of their own while it is entered; leaving it waits for the batches under way.

    A feed that has to try later waits twice as long each time, up to an hour, and a part of that by chance; one that
    is misconfigured stops until the schedule is started again. Feeds without a time are left alone.
    """

    def __init__(self, store: Store, feeds: Sequence[Connector[FeedSettings]]) -> None:
        """Plan the runs. Raises ``Misconfigured`` for a time that is none."""
        self._store = store
        self._stop = threading.Event()
        self._failures: dict[str, int] = {}
        self._scheduler: Any = BackgroundScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(max(1, min(len(feeds), _THREADS)))}
        )
        for feed in feeds:
            self._plan(feed)

    def __enter__(self) -> Self:
        """Begin."""
        self._scheduler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, between two batches of each run."""
        self._stop.set()
        self._scheduler.shutdown(wait=True)

    def next_runs(self) -> dict[str, datetime | None]:
        """Say when each feed runs next, None for one that has stopped."""
        return {job.id: job.next_run_time for job in self._scheduler.get_jobs()}

    def _plan(self, feed: Connector[FeedSettings]) -> None:
        settings = feed.settings
        more: dict[str, Any] = {}
        if settings.every:
            gap = duration(settings.every).total_seconds()
            trigger = IntervalTrigger(seconds=gap, jitter=min(gap / 10, _JITTER), timezone=UTC)
            more["next_run_time"] = datetime.now(UTC)
        elif settings.cron:
            trigger = _cron(settings.name, settings.cron)
        else:
            return
        self._scheduler.add_job(
            self._run_once,
            trigger,
            args=[feed],
            id=settings.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            **more,
        )

    def _run_once(self, feed: Connector[FeedSettings]) -> None:
        name = feed.settings.name
        result = run(self._store, feed, stop=self._stop)
        if self._stop.is_set():
            return
        if result.ending == "misconfigured":
            self._scheduler.pause_job(name)
            _log.error("feed stopped feed=%s error=%s", name, result.error)
        elif result.error is not None:
            self._failures[name] = self._failures.get(name, 0) + 1
            self._wait(name, self._failures[name])
        else:
            self._failures.pop(name, None)

    def _wait(self, name: str, failures: int) -> None:
        """Put the next run off, where it would come sooner than the other side can be expected to recover."""
        longest = min(_FIRST_WAIT * 2 ** min(failures - 1, 16), _LONGEST_WAIT)
        earliest = datetime.now(UTC) + longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
        planned = self._scheduler.get_job(name).next_run_time
        if planned is None or planned < earliest:
            self._scheduler.modify_job(name, next_run_time=earliest)


def run_until_stopped(store: Store, feeds: Sequence[Connector[FeedSettings]]) -> None:
    """Run ``feeds`` on their schedules until SIGINT or SIGTERM; call it from the main thread."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Schedule(store, feeds):
            stopped.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _cron(feed: str, text: str) -> CronTrigger:
    minute, hour, day, month, weekday = text.split()
    try:
        return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday), timezone=UTC)
    except ValueError as error:
        raise Misconfigured(f"feed {feed}: cron: {error}") from error


def _weekdays(field: str) -> str:
    """Spell cron's days of the week as names: cron counts from Sunday, APScheduler from Monday."""
    if field == "*":
        return field
    days: set[int] = set()
    for part in field.split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            raise ValueError(f"no day of the week: {part}")
        first, last, step = found.groups()
        start = 0 if first == "*" else _day(first)
        end = 6 if first == "*" or (step and last is None) else _day(last) if last else start
        days.update(day % 7 for day in range(start, end + 1 if end >= start else end + 8, int(step or 1)))
    return ",".join(_DAYS[day] for day in sorted(days))


def _day(text: str) -> int:
    if text.isdecimal():
        return int(text) % 7
    if text.lower() not in _DAYS:
        raise ValueError(f"no day of the week: {text}")
    return _DAYS.index(text.lower())
