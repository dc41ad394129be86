"""An objection is answered by the end of a working day in the hub's country and time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from server.features.objections.working_days import WorkingDays

BANGKOK, NEW_YORK = ZoneInfo("Asia/Bangkok"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("begun", "rule", "due", "day"),
    [
        # A Thursday, a Friday and a Saturday: weekends do not count.
        ("2026-11-26T09:00", WorkingDays(1), "2026-11-27T23:59:59", "2026-11-27"),
        ("2026-11-27T09:00", WorkingDays(1), "2026-11-30T23:59:59", "2026-11-30"),
        ("2026-11-28T09:00", WorkingDays(1), "2026-11-30T23:59:59", "2026-11-30"),
        # The day ends in the hub's time zone. An evening in UTC is the next day in Bangkok.
        ("2026-11-26T09:00", WorkingDays(1, BANGKOK), "2026-11-27T16:59:59", "2026-11-27"),
        ("2026-11-26T18:00", WorkingDays(1, BANGKOK), "2026-11-30T16:59:59", "2026-11-30"),
        ("2026-11-26T09:00", WorkingDays(1, NEW_YORK), "2026-11-28T04:59:59", "2026-11-27"),
        # Monday 7 December 2026 replaces Father's Day, a Saturday. Thursday the 10th is Constitution Day.
        ("2026-12-04T09:00", WorkingDays(1, BANGKOK, "TH"), "2026-12-08T16:59:59", "2026-12-08"),
        ("2026-12-04T09:00", WorkingDays(3, BANGKOK, "TH"), "2026-12-11T16:59:59", "2026-12-11"),
        # A country code that does not exist has no known holidays.
        ("2026-12-04T09:00", WorkingDays(1, BANGKOK, "QQ"), "2026-12-07T16:59:59", "2026-12-07"),
    ],
)
def test_the_promised_day_is_a_working_day(begun: str, rule: WorkingDays, due: str, day: str) -> None:
    last = rule.last_second(datetime.fromisoformat(begun).replace(tzinfo=UTC))
    assert last == datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert rule.day_of(last) == day
