"""Numbers as people and spreadsheets write them: plain digits, separators, lost zeros, payment cards."""

import re
import unicodedata

from schemas.errors import Rejected
from schemas.text import ascii_digits

_SEPARATORS = re.compile(r"[\s.\-/]+")
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xAD], "-")
_IBAN_LABEL = re.compile(r"IBAN[\s:.]*", re.IGNORECASE)
# A number as programs format a quantity: 1.23457E+11, 123456789.0, 1,234,567.00.
_SPREADSHEET_NUMBER = re.compile(
    r"[+-]?(?:\d+(?:[.,]\d+)?E\+\d{1,3}|\d{4,}[.,](?:\d{1,2}|0+)|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:[. ]\d{3})+,\d+"
    r"|\d{1,3}(?: \d{3})+\.\d+)",
    re.IGNORECASE,
)

_CARD = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|4[4-9]\d|5\d{2})\d{12}|(?:35|62)\d{14,17}"
)


def plain(text: str) -> str:
    """Return ``text`` with ASCII digits, dashes and blanks, whatever script or width they had."""
    if text.isascii():
        return text.strip()
    return ascii_digits(unicodedata.normalize("NFKC", text).translate(_DASHES)).strip()


def bare(text: str) -> str:
    """Return a number or code without blanks, dots, dashes and slashes, in upper case."""
    return _SEPARATORS.sub("", text).upper()


def refuse_spreadsheet_number(written: str) -> None:
    """Refuse an account or telephone number that a program formatted as a quantity. Raises ``Rejected``.

    Read as digits, ``123456789.0`` would be somebody else's account ``1234567890``.
    """
    if _SPREADSHEET_NUMBER.fullmatch(written.strip()):
        raise Rejected(
            "digits-lost",
            "a program took these digits for a number to count with (a decimal part, an exponent or thousands): "
            "format the column as text and enter it again from its source",
        )


def compact(text: str) -> str:
    """Return an IBAN or BIC without blanks, dashes and label, in upper case."""
    return bare(_IBAN_LABEL.sub("", text, count=1))


def is_card(number: str) -> bool:
    """Return True if a bare ``number`` is a payment card's, by its issuer's digits and its check digit."""
    if _CARD.fullmatch(number) is None:
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # ISO/IEC 7812-1 annex B
