"""Telephone numbers in E.164, and the short codes and sender names that networks show in their place."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from phonenumbers import PhoneMetadata, PhoneNumber, country_code_for_region, shortnumberinfo

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.refang import REDACTED
from schemas.reference import telephone
from schemas.reference.identity_numbers import refuse_persons_number_as_phone
from schemas.reference.numbers import refuse_spreadsheet_number
from schemas.vocabulary import Action

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_INTERNATIONAL = re.compile(r"\+[1-9][\d\s().-]{6,20}")
_OWN = re.compile(r"([A-Z]{2}):([^\s:].{0,20})")
_SHORT = re.compile(r"\d{3,8}")
# An originating address has up to 11 characters of the GSM alphabet (3GPP TS 23.040 §9.1.2.5); networks use these.
_SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 !\"#$%&'()*+,\-./<=>?@_]{2,11}")
_RANGE = re.compile(r"\+?[\d\s()./-]+(?:\.?\*|[xX]{2,})")
# A number of which some digits are hidden.
_MASKED = re.compile(r"(?=.*\d)[+\d\s().xX*#-]*[xX*#]{2,}[\d\s().xX*#-]*")
# Words in place of a caller who is not shown.
_WITHHELD = re.compile(
    r"n/?a|none|null|nil|unknown|un(?:available|named)|private|anonymous|withheld|hidden|blocked|restricted|"
    r"no caller id",
    re.IGNORECASE,
)


class Phone(Kind):
    """A telephone number, or the code or name that a network shows in place of one.

    The normal form of a number is E.164. A short code (``TH:1555``) and a sender name (``TH:KBANK``) have a meaning in
    one country's networks only, so the country precedes them. Names are compared without case, as networks do, and
    written in capitals.
    """

    name: ClassVar[str] = "phone"
    title: ClassVar[Mapping[str, str]] = {"en": "Phone number", "th": "หมายเลขโทรศัพท์"}
    time_to_live: ClassVar[timedelta] = timedelta(days=30)
    columns: ClassVar[Mapping[str, str]] = {
        "country": "ISO 3166-1 alpha-2 country of a number that is written without its country code, of a short code "
        "or of a sender name"
    }
    single_report_grade: ClassVar[Action] = Action.WARN

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return the number as ``+`` and digits. An extension is dropped: the subscriber is the same."""
        if _E164.fullmatch(raw):
            return Normal(telephone.e164(raw))
        country = given.get("country", "")
        text = telephone.plain(raw)
        refuse_spreadsheet_number(text)
        refuse_persons_number_as_phone(text)
        if own := _OWN.fullmatch(text):
            return _of_network(own[2], telephone.region(own[1]))
        if (digits := telephone.digits_of(text)) is None:
            return _lettered(text, country)
        if _SHORT.fullmatch(digits) and country:
            return _short(digits, telephone.region(country))
        return Normal(telephone.e164(digits, country))

    def needs_authority(self, value: str) -> bool:
        """Return True for a sender name: networks do not verify it, so it may be a real institution's."""
        return not value.startswith("+") and not value[3:].isdecimal()

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` is written with its country code."""
        return _INTERNATIONAL.fullmatch(raw) is not None


def _short(digits: str, country: str) -> Normal:
    """Return a number of few digits as the subscriber's number that it is, else as a short code."""
    try:
        return Normal(telephone.e164(digits, country))
    except Rejected as refusal:
        number = PhoneNumber(country_code=country_code_for_region(country), national_number=int(digits))
        if shortnumberinfo.is_emergency_number(digits, country):
            raise Rejected(
                "emergency-number", "people call for help there: callers forge it, and blocking it would cost lives"
            ) from None
        if _is_cut_off(digits, country):
            raise Rejected(
                "phone-cut",
                "digits are missing: the 0 in front is that of a national number, and no short code begins with it; "
                "give the whole number",
            ) from None
        if len(digits) > 6 and not shortnumberinfo.is_valid_short_number_for_region(number, country):
            raise refusal
    return Normal(f"{country}:{digits}")


def _is_cut_off(digits: str, country: str) -> bool:
    """Return True if the few digits are the beginning of a national number, with its trunk prefix."""
    metadata = PhoneMetadata.metadata_for_region(country)
    number = PhoneNumber(
        country_code=country_code_for_region(country), national_number=int(digits), italian_leading_zero=True
    )
    return (
        metadata is not None
        and metadata.national_prefix == "0"
        and digits.startswith("0")
        and not shortnumberinfo.is_valid_short_number_for_region(number, country)
    )


def _of_network(text: str, country: str) -> Normal:
    """Return the short code or sender name that ``text`` is in the networks of ``country``."""
    if _SHORT.fullmatch(text):
        return _short(text, country)
    text = " ".join(text.split())
    if _SENDER.fullmatch(text) is None:
        raise Rejected(
            "sender-form",
            "neither a short code of 3 to 8 digits nor a sender name: 2 to 11 letters, digits and signs, letters "
            "among them, as the network shows it",
        )
    return Normal(f"{country}:{text.upper()}")


def _lettered(text: str, country: str) -> Normal:
    """Return a text with letters as a vanity number, else as a sender name. Raises ``Rejected``."""
    name = " ".join(text.split())
    if _RANGE.fullmatch(name):
        raise Rejected("phone-form", "a pattern for many numbers, most of which are not scammers': report each number")
    if _MASKED.fullmatch(name):
        raise Rejected(*REDACTED)
    if _WITHHELD.fullmatch(name):
        raise Rejected("number-withheld", "the caller was not shown, so that there is nothing to report; leave it out")
    named = _SENDER.fullmatch(name) is not None
    if (named or len(name) < 30) and (number := telephone.vanity_number(name, telephone.region(country))):
        return Normal(number)
    if not named:
        raise Rejected(
            "phone-form",
            "not a telephone number (digits with at most one + in front), nor the name of a sender (up to 11 letters, "
            "digits and signs)",
        )
    if not country:
        raise Rejected(
            "country-missing",
            "no number but letters: if it is the name of a sender, give the country of the networks that show it",
        )
    return _of_network(name, telephone.region(country))
