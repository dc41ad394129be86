from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from server.store.database import times

MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001  # made aware below
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS)
def test_a_written_moment_reads_back_to_the_microsecond(moment: datetime) -> None:
    value = times.micros(moment.replace(tzinfo=UTC))
    assert times.parse(times.stamp(value)) == value
    assert times.parse(times.stix_stamp(value)) == value
    assert times.moment(value) == moment.replace(tzinfo=UTC)


@given(st.lists(MOMENTS, max_size=5).flatmap(lambda known: st.permutations(known * 2)))
def test_bulk_writing_matches_single_writing(moments: list[datetime]) -> None:
    values = [times.micros(moment.replace(tzinfo=UTC)) for moment in moments]
    assert times.stamps(values) == [times.stamp(value) for value in values]
    assert times.stix_stamps(values) == [times.stix_stamp(value) for value in values]


@given(MOMENTS, OFFSETS)
def test_any_offset_is_the_same_moment(moment: datetime, offset: timezone) -> None:
    aware = moment.replace(tzinfo=UTC)
    if not 2 <= aware.year <= 9997:
        return
    assert times.parse(aware.astimezone(offset).isoformat()) == times.micros(aware)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-01-31t09:30:00z", "2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:00.5Z", "2026-01-31T09:30:00.500000Z"),
        ("2026-01-31T09:30:00.123456789Z", "2026-01-31T09:30:00.123456Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2026-01-31T09:30:00-00:00", "2026-01-31T09:30:00Z"),
    ],
)
def test_every_spelling_of_rfc_3339_is_read(text: str, same: str) -> None:
    assert times.parse(text) == times.parse(same)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "",
        "2026-01-31",
        "2026-01-31T09:30Z",
        "2026-01-31T09:30:00",
        "2026-02-30T00:00:00Z",
        "20260131T093000Z",
        "2026-01-31T09:30:00.Z",
        "2026-01-31T09:30:00+25:00",
        "2026-01-31T09:30:00+01:60",
        "٢٠٢٦-01-31T09:30:00Z",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # ValueError is the promise
        times.parse(text)


def test_version_without_microseconds_is_written_in_milliseconds() -> None:
    assert times.stix_stamp(times.parse("2026-01-31T09:30:00Z")) == "2026-01-31T09:30:00.000Z"
    assert times.stix_stamp(times.parse("2026-01-31T09:30:00.000001Z")) == "2026-01-31T09:30:00.000001Z"
    assert times.stamp(times.parse("2026-01-31T09:30:00Z")) == "2026-01-31T09:30:00.000000Z"
