"""When a feed is due: the same answer on every node, from how the feed stands in the database."""

import re
import zlib
from datetime import UTC

from apscheduler.triggers.cron import CronTrigger

from feeds.connector import FeedSettings, Misconfigured, duration
from server.store.feed_state import FeedState
from server.store.times import micros, moment

_SECOND = 1_000_000
_JITTER = 30.0
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_RANGE = re.compile(r"(\*|[0-7a-z]+)(?:-([0-7a-z]+))?(?:/(\d+))?", re.IGNORECASE)


def due(settings: FeedSettings, state: FeedState, since: int) -> int | None:
    """Say when the feed runs next (microseconds by the database's clock), None for one that does not by itself.

    ``since`` is when its configuration was read: a feed that stopped before is tried anew, and the times of cron
    count from then where it never ran. A run that was cut short leaves the feed due.
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
        fires = cron(settings.name, settings.cron).get_next_fire_time(last, last)
        at = micros(fires)
    else:
        return None
    return max(at, state.retry_at)


def _jitter(feed: str, state: FeedState, gap: float) -> float:
    """Spread feeds of one interval over it; by chance, but for all nodes the same."""
    chance = zlib.crc32(f"{feed} {state.started}".encode()) / 0xFFFFFFFF
    return (2 * chance - 1) * min(gap / 10, _JITTER)


def cron(feed: str, text: str) -> CronTrigger:
    """Read five fields of cron, in UTC. Raises ``Misconfigured``."""
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
