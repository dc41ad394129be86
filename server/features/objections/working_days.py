"""The date by which an objection is answered: working days of the hub's country, in the hub's time zone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_SATURDAY = 5


@dataclass(frozen=True)
class WorkingDays:
    """A number of working days; ``country`` is an ISO 3166-1 alpha-2 code, empty for a hub without a country."""

    days: int = 15
    zone: tzinfo = UTC
    country: str = ""

    def last_second(self, begun: datetime) -> datetime:
        """Return the last second of the last working day after ``begun``."""
        day, left = begun.astimezone(self.zone).date(), self.days
        is_holiday = _holidays(self.country)
        while left > 0:
            day += timedelta(days=1)
            left -= day.weekday() < _SATURDAY and not is_holiday(day)
        return datetime.combine(day, time(23, 59, 59), self.zone).astimezone(UTC)

    def day_of(self, due: datetime) -> str:
        """Return the date of a promised moment in the hub's time zone, as 2026-12-18."""
        return due.astimezone(self.zone).date().isoformat()


def _holidays(country: str) -> Callable[[date], bool]:
    """Return a test for public holidays; a country unknown to the library has none."""
    import holidays  # takes half a second, which only objections need

    if country not in holidays.list_supported_countries(include_aliases=False):
        return lambda day: False
    return holidays.country_holidays(country).__contains__
