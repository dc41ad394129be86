"""Time zones, by their name in the IANA database or as an offset from UTC."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_MOST_HOURS = 14
# Abbreviations that mean one offset wherever they are used; CST, IST, BST and EST do not.
_SHORT = {"ICT": 7, "WIB": 7, "WITA": 8, "WIT": 9, "SGT": 8, "MYT": 8, "PHT": 8, "HKT": 8, "JST": 9, "KST": 9, "CET": 1}


class UnknownZone(ValueError):
    """No time zone has that name."""


def find_zone(name: str) -> tzinfo:
    """Return the time zone that ``name`` means: ``Asia/Bangkok``, ``+07:00``, ``UTC``. Raises ``UnknownZone``."""
    text = name.strip()
    if text.upper() in ("UTC", "Z", "GMT"):
        return UTC
    if (found := find_offset(text)) is not None:
        return found
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(
            f"there is no time zone {name!r}: write it as Asia/Bangkok, or as an offset from UTC such as +07:00"
        ) from None


def find_offset(text: str) -> timezone | None:
    """Return the offset that ``text`` means (``+07:00``, ``UTC+7``, ``ICT``), None if it means none."""
    if text.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if (hours := _SHORT.get(text.upper())) is not None:
        return timezone(timedelta(hours=hours))
    if (found := _OFFSET.fullmatch(text)) is None or int(found[2]) > _MOST_HOURS:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(-offset if found[1] == "-" else offset)
