"""The value in a public form: what somebody wrote, and as which kind it is read."""

import re

from schemas import kinds
from schemas.api.lookup import LookupQuestion
from schemas.report import MAX_VALUE
from schemas.text import ascii_digits
from server.console.visit import Visit
from server.console.words import mark

WHOSE_NUMBER = mark(
    "This is not a telephone number of the country in the form. If it is a bank account, write its bank in the form. "
    "If it is a number from abroad, write its country, or begin with + and the country’s code."
)
_NUMBER = re.compile(r"[\d\s().-]{3,40}")
_LONGEST_DETAIL = 100


def asked_value(visit: Visit) -> LookupQuestion:
    """Return the value of a form with its kind and details."""
    bank = visit.field("bank", _LONGEST_DETAIL)
    country = visit.field("country", _LONGEST_DETAIL) or visit.site.settings.country
    return question_of(visit.field("value", MAX_VALUE), visit.field("kind"), bank, country)


def question_of(value: str, kind: str = "", bank: str = "", country: str = "") -> LookupQuestion:
    """Return a value with its kind and details; a bare number is an account where it has a bank, else a telephone.

    ``country`` is where a number is from that is written as at home.
    """
    if kind not in kinds.every():
        kind = _kind_of(value, bank)
    place = {"country": country} if country else {}
    if kind == "bank-account":
        return LookupQuestion(value, kind, ({"bank": bank} if bank else {}) | place)
    return LookupQuestion(value, kind or None, place if kind == "phone" else {})


def lacks_bank(visit: Visit) -> bool:
    """Return True if the form has a bare number alone, of which nobody says what it is."""
    is_named = visit.field("kind") or visit.field("bank")
    return not is_named and _is_bare_number(visit.field("value", MAX_VALUE))


def _kind_of(value: str, bank: str) -> str:
    """Return the kind of a value of which the form names none, "" to find it out."""
    if not _is_bare_number(value):
        return ""
    return "bank-account" if bank else "phone"


def _is_bare_number(value: str) -> bool:
    """Return True if the value is digits and what people write between them, without a country's code."""
    return _NUMBER.fullmatch(ascii_digits(value)) is not None
