"""Short numbers that no caller pays for: emergency services, helplines and what else is the public's."""

from functools import lru_cache

from phonenumbers import PhoneNumber, country_code_for_region, shortnumberinfo
from phonenumbers.shortnumberinfo import ShortNumberCost


@lru_cache(maxsize=4096)
def is_public_number(code: str) -> bool:
    """Tell whether a short code in its normal form (``TH:1669``) is free of charge, or an emergency number."""
    region, _, digits = code.partition(":")
    if not digits.isdigit():
        return False
    number = PhoneNumber(country_code=country_code_for_region(region), national_number=int(digits))
    free = shortnumberinfo.expected_cost_for_region(number, region) == ShortNumberCost.TOLL_FREE
    return free or bool(shortnumberinfo.connects_to_emergency_number(digits, region))
