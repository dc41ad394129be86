"""Days and months, as days since the epoch."""

from datetime import date, timedelta

EPOCH = date(1970, 1, 1)


def month_of(day: int) -> int:
    """Return the first day of the month of a day."""
    return day - (EPOCH + timedelta(days=day)).day + 1
