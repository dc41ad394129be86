"""Numbers in cells of spreadsheets as texts: dates, leading zeros, and numbers that lost digits."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from feeds.readers.rows import Row, Unreadable
from schemas.errors import Rejected
from schemas.reference.numbers import refuse_spreadsheet_number

# Spreadsheets keep fifteen digits of a number; from here on, further ones are lost.
_LOST = 1e15
# Forms in which spreadsheets protect digits from being read as numbers: ="0123456789", '0987654321.
_PROTECTED = re.compile(r"=\s*\"([^\"]*)\"|'(?=[\d+=@-])([^']*)'?")
# Built-in formats for dates: ECMA-376 Part 1 §18.8.30.
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_ASIDE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_ZEROS = re.compile(r"0{2,20}")
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - sheets know no time zone
_LAST_DAY = 2_958_465
_WHOLE = ("value", "account_number", "iban", "company_number")


class NumberStyle(NamedTuple):
    """The format in which a number is shown: as a date, with at least ``digits`` digits, or plain."""

    date: bool
    digits: int
    epoch: datetime

    @classmethod
    def of(cls, code: str, number: int, since_1904: bool) -> "NumberStyle":
        """Return the style of a format code, or else of the ``number`` of a built-in format."""
        bare = _ASIDE.sub("", code.partition(";")[0]).lower()
        date = any(letter in bare for letter in "dmyhs") if code else number in _DATES
        epoch = _EPOCH_1904 if since_1904 else _EPOCH
        return cls(date, len(code) if _ZEROS.fullmatch(code) else 0, epoch)


def number_text(raw: str, style: NumberStyle | None = None) -> str:
    """Return a cell's number as the text that people see: ``66812345678`` for ``6.6812345678E10``.

    A number whose last digits are lost keeps the form ``1.5E+17``.
    """
    try:
        number = float(raw)
    except ValueError:
        return raw.strip()
    if style and style.date and 0 <= number <= _LAST_DAY:
        return _date(number, style.epoch)
    if not number.is_integer():
        return raw.strip() if "e" not in raw.lower() else repr(number)
    if abs(number) >= _LOST:
        return f"{number:.14E}"
    return f"{int(number):0{style.digits if style else 0}d}"


def refuse_lost_digits(row: Row | Unreadable) -> Row | Unreadable:
    """Refuse a row whose value or account lost digits in a spreadsheet: ``6.6812E+10``, ``123456789.0``."""
    if isinstance(row, Row):
        for name in _WHOLE:
            if (text := row.fields.get(name)) and text[-1:].isdigit():
                try:
                    refuse_spreadsheet_number(text)
                except Rejected as refusal:
                    return Unreadable.of(row.line, text, refusal.reason, refusal.message)
    return row


def without_protection(cell: str) -> str:
    """Return the text of a cell without the signs that protect it from being read as a number: ``="0123456789"``."""
    if cell[:1] not in ("=", "'"):
        return cell
    found = _PROTECTED.fullmatch(cell)
    return (found[1] or found[2] or "").strip() if found else cell


def _date(number: float, epoch: datetime) -> str:
    moment = epoch + timedelta(seconds=round(number * 86_400))
    return moment.strftime("%Y-%m-%d %H:%M:%S" if number % 1 else "%Y-%m-%d")
