"""Times are read in the forms used in files, and written in one form."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from schemas import timestamp
from schemas.errors import Rejected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00.000Z"),
        ("2026-01-31t08:00:00.123456z", "2026-01-31T08:00:00.123Z"),
        ("2026-01-31 08:00:00+07:00", "2026-01-31T01:00:00.000Z"),
        ("2026-01-31T08:00:00", "2026-01-31T08:00:00.000Z"),
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("1773159201", "2026-03-10T16:13:21.000Z"),
        ("1775368180356", "2026-04-05T05:49:40.356Z"),
    ],
)
def test_a_time_is_read(written: str, meant: str) -> None:
    assert timestamp.text(timestamp.parse(written)) == meant


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "31.01.2026",
        "2026-13-01",
        "12",
        "2026-01-31T25:00:00Z",
        "9999-12-31",
        "1969-12-31",
        "0001-01-01",
        "-100000000",
    ],
)
def test_malformed_time_is_refused(written: str) -> None:
    with pytest.raises(Rejected, match="time-form"):
        timestamp.parse(written)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(8000, 1, 1)), st.integers(-12 * 60, 12 * 60))  # noqa: DTZ001 - the offset follows
def test_written_time_is_read_back(moment: datetime, offset: int) -> None:
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    written = timestamp.text(moment)
    assert timestamp.text(timestamp.parse(written)) == written
    assert timestamp.parse(written) == timestamp.to_millisecond(moment)


def test_a_naive_time_is_no_point_in_time() -> None:
    with pytest.raises(ValueError, match="offset"):
        timestamp.to_millisecond(datetime(2026, 1, 1))  # noqa: DTZ001 - on purpose
    assert timestamp.now().tzinfo is UTC
