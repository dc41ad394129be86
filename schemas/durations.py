"""Durations in settings."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_duration(value: Any) -> Any:
    """Return ``30s``, ``30m``, ``4h`` or ``1d`` as a timedelta, and any value that is no text unchanged."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", value)
    if found is None:
        raise ValueError("not a duration: write it as 30m, 4h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


DurationText = Annotated[timedelta, BeforeValidator(read_duration)]
