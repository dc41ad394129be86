"""The value in a public form: what somebody wrote, and as which kind it is read."""

import re

from schemas import kinds
from schemas.api.lookup import LookupQuestion
from schemas.report import MAX_VALUE
from schemas.text import ascii_digits
from server.web.shell.banks import bank_in_form
from server.web.shell.visit import Visit
from server.web.shell.words import mark

WHOSE_NUMBER = mark(
    "This is not a telephone number of your country. If it is a bank account, choose its bank. If it is a number from "
    "abroad, choose its country, or begin with + and the country’s code."
)
_NUMBER = re.compile(r"[\d\s().-]{3,40}")


def asked_value(visit: Visit) -> LookupQuestion:
    """Return the value of a form with its kind and details."""
    return question_of(visit.field("value", MAX_VALUE), visit.field("kind"), *bank_in_form(visit))


def question_of(value: str, kind: str = "", bank: str = "", country: str = "") -> LookupQuestion:
    """Return a value with its kind and the details that belong to it.

    Where no kind is named, bank and country belong to bare numbers alone.
    """
    named = kinds.every().get(kind)
    given = {name: text for name, text in (("bank", bank), ("country", country)) if text}
    if named is not None:
        given = {name: text for name, text in given.items() if name in named.columns}
    elif not is_bare_number(value):
        given = {}
    return LookupQuestion(value, named.name if named else None, given)


def lacks_bank(visit: Visit) -> bool:
    """Return True if the form has a bare number alone, of which nobody says what it is."""
    is_named = visit.field("kind") or bank_in_form(visit)[0]
    return not is_named and is_bare_number(visit.field("value", MAX_VALUE))


def is_bare_number(value: str) -> bool:
    """Return True if the value is digits with the usual signs between them, without a country's code."""
    return _NUMBER.fullmatch(ascii_digits(value)) is not None
