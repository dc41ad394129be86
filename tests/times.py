"""Times relative to now, so that tests pass on every date."""

from datetime import datetime, timedelta

from schemas import timestamp


def ago(*, days: float = 0, hours: float = 0) -> datetime:
    """Return the time that many days and hours before now."""
    return timestamp.now() - timedelta(days=days, hours=hours)


def ahead(*, days: float = 0, hours: float = 0) -> datetime:
    """Return the time that many days and hours after now."""
    return timestamp.now() + timedelta(days=days, hours=hours)


def text_ago(*, days: float = 0, hours: float = 0) -> str:
    """Return the text of the time that many days and hours before now."""
    return timestamp.text(ago(days=days, hours=hours))


def text_ahead(*, days: float = 0, hours: float = 0) -> str:
    """Return the text of the time that many days and hours after now."""
    return timestamp.text(ahead(days=days, hours=hours))
