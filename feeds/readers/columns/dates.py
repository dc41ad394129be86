"""Dates and times as people write them: in the Buddhist era, with months in words, day or month first.

``read_date`` returns the possible moments of a text; ``feeds.readers.columns.conventions`` chooses among several by
the other cells of the column.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timezone, tzinfo
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from feeds.readers.columns.word_tables import in_bare_latin, languages
from schemas.text import ascii_digits
from schemas.timestamp import find_offset

DayMonthOrder = Literal["day-first", "month-first"]
# Countries that write the month first, and those where both orders, or the year first, are usual (Unicode CLDR 45).
_MONTH_FIRST = frozenset({"AS", "FM", "GU", "MH", "MP", "PH", "PR", "PW", "UM", "US", "VI"})
_UNCLEAR = frozenset({"CA", "CN", "GH", "HU", "JP", "KE", "KP", "KR", "LT", "MN", "NA", "SE", "TW", "ZA"})

_BUDDHIST, _REPUBLIC, _REIWA = 543, 1911, 2018
# Years of the Buddhist era, from 1970 to 2100 of the common era.
_BUDDHIST_YEARS = range(1970 + _BUDDHIST, 2101 + _BUDDHIST)
_LONGEST = 80
_EPOCH = re.compile(r"(\d{9,10}(?:\.\d+)?|\d{13})(?:\.0+)?")
_COMPACT = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})\Z")
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?!\d)")
_EAST = re.compile(r"(令和|民國|民国|中華民國)?\s*(\d{1,4}|元)\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日號号일]")
_VIETNAMESE = re.compile(
    r"(?P<day>\d{1,2})\s*(?:tháng|thang|thg|th)\.?\s*(?P<month>\d{1,2}),?\s*(?:năm\s*|nam\s*)?(?P<year>\d{4}|\d{2})(?!\d)"
)
_NUMBERS = re.compile(r"(\d{1,3})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
# A year of the Republic of China, as Taiwan writes them: 115/11/25.
_REPUBLICAN = re.compile(r"(?P<year>1[0-4]\d)([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?!\d)")
_WORDED = re.compile(r"(\d{1,4})(?:st|nd|rd|th)?[\s.,/-]*([^\W\d][^\d,]*?)[\s.,/-]*(\d{4}|\d{2})(?!\d)")
_WORD_FIRST = re.compile(r"([^\W\d][^\d,]*?)[\s.,/-]*(\d{1,2})(?:st|nd|rd|th)?[\s.,/-]+(\d{4})(?!\d)")
_TIME = re.compile(
    r"[T\s,]*(?P<before>上午|下午|午前|午後|오전|오후)?\s*(?P<hour>\d{1,2})(?:\s*[:.時时시hH]\s*(?P<minute>\d{1,2}))?"
    r"(?:\s*[:.分분]\s*(?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?\s*[分분秒초]?\s*"
    r"(?P<after>a\.?m\.?|p\.?m\.?|sa|ch)?\s*\(?(?P<zone>Z|[A-Z]{3,4}|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)?\)?",
    re.IGNORECASE,
)
_TIME_FIRST = re.compile(r"(\d{1,2}\s*[:hH]\s*\d{2}(?::\d{2})?(?:\s*[ap]\.?m\.?)?)[\s,]+(.*\d.*)", re.IGNORECASE)
_LATE = {"下午", "午後", "오후", "pm", "p.m.", "p.m", "pm.", "ch"}
_EARLY = {"上午", "午前", "오전", "am", "a.m.", "a.m", "am.", "sa"}


class Moment(NamedTuple):
    """A day, with its time and its offset from UTC where the text has them."""

    day: date
    clock: time | None = None
    zone: tzinfo | None = None


class DateReading(NamedTuple):
    """The possible meanings of a text: one moment, or one for each order of day and month.

    ``order`` is the order that the text itself shows. With ``century`` the year has two digits, and ``moments`` are
    those of every century and era that it may belong to.
    """

    moments: tuple[Moment, ...] = ()
    other: tuple[Moment, ...] = ()
    order: DayMonthOrder | None = None
    century: bool = False


_NONE = DateReading()


@lru_cache(maxsize=8192)
def read_date(raw: str) -> DateReading:
    """Read a text as a date or time; without moments where it is none.

    Where either number may be the month, ``moments`` have the day first and ``other`` the month first.
    """
    text = ascii_digits(unicodedata.normalize("NFKC", raw)).strip()
    if not text or len(text) > _LONGEST:
        return _NONE
    if found := _EPOCH.fullmatch(text):
        return _epoch(found[1])
    # Without weekdays and words such as ``at`` and ``น.``.
    text = " ".join(_tables()[0].sub(" ", text).split()).strip(" ,.")
    if found := _TIME_FIRST.fullmatch(text):
        text = f"{found[2]} {found[1]}"
    for form in (_ordered, _east, _numbers, _worded):
        if (reading := form(text)) is not None:
            return reading
    return _NONE


def _epoch(text: str) -> DateReading:
    try:
        moment = datetime.fromtimestamp(float(text) / (1000 if len(text) == 13 and "." not in text else 1), UTC)
    except (ValueError, OverflowError, OSError):
        return _NONE
    return DateReading((Moment(moment.date(), moment.time(), UTC),))


def _ordered(text: str) -> DateReading | None:
    """Read a date whose form shows which number is the year, the month and the day."""
    for form in (_COMPACT, _YEAR_FIRST, _VIETNAMESE, _REPUBLICAN):
        if found := form.match(text):
            year = str(int(found["year"]) + _REPUBLIC) if form is _REPUBLICAN else found["year"]
            return _reading([(year, found["month"], found["day"])], text[found.end() :])
    return None


def _east(text: str) -> DateReading | None:
    if not (found := _EAST.match(text)):
        return None
    year = 1 if found[2] == "元" else int(found[2])
    if found[1] == "令和":
        year += _REIWA
    elif found[1]:
        year += _REPUBLIC
    return _reading([(str(year), found[3], found[4])], text[found.end() :])


def _numbers(text: str) -> DateReading | None:
    if not (found := _NUMBERS.match(text)):
        return None
    first, second, year, rest = found[1], found[3], found[4], text[found.end() :]
    if len(first) > 2 or int(first) > 31:
        return _reading([(first, second, year)], rest) if len(first) == 2 and len(year) == 2 else _NONE
    day, month = _reading([(year, second, first)], rest), _reading([(year, first, second)], rest)
    if not day.moments or not month.moments:
        return (day or month)._replace(order="day-first") if day.moments else month._replace(order="month-first")
    if first == second or int(first) == int(second):
        return day
    if found[2] == "." or int(year) in _BUDDHIST_YEARS:
        return day._replace(order="day-first")
    return day._replace(other=month.moments)


def _worded(text: str) -> DateReading | None:
    if (found := _WORDED.match(text)) and (month := _month(found[2])):
        parts = [(found[3], month, found[1])] if len(found[1]) < 3 else [(found[1], month, found[3])]
        return _reading(parts, text[found.end() :])
    if (found := _WORD_FIRST.match(text)) and (month := _month(found[1])):
        return _reading([(found[3], month, found[2])], text[found.end() :])
    return None


def _reading(parts: list[tuple[str, str, str]], rest: str) -> DateReading:
    """Read year, month and day, with the time in ``rest``; the reading has no moments if this is not a date."""
    clock = _clock(rest)
    if clock is None:
        return _NONE
    moments, century = list[Moment](), False
    for written, month, day in parts:
        years = list(_years(written))
        century = century or len(years) > 1
        for year in years:
            try:
                moments.append(Moment(date(year, int(month), int(day)), *clock))
            except ValueError:
                continue
    return DateReading(tuple(moments), century=century)


def _years(written: str) -> Iterator[int]:
    """Yield the years of the common era that a written year may mean."""
    year = int(written)
    if len(written) > 2:
        yield year - _BUDDHIST if year in _BUDDHIST_YEARS else year
        return
    for first in (2000, 1900, 2500 - _BUDDHIST):
        yield first + year


def _clock(rest: str) -> tuple[time | None, tzinfo | None] | None:
    """Return the time and the zone in the text after a date, None if it is something else."""
    if not rest.strip(" ,T"):
        return None, None
    found = _TIME.fullmatch(rest.strip())
    if found is None:
        return None
    half = (found["before"] or found["after"] or "").lower()
    if found["minute"] is None and not half and not re.search(r"[時时시hH]", rest):
        return None
    zone: timezone | None = None
    if found["zone"] and (zone := find_offset(found["zone"])) is None:
        return None
    hour = _hour(int(found["hour"]), half)
    micros = int((found["fraction"] or "0").ljust(6, "0")[:6])
    try:
        return time(hour, int(found["minute"] or 0), int(found["second"] or 0), micros), zone
    except ValueError:
        return None


def _hour(hour: int, half: str) -> int:
    """Return the hour of 24 for one of 12 in a half of the day."""
    if half in _LATE and hour < 12:
        return hour + 12
    return 0 if half in _EARLY and hour == 12 else hour


def _month(word: str) -> str | None:
    return _tables()[1].get(word.strip(" .,-/").replace(".", "").replace(" ", "").casefold())


@cache
def _tables() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return an expression for words that are not part of a date, and the months' numbers by name."""
    months: dict[str, str] = {}
    fillers: list[str] = []
    for language in languages():
        words = language.get("dates", {})
        fillers += words.get("fillers", ())
        for number, names in enumerate(words.get("months", ()), 1):
            months |= {name.replace(".", "").casefold(): str(number) for name in names}
    spelled = sorted({*fillers, *map(in_bare_latin, fillers)}, key=len, reverse=True)
    latin = [re.escape(word) for word in spelled if word.isascii()]
    others = [re.escape(word) for word in spelled if not word.isascii()]
    return re.compile(rf"\b(?:{'|'.join(latin)})\b\.?|{'|'.join(others)}", re.IGNORECASE), months


def usual_order(country: str) -> DayMonthOrder | None:
    """Return the order of day and month in a country, None if there is no usual one."""
    if not country or country in _UNCLEAR:
        return None
    return "month-first" if country in _MONTH_FIRST else "day-first"
