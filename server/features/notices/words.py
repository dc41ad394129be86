"""The words of a notice on paper, in English and Thai."""

import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from schemas import timestamp

_BUDDHIST_ERA = 543


@cache
def texts_of(language: str) -> dict[str, str]:
    """Return the texts of a language, by their names."""
    found: dict[str, str] = tomllib.loads((files(__package__) / "words.toml").read_text(encoding="utf-8"))[language]
    return found


def time_text(text: str, language: str, zone: str) -> str:
    """Return a point in time in the form usual in a language; Thai years are of the Buddhist era."""
    moment = timestamp.parse(text).astimezone(ZoneInfo(zone) if zone else UTC)
    if language == "th":
        day = format_datetime(moment, "d MMM", locale="th")
        return f"{day} {moment.year + _BUDDHIST_ERA} {moment:%H:%M:%S} {_offset(moment)}"
    return f"{format_datetime(moment, 'd MMM y HH:mm:ss', locale='en')} {_offset(moment)}"


def _offset(moment: datetime) -> str:
    minutes = round((moment.utcoffset() or moment - moment).total_seconds() / 60)
    return f"UTC{minutes // 60:+03}:{minutes % 60:02}" if minutes else "UTC"
