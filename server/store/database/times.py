"""Moments as the store keeps them: whole microseconds since the epoch, and their RFC 3339 text."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from schemas import clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


def now() -> int:
    """Return the time in microseconds since the epoch."""
    return clock.nanoseconds() // 1000


def micros(moment: datetime) -> int:
    """Count the microseconds from the epoch to an aware ``moment``, without rounding."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds


def moment(value: int) -> datetime:
    """Read microseconds since the epoch as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=value)


@lru_cache(maxsize=4096)
def parse(text: str) -> int:
    """Read any RFC 3339 timestamp; digits beyond the microsecond are cut, a leap second counts as the one after.

    Raises ``ValueError`` for everything else.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 timestamp")
    day, clock, second, fraction, sign, hours, minutes = match.groups()
    leap = second == "60"
    whole = datetime.fromisoformat(f"{day}T{clock}:{'59' if leap else second}+00:00")
    base = micros(whole)
    if sign is not None:
        if int(minutes) > 59:
            raise ValueError("not an RFC 3339 timestamp")
        if int(hours) > 23:
            raise ValueError("not an RFC 3339 timestamp")
        base -= (int(hours) * 60 + int(minutes)) * 60 * _SECOND * (-1 if sign == "-" else 1)
    return base + leap * _SECOND + (int(fraction[:6].ljust(6, "0")) if fraction else 0)


def stamp(value: int) -> str:
    """Write microseconds since the epoch with all six digits, as TAXII's own timestamps have them."""
    seconds, fraction = divmod(value, _SECOND)
    return f"{_clock(seconds)}.{fraction:06}Z"


def stix_stamp(value: int) -> str:
    """Write a version as STIX does: milliseconds, and microseconds only where there are some."""
    seconds, fraction = divmod(value, _SECOND)
    return f"{_clock(seconds)}.{fraction:06}Z" if fraction % 1000 else f"{_clock(seconds)}.{fraction // 1000:03}Z"


def stamps(values: Iterable[int]) -> list[str]:
    """Return what ``stamp`` returns for each; the thousands of a manifest share a few seconds."""
    written = []
    begin = end = 0
    clock = ""
    for value in values:
        if not begin <= value < end:
            seconds = value // _SECOND
            begin, clock = seconds * _SECOND, _clock(seconds)
            end = begin + _SECOND
        # With a digit before the six, so that none of these is lost.
        written.append(f"{clock}.{str(value - begin + _SECOND)[1:]}Z")
    return written


def stix_stamps(values: Iterable[int]) -> list[str]:
    """Return what ``stix_stamp`` returns for each."""
    return [text if text[-4:-1] != "000" else f"{text[:-4]}Z" for text in stamps(values)]


@lru_cache(maxsize=4096)
def _clock(seconds: int) -> str:
    """Write whole seconds."""
    return moment(seconds * _SECOND).replace(tzinfo=None).isoformat()
