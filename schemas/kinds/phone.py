"""Telephone numbers: E.164, checked against each country's numbering plan."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import ClassVar

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Example, Kind, Normal

# One plus at most, and at the front: phonenumbers itself takes "++1" for a number.
_WRITTEN = re.compile(r"(?:tel:|phone:)?(\+?[\d\s().\-/]{3,30}?)(?:\s*(?:;ext=|ext\.?|x)\s*\d{1,7})?", re.IGNORECASE)
_COUNTRY = re.compile(r"[A-Z]{2}")
_INTERNATIONAL = re.compile(r"\+[1-9][\d\s().-]{6,20}")


class Phone(Kind):
    """A subscriber's number. Short codes and sender names are not among them."""

    name: ClassVar[str] = "phone"
    title: ClassVar[Mapping[str, str]] = {"en": "Phone number", "th": "หมายเลขโทรศัพท์"}
    time_to_live: ClassVar[timedelta] = timedelta(days=30)
    inputs: ClassVar[Mapping[str, str]] = {
        "country": "ISO 3166-1 alpha-2 country of a number that is written without its country code"
    }

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Give the number as ``+`` and digits. An extension is dropped: the number is the subscriber's."""
        written = _WRITTEN.fullmatch(unicodedata.normalize("NFKC", raw))
        if written is None:
            raise Rejected("phone-form", "not a telephone number: digits with at most one + in front")
        digits = written[1].strip()
        country = given.get("country", "").upper() or None
        if digits.startswith("00"):
            digits = "+" + digits[2:]
        if country is not None and not digits.startswith("+") and not _COUNTRY.fullmatch(country):
            raise Rejected("country-form", "the country is not given as two letters (ISO 3166-1), as TH")
        if country is None and not digits.startswith("+"):
            raise _without_country(digits)
        try:
            number = phonenumbers.parse(digits, country)
        except NumberParseException:
            raise Rejected("phone-form", "no country's numbers begin like this") from None
        if not phonenumbers.is_valid_number(number):
            raise Rejected("phone-not-assigned", "not a number of its country's numbering plan: wrong length or range")
        return Normal(phonenumbers.format_number(number, PhoneNumberFormat.E164))

    def recognises(self, raw: str) -> bool:
        """Tell whether ``raw`` is written with its country code."""
        return _INTERNATIONAL.fullmatch(raw) is not None

    def examples(self) -> Iterable[Example]:
        """Give the published example numbers of libphonenumber in several spellings, and what is no number."""
        yield Example("+66812345678", "+66812345678")
        yield Example("+66 81 234 5678", "+66812345678")
        yield Example("tel:+66-81-234-5678;ext=12", "+66812345678")
        yield Example("0066812345678", "+66812345678")
        yield Example("0066 81 234 5678", "+66812345678", given={"country": "TH"})
        yield Example("081 234 5678", "+66812345678", given={"country": "TH"})
        yield Example("081 234 5678", reason="country-form", given={"country": "Thailand"})
        yield Example("+66812345678", "+66812345678", given={"country": "Thailand"})
        yield Example("๐๘๑-๒๓๔-๕๖๗๘", "+66812345678", given={"country": "TH"})
        yield Example("＋６６８１２３４５６７８", "+66812345678")
        yield Example("(201) 555-0123", "+12015550123", given={"country": "us"})
        yield Example("081 234 5678", reason="country-missing")
        yield Example("66812345678", reason="country-missing")
        yield Example("++66812345678", reason="phone-form")
        yield Example("569555706.*", reason="phone-form")
        yield Example("+999123456789", reason="phone-form")
        yield Example("+10000000000", reason="phone-not-assigned")
        yield Example("+6681234567", reason="phone-not-assigned")
        yield Example("BANKNAME", reason="phone-form")
        yield Example("", reason="phone-form")


def _without_country(digits: str) -> Rejected:
    """Say what is missing, and whether a + alone would make it a number."""
    hint = "give its country (a country column) or write it with + and the country code"
    try:
        if phonenumbers.is_valid_number(phonenumbers.parse("+" + digits, None)):
            hint += "; with a + in front it would be valid as it stands"
    except NumberParseException:
        pass
    return Rejected("country-missing", f"the number says no country: {hint}")
