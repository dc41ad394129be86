"""Account and telephone numbers as their countries write them."""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

_NATIONAL = re.compile(r"([A-Z]{2}):[A-Z0-9]{2,11}:([0-9A-Z]+)")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
# By country and length, the lengths of the groups between hyphens.
_GROUPS = {("TH", 10): (3, 1, 5, 1)}


def local_number(country: str, number: str) -> str:
    """Return an account number of a country as people there write it."""
    groups = _GROUPS.get((country, len(number)))
    if groups is None or not number.isdecimal():
        return number
    left, parts = number, []
    for length in groups:
        parts.append(left[:length])
        left = left[length:]
    return "-".join(parts)


def local_form(kind: str, value: str) -> str:
    """Return a value in its normal form as people write it: an account without its bank, numbers in groups.

    A value of another kind, or of another form, is returned as it is.
    """
    if kind == "bank-account":
        if national := _NATIONAL.fullmatch(value):
            return local_number(national[1], national[2])
        return " ".join(re.findall(".{1,4}", value)) if _IBAN.fullmatch(value) else value
    if kind == "phone" and value.startswith("+"):
        try:
            return phonenumbers.format_number(phonenumbers.parse(value), PhoneNumberFormat.INTERNATIONAL)
        except NumberParseException:
            return value
    return value
