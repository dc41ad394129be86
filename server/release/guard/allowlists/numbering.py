"""Telephone numbers that numbering plans assign only to institutions: these match without a list of entries."""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, country_code_for_region, shortnumberinfo
from phonenumbers.shortnumberinfo import ShortNumberCost

from server.release.guard.allowlists.catalogue import AllowlistMatch, reserved_match

# Numbers that Ofcom reserves for public bodies, charities and other non-profit bodies (030), and those of services of
# social value in Europe (Decision 2007/116/EC).
_PUBLIC_RANGE = re.compile(r"\+4430\d{8}|\+(?:3\d{1,2}|4[0-9]\d?)116\d{3}")
# Short numbers that regulators assign to known institutions: of three digits in any country, of four digits with a
# leading 1 (ITU-T E.164 leaves these to special services), and those of banks and large companies in China, India,
# Indonesia and Hong Kong.
_ASSIGNED = re.compile(r"[A-Z]{2}:(?:\d{3}|1\d{3}|116\d{3})|CN:95\d{3}|IN:1\d{4}|ID:(?:14\d{3}|1500\d{3})|HK:18\d{3}")
# Numbers that one company uses in a whole country: China's 95 with the code of a city, Indonesia's 1500, and
# Australia's 13 of six digits.
_ONE_COMPANY = re.compile(r"\+86(?:10|2\d|[3-9]\d\d)?95\d{3}|\+62\d{0,3}1500\d{3}|\+6113\d{4}")
# Switchboards by length: the federal government's network in Germany, and short numbers of large cities, in which
# private lines have more digits.
_SHORT_MAIN_NUMBER = re.compile(r"\+493018\d{3,8}|\+49(?:30|40|69|89)\d{3,5}|\+431\d{3,5}|\+390[26]\d{3,5}")
# The end of a switchboard's main number: institutions ask for such numbers, and their extensions follow it.
_MAIN_NUMBER = re.compile(r"\+\d+(?:000|(\d)\1\1)")
_LINES_OF_OFFICES = frozenset({PhoneNumberType.FIXED_LINE, PhoneNumberType.UAN})
_LINES_OF_ANYBODY = frozenset({PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.TOLL_FREE})


def match_public_number(number: str) -> AllowlistMatch | None:
    """Match a number that only a public body or a known institution can have, and the main number of a switchboard."""
    is_short = number[2:3] == ":"
    if is_short and (is_public_number(number) or _ASSIGNED.fullmatch(number)):
        return _match("public-numbers", "a public service's or known institution's number")
    if is_short:
        return None
    if (_PUBLIC_RANGE.fullmatch(number) or _ONE_COMPANY.fullmatch(number)) is not None:
        return _match("public-numbers", "a public service's or known institution's number")
    if _SHORT_MAIN_NUMBER.fullmatch(number) or (_MAIN_NUMBER.fullmatch(number) and is_main_number(number)):
        return _match("main-numbers", "the main number of an institution's switchboard, by its form")
    return None


@lru_cache(maxsize=4096)
def is_public_number(code: str) -> bool:
    """Return whether a short code in normal form (``TH:1669``) is free of charge, or an emergency number."""
    region, _, digits = code.partition(":")
    if not digits.isdigit():
        return False
    number = PhoneNumber(country_code=country_code_for_region(region), national_number=int(digits))
    free = shortnumberinfo.expected_cost_for_region(number, region) == ShortNumberCost.TOLL_FREE
    return free or bool(shortnumberinfo.connects_to_emergency_number(digits, region))


@lru_cache(maxsize=4096)
def is_main_number(number: str) -> bool:
    """Return whether a number whose last three digits are the same is an office line, and not a mobile number.

    For free numbers, and in countries without a separate range for mobile numbers, only numbers that end in 000 are.
    """
    kind = phonenumbers.number_type(phonenumbers.parse(number))
    return kind in _LINES_OF_OFFICES or (kind in _LINES_OF_ANYBODY and number.endswith("000"))


def _match(name: str, what: str) -> AllowlistMatch:
    return reserved_match(name, what, "callers fake such numbers; report the number that the victim was asked to call")
