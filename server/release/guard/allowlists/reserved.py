"""Values that standards and numbering plans reserve: documentation values and public service numbers."""

import re
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network

import phonenumbers
from phonenumbers import PhoneNumber, country_code_for_region, shortnumberinfo
from phonenumbers.shortnumberinfo import ShortNumberCost

from schemas.reference.banks import accounts
from server.release.guard.allowlists.catalogue import AllowlistMatch, match_of
from server.release.guard.allowlists.index import AllowlistIndex

# RFC 2606 and RFC 6761; RFC 5737, RFC 3849 and RFC 9637.
_NAMES = re.compile(r"(?:^|[.@/])example\.(?:com|net|org)(?:[:/?]|$)")
_NETWORKS = [
    ip_network(each) for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]
_INSTEAD = "report the value that the scam really used"


def match_documentation_value(index: AllowlistIndex, kind: str, value: str) -> AllowlistMatch | None:
    """Give the hit of a value that standards or libraries keep for documentation, None for any other."""
    match kind:
        case "bank-account":
            return match_of(index.accounts.get(accounts.key(value)))
        case "phone":
            if value in _numbers():
                return _hit("example-numbers", "an example of libphonenumber's")
        case "domain" | "url" | "email":
            if _NAMES.search(value):
                return _hit("documentation", "a name kept for documentation")
        case "ip":
            address = ip_address(value)
            if any(address in network for network in _NETWORKS):
                return _hit("documentation", "an address kept for documentation")
    return None


def _hit(name: str, what: str) -> AllowlistMatch:
    return AllowlistMatch(name, f"this is {what} (list {name}): {_INSTEAD}")


@cache
def _numbers() -> frozenset[str]:
    """Give the numbers by which libphonenumber shows what a country's numbers look like."""
    found = (
        phonenumbers.example_number_for_type(region, kind)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in phonenumbers.PhoneNumberType.values()
    )
    return frozenset(phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164) for each in found if each)


@lru_cache(maxsize=4096)
def is_public_number(code: str) -> bool:
    """Tell whether a short code in its normal form (``TH:1669``) is free of charge, or an emergency number."""
    region, _, digits = code.partition(":")
    if not digits.isdigit():
        return False
    number = PhoneNumber(country_code=country_code_for_region(region), national_number=int(digits))
    free = shortnumberinfo.expected_cost_for_region(number, region) == ShortNumberCost.TOLL_FREE
    return free or bool(shortnumberinfo.connects_to_emergency_number(digits, region))
