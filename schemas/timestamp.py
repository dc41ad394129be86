"""Points in time: UTC, to the millisecond, as STIX 2.1 writes them; the program's clock; time zones."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainSerializer

from schemas.errors import Rejected

# Nanoseconds since the epoch; None: the machine's clock. Each thread has its own.
_PLAYED: ContextVar[int | None] = ContextVar("played-time", default=None)


def nanoseconds() -> int:
    """Return the time in nanoseconds since the epoch."""
    played = _PLAYED.get()
    return time.time_ns() if played is None else played


@contextmanager
def frozen_at(moment: datetime) -> Iterator[None]:
    """Let it be ``moment`` in this thread, and stand still."""
    token = _PLAYED.set(int(moment.timestamp() * 1_000_000) * 1_000)
    try:
        yield
    finally:
        _PLAYED.reset(token)


# A duration as people write it: 30m, 4h, 10d.
DURATION = "[1-9][0-9]{0,3}[mhd]"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{13}")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})")
_WITHOUT_OFFSET = -len("+00:00")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


# A file, or a page of a peer, repeats few times often.
@lru_cache(maxsize=4096)
def parse(text: str) -> datetime:
    """Return the time that RFC 3339, an ISO date (its midnight), or seconds or milliseconds since the epoch name.

    Without an offset it is UTC. Fractions beyond milliseconds are cut. Raises ``Rejected`` for any other text.
    """
    text = text.strip()
    try:
        if _EPOCH.fullmatch(text):
            seconds = float(text) / (1000 if len(text) == 13 else 1)
            moment = datetime.fromtimestamp(seconds, UTC)
        elif _DATE.match(text):
            moment = datetime.fromisoformat(text.upper())
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        else:
            raise ValueError(text)
        return to_millisecond(moment)
    except (ValueError, OverflowError):
        raise Rejected(
            "time-form", "not a time: write it as 2026-01-31T08:00:00Z, as a date, or as seconds since 1970"
        ) from None


def to_millisecond(moment: datetime) -> datetime:
    """Return ``moment`` in UTC, cut to the millisecond. Raises ``ValueError`` without an offset or a sane year."""
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset from UTC")
    moment = moment.astimezone(UTC)
    if not _EARLIEST <= moment <= _LATEST:
        raise ValueError("a time before 1970 or after the year 9000")
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def text(moment: datetime) -> str:
    """Return ``moment`` as ``2026-01-31T08:00:00.000Z``."""
    # Several times as fast as strftime, which would take most of the time of writing an object.
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="milliseconds")[:_WITHOUT_OFFSET] + "Z"


def duration(written: str) -> timedelta | None:
    """Return a duration such as 30m, 4h or 10d; None if the text is not one."""
    written = written.strip()
    return timedelta(**{_UNITS[written[-1]]: int(written[:-1])}) if re.fullmatch(DURATION, written) else None


def moment_or_duration(written: str) -> datetime:
    """Return a moment that is written as a time, or as a duration from now, such as 3d. Raises ``Rejected``."""
    found = duration(written)
    return parse(written) if found is None else now() + found


def now() -> datetime:
    """Return the present time, to the millisecond."""
    return _EARLIEST + timedelta(milliseconds=nanoseconds() // 1_000_000)


def _read(value: Any) -> datetime:
    if isinstance(value, datetime):
        return to_millisecond(value)
    if isinstance(value, str):
        try:
            return parse(value)
        except Rejected as refusal:
            raise ValueError(refusal.message) from None
    raise ValueError("a time is written as text")


Timestamp = Annotated[datetime, BeforeValidator(_read), PlainSerializer(text, return_type=str, when_used="json")]


_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_MOST_HOURS = 14
# Abbreviations that mean one offset wherever they are used; CST, IST, BST and EST do not.
_SHORT = {"ICT": 7, "WIB": 7, "WITA": 8, "WIT": 9, "SGT": 8, "MYT": 8, "PHT": 8, "HKT": 8, "JST": 9, "KST": 9, "CET": 1}


class UnknownZone(ValueError):
    """No time zone has that name."""


def find_zone(name: str) -> tzinfo:
    """Return the time zone that ``name`` means: ``Asia/Bangkok``, ``+07:00``, ``UTC``. Raises ``UnknownZone``."""
    text = name.strip()
    if text.upper() in ("UTC", "Z", "GMT"):
        return UTC
    if (found := find_offset(text)) is not None:
        return found
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(
            f"there is no time zone {name!r}: write it as Asia/Bangkok, or as an offset from UTC such as +07:00"
        ) from None


def find_offset(text: str) -> timezone | None:
    """Return the offset that ``text`` means (``+07:00``, ``UTC+7``, ``ICT``), None if it means none."""
    if text.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if (hours := _SHORT.get(text.upper())) is not None:
        return timezone(timedelta(hours=hours))
    if (found := _OFFSET.fullmatch(text)) is None or int(found[2]) > _MOST_HOURS:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(-offset if found[1] == "-" else offset)
