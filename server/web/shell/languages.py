"""The languages of the pages: their texts, and how each writes dates, numbers and amounts."""

import gettext
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Literal

from babel import Locale, dates, numbers, units
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from server.web.shell.words import mark

ENGLISH, THAI = "en", "th"
_BUDDHIST_ERA = 543
_MICROSECONDS = 1_000_000
_UNITS = (("duration-day", 86_400), ("duration-hour", 3_600), ("duration-minute", 60), ("duration-second", 1))
_UNDER_A_SECOND = mark("under 1 second")
# Codes of no country: groups of countries, and codes for tests.
_NO_COUNTRIES = frozenset(("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"))
# An amount of money without a fraction: the currency's code, or its sign.
_WHOLE = {ENGLISH: "¤¤\u00a0#,##0", THAI: "¤#,##0"}


@dataclass(frozen=True)
class Language:
    """One language: its code, its name in itself, and its texts; moments are written in ``zone``."""

    code: str
    name: str
    texts: gettext.NullTranslations
    zone: tzinfo

    @cached_property
    def locale(self) -> Locale:
        """The rules of this language for dates and numbers."""
        return Locale(self.code)

    def text(self, english: str) -> str:
        """Return a text in this language; the English itself where there is no translation."""
        # A catalogue has its own head under the empty text.
        return self.texts.gettext(english) if english else ""

    def find(self, name: str) -> str:
        """Return the text that the catalogues have under a name, "" where they have none."""
        found = self.texts.gettext(name)
        return "" if found == name else found

    def day(self, moment: int) -> str:
        """Return the day of a moment (microseconds); in Thai the year is that of the Buddhist era."""
        at, year = self._at(moment), self.year(moment)
        return f"{dates.format_date(at.date(), 'd MMM', self.locale)} {year}"

    def weekday(self, moment: int) -> str:
        """Return the day of a moment (microseconds) with its weekday, as "Friday 18 December 2026"."""
        at, year = self._at(moment), self.year(moment)
        pattern = "EEEEที่ d MMMM" if self.code == THAI else "EEEE d MMMM"
        return f"{dates.format_date(at.date(), pattern, self.locale)} {year}"

    def month(self, moment: int) -> str:
        """Return the month of a moment (microseconds)."""
        at, year = self._at(moment), self.year(moment)
        return f"{dates.format_date(at.date(), 'LLLL', self.locale)} {year}"

    def year(self, moment: int) -> str:
        """Return the year of a moment (microseconds), in Thai that of the Buddhist era."""
        return str(self._at(moment).year + (_BUDDHIST_ERA if self.code == THAI else 0))

    def short_month(self, moment: int) -> str:
        """Return the month of a moment (microseconds) in few letters, without its year."""
        return dates.format_date(self._at(moment).date(), "LLL", self.locale)

    def moment(self, moment: int) -> str:
        """Return a moment (microseconds) as day and time; the time zone is only named for a hub without one."""
        written = f"{self.day(moment)} {self._at(moment):%H:%M}"
        if self.zone is UTC:
            return f"{written} UTC"
        return f"{written} น." if self.code == THAI else written

    def clock(self, moment: int) -> str:
        """Return the time of day of a moment (microseconds)."""
        return f"{self._at(moment):%H:%M}"

    def beginning(self, day: date) -> int:
        """Return when a day begins (microseconds)."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()) * _MICROSECONDS

    def machine_moment(self, moment: int) -> str:
        """Return a moment (microseconds) as programs read it."""
        return datetime.fromtimestamp(moment / _MICROSECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @cached_property
    def countries(self) -> list[tuple[str, str]]:
        """The codes of countries (ISO 3166-1, two letters) with their names, in the order of the alphabet."""
        places = self.locale.territories.items()
        found = [place for place in places if re.fullmatch("[A-Z]{2}", place[0]) and place[0] not in _NO_COUNTRIES]
        return sorted(found, key=lambda place: place[1])

    def number(self, number: float) -> str:
        """Return a number with this language's signs."""
        return numbers.format_decimal(number, locale=self.locale)

    def percent(self, share: float) -> str:
        """Return a share of one in percent."""
        return numbers.format_percent(share, locale=self.locale)

    def amount(self, amount: float, currency: str) -> str:
        """Return an amount of money."""
        return numbers.format_currency(amount, currency, locale=self.locale)

    def whole_amount(self, amount: float, currency: str) -> str:
        """Return an amount of money without a fraction."""
        return numbers.format_currency(amount, currency, _WHOLE[self.code], locale=self.locale, currency_digits=False)

    def duration(self, seconds: float) -> str:
        """Return a duration in the largest unit that it fills, as in "3 hours"."""
        return dates.format_timedelta(timedelta(seconds=seconds), threshold=1, locale=self.locale)

    def measured(self, seconds: float) -> str:
        """Return a measured duration in the largest unit that it fills, with a decimal below ten, as in "1.5 hours"."""
        if seconds < 1:
            return self.text(_UNDER_A_SECOND)
        unit, size = next(found for found in _UNITS if seconds >= found[1])
        number = seconds / size
        return units.format_unit(round(number, 1) if number < 10 else round(number), unit, locale=self.locale)

    def compact(self, number: float) -> str:
        """Return a number of an axis, in few signs."""
        if number < 10_000:
            return self.number(number)
        form: Literal["short", "long"] = "long" if self.code == THAI else "short"
        return numbers.format_compact_decimal(number, format_type=form, locale=self.locale, fraction_digits=1)

    def change(self, now: float, before: float) -> str:
        """Return by how many percent a number differs from one before, with its sign; "±0%" below half of one."""
        share = round((now - before) / before, 2)
        return numbers.format_percent(share, "+#,##0%;−#,##0%" if share else "±0%", locale=self.locale)

    def ago(self, seconds: float) -> str:
        """Return how long ago something was, as in "3 hours ago"."""
        return dates.format_timedelta(timedelta(seconds=-seconds), threshold=1, add_direction=True, locale=self.locale)

    def _at(self, moment: int) -> datetime:
        return datetime.fromtimestamp(moment / _MICROSECONDS, self.zone)


def load_languages(zone: tzinfo) -> Mapping[str, Language]:
    """Read the catalogue of each language, by its code; the texts in the code are English."""
    thai = Language(THAI, "ไทย", _texts(THAI), zone)
    return {ENGLISH: Language(ENGLISH, "English", gettext.NullTranslations(), zone), THAI: thai}


def choose_language(known: Mapping[str, Language], asked: str | None, kept: str | None, accept: str | None) -> Language:
    """Return the language that is asked for in the address, else the one kept in a cookie, else the browser's."""
    for code in (asked, kept):
        if code in known:
            return known[code or ""]
    best = parse_accept_header(accept, LanguageAccept).best_match(known) if accept and len(accept) < 1_000 else None
    return known[best or ENGLISH]


def _texts(code: str) -> gettext.NullTranslations:
    """Read the catalogues of a language as translators write them; compiling takes milliseconds, once a process."""
    all_texts = Catalog(locale=code)
    here = Path(__file__).parent
    of_features = (here.parents[1] / "features").glob(f"*/{code}.po")
    for file in (*sorted((here / "translations").glob(f"*.{code}.po")), *sorted(of_features)):
        for message in read_po(io.BytesIO(file.read_bytes()), locale=code):
            if message.id:
                all_texts[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, all_texts)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
