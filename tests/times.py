"""Times relative to now, so that tests pass on every date."""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from schemas import timestamp

# The variables that move the clock in `make dates`.
CLOCK = ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT")
IS_CLOCK_MOVED = "FAKETIME" in os.environ


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


def set_written_now(path: Path) -> None:
    """Give a file the time of the tests' clock. `make dates` moves the clock of processes, but not that of the disk."""
    os.utime(path, (time.time(), time.time()), follow_symlinks=False)
