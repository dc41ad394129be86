"""Points in time: UTC, to the millisecond, as STIX 2.1 writes them."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from schemas import clock
from schemas.errors import Rejected

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


def now() -> datetime:
    """Return the present time, to the millisecond."""
    return _EARLIEST + timedelta(milliseconds=clock.nanoseconds() // 1_000_000)


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
