"""Moments in the store's format: whole microseconds since the epoch, and their RFC 3339 text."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from schemas import timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


def now() -> int:
    """Return the time in microseconds since the epoch."""
    return timestamp.nanoseconds() // 1000


def micros(moment: datetime) -> int:
    """Count the microseconds from the epoch to an aware ``moment``, without rounding."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds


def moment(value: int) -> datetime:
    """Return microseconds since the epoch as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=value)


@lru_cache(maxsize=4096)
def parse(text: str) -> int:
    """Parse any RFC 3339 timestamp. Digits beyond the microsecond are cut; a leap second becomes the next second.

    Raises ``ValueError`` for other text.
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
    """Format microseconds since the epoch with all six digits, as TAXII's timestamps require."""
    seconds, fraction = divmod(value, _SECOND)
    return f"{_clock(seconds)}.{fraction:06}Z"


def stix_stamp(value: int) -> str:
    """Format a version as STIX does: milliseconds, and microseconds only if they are not zero."""
    seconds, fraction = divmod(value, _SECOND)
    return f"{_clock(seconds)}.{fraction:06}Z" if fraction % 1000 else f"{_clock(seconds)}.{fraction // 1000:03}Z"


def stamps(values: Iterable[int]) -> list[str]:
    """Return the result of ``stamp`` for each value. Thousands of a manifest share a few seconds."""
    written = []
    begin = end = 0
    clock = ""
    for value in values:
        if not begin <= value < end:
            seconds = value // _SECOND
            begin, clock = seconds * _SECOND, _clock(seconds)
            end = begin + _SECOND
        # A leading seventh digit preserves the zeros of the six.
        written.append(f"{clock}.{str(value - begin + _SECOND)[1:]}Z")
    return written


def stix_stamps(values: Iterable[int]) -> list[str]:
    """Return the result of ``stix_stamp`` for each value."""
    return [text if text[-4:-1] != "000" else f"{text[:-4]}Z" for text in stamps(values)]


@lru_cache(maxsize=4096)
def _clock(seconds: int) -> str:
    return moment(seconds * _SECOND).replace(tzinfo=None).isoformat()
