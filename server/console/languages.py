"""The languages of the pages: their texts, and how each writes dates, numbers and amounts."""

import gettext
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from importlib.resources import files

from babel import Locale, dates, numbers
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

ENGLISH, THAI = "en", "th"
_BUDDHIST_ERA = 543
_MICROSECONDS = 1_000_000
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
        return self.texts.gettext(english)

    def day(self, moment: int) -> str:
        """Return the day of a moment (microseconds); in Thai the year is that of the Buddhist era."""
        at = self._at(moment)
        year = at.year + _BUDDHIST_ERA if self.code == THAI else at.year
        return f"{dates.format_date(at.date(), 'd MMM', self.locale)} {year}"

    def month(self, moment: int) -> str:
        """Return the month of a moment (microseconds)."""
        at = self._at(moment)
        year = at.year + _BUDDHIST_ERA if self.code == THAI else at.year
        return f"{dates.format_date(at.date(), 'LLLL', self.locale)} {year}"

    def short_month(self, moment: int) -> str:
        """Return the month of a moment (microseconds) in few letters, without its year."""
        return dates.format_date(self._at(moment).date(), "LLL", self.locale)

    def moment(self, moment: int) -> str:
        """Return a moment (microseconds) as day, time and time zone."""
        at = self._at(moment)
        # Many zones have no name but their distance.
        zone = f"UTC{at:%Z}" if f"{at:%Z}"[:1] in ("+", "-") else f"{at:%Z}"
        return f"{self.day(moment)} {at:%H:%M} {zone}"

    def machine_moment(self, moment: int) -> str:
        """Return a moment (microseconds) as programs read it."""
        return datetime.fromtimestamp(moment / _MICROSECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

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
    for file in sorted((files("server.console") / "translations").iterdir(), key=lambda file: file.name):
        if file.name.endswith(f".{code}.po"):
            for message in read_po(io.BytesIO(file.read_bytes()), locale=code):
                if message.id:
                    all_texts[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, all_texts)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
