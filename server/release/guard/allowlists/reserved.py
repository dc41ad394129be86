"""Values that standards, registries and numbering plans reserve: these match without a list of entries."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network

import phonenumbers
from phonenumbers import PhoneNumber, country_code_for_region, shortnumberinfo
from phonenumbers.shortnumberinfo import ShortNumberCost

from schemas.reference.banks import accounts
from server.release.guard.allowlists.catalogue import Allowlist, AllowlistMatch, match_of

# Domains that registries give to public bodies only.
_PUBLIC_BODY = re.compile(
    r"(?:^|\.)(?:gov|mil|europa\.eu|(?:gov|gob|gouv|gub|govt|mil|police|parliament|nhs)\.[a-z]{2}"
    r"|go\.(?:th|jp|kr|id|ke|ug|tz|cr)|gv\.at|gc\.ca|admin\.ch)$"
)
# Names of system software and of the largest messengers. A copy has the same name, and another file.
_SYSTEM_APP = re.compile(
    r"(?:android:(?:com\.(?:android|google\.android|sec\.android|samsung\.android|huawei\.android|miui)\.[\w.]+"
    r"|com\.(?:whatsapp|instagram\.android|facebook\.(?:katana|orca)|zhiliaoapp\.musically)"
    r"|org\.telegram\.messenger|jp\.naver\.line\.android|com\.tencent\.mm)|ios:com\.apple\.[\w.-]+)"
)
# RFC 2606 and RFC 6761.
_DOCUMENTATION_NAME = re.compile(r"(?:^|[.@/])example\.(?:com|net|org)(?:[:/?]|$)")
# RFC 5737, RFC 3849 and RFC 9637.
_DOCUMENTATION_NETWORKS = [
    ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]


def match_public_body(host: str) -> AllowlistMatch | None:
    """Match a host in a domain that only public bodies get."""
    if _PUBLIC_BODY.search(host):
        return _match(
            "public-bodies",
            "a public body's own domain",
            "report the page (url) if the site was broken into, or the host that looks like it",
        )
    return None


def match_system_app(name: str) -> AllowlistMatch | None:
    """Match the name of a system app or of a messenger that nearly every device has."""
    if _SYSTEM_APP.fullmatch(name):
        return _match(
            "system-apps",
            "the name of a system app or a messenger",
            "a copy has another file under the same name: report the page that spreads it (url), its hash as evidence",
        )
    return None


def match_public_number(number: str) -> AllowlistMatch | None:
    """Match a short number that is free of charge or an emergency number; other numbers never match."""
    if number[2:3] == ":" and is_public_number(number):
        return _match(
            "public-numbers",
            "a public service's number",
            "callers show such numbers falsely; report the number that was asked to call",
        )
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


def match_documentation_value(
    example_accounts: Mapping[str, Allowlist], kind: str, value: str
) -> AllowlistMatch | None:
    """Match a value that standards or libraries keep for documentation; ``example_accounts`` are by their key."""
    match kind:
        case "bank-account":
            return match_of(example_accounts.get(accounts.key(value)))
        case "phone":
            if value in _example_numbers():
                return _match_documentation("example-numbers", "an example of libphonenumber's")
        case "domain" | "url" | "email":
            if _DOCUMENTATION_NAME.search(value):
                return _match_documentation("documentation", "a name kept for documentation")
        case "ip":
            address = ip_address(value)
            if any(address in network for network in _DOCUMENTATION_NETWORKS):
                return _match_documentation("documentation", "an address kept for documentation")
    return None


def _match_documentation(name: str, what: str) -> AllowlistMatch:
    return _match(name, what, "report the value that the scam really used")


def _match(name: str, what: str, instead: str) -> AllowlistMatch:
    return AllowlistMatch(name, f"this is {what} (list {name}): {instead}")


@cache
def _example_numbers() -> frozenset[str]:
    """Return the numbers by which libphonenumber shows how numbers of each country look."""
    numbers = (
        phonenumbers.example_number_for_type(region, kind)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in phonenumbers.PhoneNumberType.values()
    )
    return frozenset(
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) for number in numbers if number
    )
