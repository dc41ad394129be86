"""Telephone numbers that numbering plans assign only to institutions: these match without a list of entries."""

import re
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberType,
    country_code_for_region,
    shortnumberinfo,
)
from phonenumbers.shortnumberinfo import ShortNumberCost

from server.release.guard.allowlists.catalogue import AllowlistMatch, reserved_match

# Numbers that Ofcom reserves for public bodies, charities and other non-profit bodies (030), and those of services of
# social value in Europe (Decision 2007/116/EC).
_PUBLIC_RANGE = re.compile(r"\+4430\d{8}|\+(?:3\d{1,2}|4[0-9]\d?)116\d{3}")
# Short numbers that regulators assign to known institutions: of three digits in any country, of four digits with a
# leading 1 (ITU-T E.164 leaves these to special services), and those of banks and large companies in China, India,
# Indonesia and Hong Kong.
_ASSIGNED = re.compile(r"[A-Z]{2}:(?:\d{3}|1\d{3}|116\d{3})|CN:95\d{3}|IN:1\d{4}|ID:(?:14\d{3}|1500\d{3})|HK:18\d{3}")
# Numbers that one company uses in a whole country: China's 95 with the code of a city, Indonesia's 1500, Australia's 13
# of six digits, Brazil's 4004 and 3003, and the United Kingdom's that replace a company's 0845 and 0870.
_ONE_COMPANY = re.compile(
    r"\+86(?:10|2\d|[3-9]\d\d)?95\d{3}|\+62\d{0,3}1500\d{3}|\+6113\d{4}"
    r"|\+55(?:[1-9]\d)?(?:400[1-4]|300[34])\d{4}|\+443(?:4[345]|7[012])\d{7}"
)
# Switchboards by length: the federal government's network in Germany, and short numbers of large cities, in which
# private lines have more digits.
_SHORT_MAIN_NUMBER = re.compile(r"\+493018\d{3,8}|\+49(?:30|40|69|89)\d{3,5}|\+431\d{3,5}|\+390[26]\d{3,5}")
# The end of a switchboard's main number: institutions ask for such numbers, and their extensions follow it.
_MAIN_NUMBER = re.compile(r"\+\d+(?:000|(\d)\1\1)")
_LINES_OF_OFFICES = frozenset({PhoneNumberType.FIXED_LINE, PhoneNumberType.UAN})
_LINES_OF_ANYBODY = frozenset({PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.TOLL_FREE})


# Numbers that the caller does not pay for, or that one organisation uses in a whole country. Regulators give them to
# organisations, except in these countries, where anybody rents one: those of +1, and the United Kingdom.
_LINES_OF_COMPANIES = frozenset({PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN})
_RENTED_TO_ANYBODY = ("+1", "+44")


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
    if is_line_of_company(number):
        return _match("company-lines", "a free or nationwide number, which regulators give to organisations")
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


def is_main_number(number: str) -> bool:
    """Return whether a number whose last three digits are the same is an office line, and not a mobile number.

    For free numbers, and in countries without a separate range for mobile numbers, only numbers that end in 000 are.
    """
    kind = _type(number)
    return kind in _LINES_OF_OFFICES or (kind in _LINES_OF_ANYBODY and number.endswith("000"))


def is_line_of_company(number: str) -> bool:
    """Return whether a regulator gives such numbers to organisations alone: free and nationwide ones."""
    if number.startswith(_RENTED_TO_ANYBODY) or not (digits := number[1:]).isdecimal():
        return False
    code = next((size for size in (1, 2, 3) if int(digits[:size] or 0) in COUNTRY_CODE_TO_REGION_CODE), None)
    # The whole classification takes 30 times as long as the patterns.
    return (
        code is not None
        and _company_lines(int(digits[:code])).fullmatch(digits[code:]) is not None
        and _type(number) in _LINES_OF_COMPANIES
    )


@cache
def _company_lines(country_code: int) -> re.Pattern[str]:
    """Return a pattern of a country's free and nationwide numbers, without its code."""
    countries = [PhoneMetadata.metadata_for_region(region) for region in COUNTRY_CODE_TO_REGION_CODE[country_code]]
    lines = [line for country in countries if country for line in (country.toll_free, country.shared_cost, country.uan)]
    patterns = [line.national_number_pattern for line in lines if line and line.national_number_pattern]
    return re.compile("|".join(patterns) or "(?!)")


@lru_cache(maxsize=4096)
def _type(number: str) -> int:
    kind: int = phonenumbers.number_type(phonenumbers.parse(number))
    return kind


def _match(name: str, what: str) -> AllowlistMatch:
    return reserved_match(name, what, "callers fake such numbers; report the number that the victim was asked to call")
