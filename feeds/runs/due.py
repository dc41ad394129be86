"""When a feed is due: on its schedule, after a failure, and when its collection has grown."""

import random
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC

from apscheduler.triggers.cron import CronTrigger

from feeds.connector import Connector, FeedSettings, Misconfigured, PushSettings, duration
from feeds.runs.run import Run
from server.store import Tx, collections, feed_state, log
from server.store.collections import UnknownCollection
from server.store.database.times import micros, moment
from server.store.feed_state import FeedState

_SECOND = 1_000_000
_JITTER = 30.0
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_RANGE = re.compile(r"(\*|[0-7a-z]+)(?:-([0-7a-z]+))?(?:/(\d+))?", re.IGNORECASE)


def due_at(settings: FeedSettings, state: FeedState, since: int) -> int | None:
    """Return when the feed runs next (microseconds by the database's clock); None for a feed without a schedule.

    ``since`` is when its configuration was read. A stopped feed is retried from then on, and the cron schedule of a
    feed that never ran starts then. A feed whose run was interrupted stays due.
    """
    if state.stopped is not None and state.stopped >= since:
        return None
    if settings.every:
        gap = duration(settings.every).total_seconds()
        at = (
            since
            if state.started is None
            else state.started + int((gap + _jitter(settings.name, state, gap)) * _SECOND)
        )
    elif settings.cron:
        last = moment(since if state.started is None else state.started)
        fires = cron_trigger(settings.name, settings.cron).get_next_fire_time(last, last)
        at = micros(fires)
    else:
        return None
    return max(at, state.retry_at)


def _jitter(feed: str, state: FeedState, gap: float) -> float:
    """Return a delay in seconds that spreads feeds of one interval; random, but the same on all nodes."""
    chance = zlib.crc32(f"{feed} {state.started}".encode()) / 0xFFFFFFFF
    return (2 * chance - 1) * min(gap / 10, _JITTER)


def cron_trigger(feed: str, text: str) -> CronTrigger:
    """Parse five cron fields, in UTC. Raises ``Misconfigured``."""
    minute, hour, day, month, weekday = text.split()
    try:
        return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday), timezone=UTC)
    except ValueError as error:
        raise Misconfigured(f"feed {feed}: cron: {error}") from error


def _weekdays(field: str) -> str:
    """Convert cron's days of the week to names: cron counts from Sunday, APScheduler from Monday."""
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


_FIRST_WAIT = 30.0
_LONGEST_WAIT = 3600.0
# Failures of a feed that used to work before a person is called: peers sometimes reject good credentials.
_TRUSTED = 3

Chance = Callable[[float, float], float]


def state_after_run(state: FeedState, run: Run, now: int, chance: Chance = random.uniform) -> FeedState:
    """Return the state of a feed after ``run``, which ended ``now``.

    Each consecutive failure doubles the wait, up to an hour, with a random part. The wait is never shorter than the
    peer asks for. A stopped run does not count: the feed stays due.
    """
    state = replace(
        state,
        runs=state.runs + 1,
        read=state.read + run.read,
        accepted=state.accepted + run.accepted,
        rejected=state.rejected + run.rejected,
    )
    if run.ending == "stopped":
        return state
    # This machine's clock measures the duration, the database's clock states the end.
    state = replace(state, started=now - (micros(run.ended) - micros(run.started)), ended=now)
    if run.error is None:
        return replace(state, succeeded=now, failures=0, retry_at=0, stopped=None)
    failures = state.failures + 1
    longest = min(_FIRST_WAIT * 2 ** min(failures - 1, 16), _LONGEST_WAIT)
    state = replace(state, failed=state.failed + 1, failures=failures)
    if run.ending == "misconfigured" and (state.succeeded is None or failures > _TRUSTED):
        return replace(state, retry_at=0, stopped=now)
    wait = max(longest * chance(0.5, 1), run.wait)
    return replace(state, retry_at=now + int(wait * _SECOND), stopped=None)


class CollectionGrowth:
    """The newest object of each collection that is pushed as it grows; one query serves all pushes."""

    def __init__(self) -> None:
        self._ends: dict[str, tuple[str, int]] = {}

    def look(self, tx: Tx, feeds: Iterable[Connector[FeedSettings]]) -> bool:
        """Query the collections; return whether one has grown since the last call."""
        ends: dict[str, tuple[str, int]] = {}
        for alias in {name for feed in feeds if (name := _watched(feed.settings)) is not None}:
            try:
                collection = collections.get(tx, alias)
            except UnknownCollection:
                continue
            newest = log.newest(tx, collection)
            if newest is not None:
                ends[alias] = collection.id, newest
        grown = any(self._ends.get(alias) != end for alias, end in ends.items())
        self._ends = ends
        return grown

    def waits(self, tx: Tx, feed: Connector[FeedSettings]) -> bool:
        """Return whether the last look-up found objects that the feed has not delivered."""
        end = self._ends.get(_watched(feed.settings) or "")
        if end is None:
            return False
        checkpoint = feed_state.load_checkpoint(tx, feed.settings.name) or {}
        return checkpoint.get("collection") != end[0] or bool(checkpoint.get("after", -1) < end[1])


def _watched(settings: FeedSettings) -> str | None:
    """Return the collection whose growth makes the feed due."""
    if isinstance(settings, PushSettings) and settings.as_added and settings.every:
        return settings.collection
    return None
