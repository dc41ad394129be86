"""Values that standards, registries and numbering plans reserve: these match without a list of entries."""

import re
from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address, ip_network

import phonenumbers

from schemas.reference import hosts
from schemas.reference.account_numbers import account_key
from server.release.guard.allowlists.catalogue import Allowlist, AllowlistMatch, match_of, reserved_match

# Domains that registries give only to public bodies and to organisations founded by treaties: whole endings, second
# levels of any country, and second levels of some.
_PUBLIC_ENDINGS = frozenset({"gov", "mil", "int"})
_PUBLIC_LEVELS = frozenset(
    {"gov", "gob", "gouv", "gub", "govt", "mil", "police", "parliament", "nhs"},
)
_PUBLIC_DOMAINS = frozenset(
    {f"go.{country}" for country in ("th", "jp", "kr", "id", "ke", "ug", "tz", "cr")}
    | {"europa.eu", "mi.th", "gv.at", "gc.ca", "admin.ch"}
)
# Domains that registries give only to schools, universities and colleges, after checking their documents.
_SCHOOL_DOMAINS = frozenset(
    {f"ac.{country}" for country in ("uk", "th", "jp", "kr", "id", "in", "nz", "za", "il")}
    | {
        f"edu.{country}"
        for country in ("au", "tw", "cn", "hk", "sg", "my", "ph", "vn", "kh", "in", "br", "tr", "sa", "qa")
    }
    | {"sch.uk", "sch.id", "ed.jp", "hs.kr", "ms.kr", "es.kr", "sc.kr", "school.nz", "k12.tr", "edu.ae", "ac.ae"}
)
_SCHOOL_ENDING = "edu"
_DISTRICTS = re.compile(r"\.k12\.[a-z]{2}\.us$")
# A domain that Thailand's registry gives only to non-profit organisations.
_NON_PROFIT = "or.th"
# The special-purpose address registries of IANA, limited to addresses that some library treats as public: relays of
# 6to4 (RFC 7526), addresses that contain an IPv4 address (RFC 3056, RFC 4380, RFC 6052), AS112 (RFC 7534, RFC 7535),
# multicast relays (RFC 7450), protocol assignments (RFC 6890), segment routing (RFC 9602).
_SPECIAL_NETWORKS = [
    ip_network(network)
    for network in (
        *("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15"),
        *(
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "100:0:0:1::/64",
            "2001::/23",
            "2002::/16",
            "2620:4f:8000::/48",
        ),
        *("5f00::/16", "::/96", "::ffff:0:0/96", "fec0::/10"),
    )
]
# Tax numbers of Thailand's public bodies and foundations, alone or with the number of one of their services.
_PUBLIC_ALIAS = re.compile(r"promptpay:099[34]\d{9}(?:\d{2})?")
# Postal accounts whose numbers have four digits or fewer: post offices gave these to organisations, which keep them
# because everybody knows them (giro 555, Belgium's 000-0000012-12, Switzerland's 80-3100-6).
_SHORT_GIRO = re.compile(r"NL\d\dINGB000000\d{4}|BE\d\d0000000\d{5}|CH\d\d09000000\d\d00\d{5}")
# Names of system software and of the largest messengers. A copy has the same name, but is a different file.
_SYSTEM_APP = re.compile(
    r"(?:android:(?:com\.(?:android|google\.android|sec\.android|samsung\.android|huawei\.android|miui)\.[\w.]+"
    r"|com\.(?:whatsapp|instagram\.android|facebook\.(?:katana|orca)|zhiliaoapp\.musically)"
    r"|org\.telegram\.messenger|jp\.naver\.line\.android|com\.tencent\.mm)|ios:com\.apple\.[\w.-]+)"
)
# The App Store numbers apps in the order in which they are registered, from 281 million in 2008. Apple takes scams out
# within months, so that an app with a number from before 2017 is no scammer's own.
_LONG_SOLD = range(280_000_000, 1_190_000_000)
# RFC 2606 and RFC 6761.
_DOCUMENTATION_NAME = re.compile(r"(?:^|[.@/])example\.(?:com|net|org)(?:[:/?]|$)")
# RFC 5737, RFC 3849 and RFC 9637.
_DOCUMENTATION_NETWORKS = [
    ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]


# Length of a country's ending.
_COUNTRY = 2
_BROKEN_INTO = "report the page (url) if the site was broken into, or the host that looks like it"


def match_public_body(host: str) -> AllowlistMatch | None:
    """Match a host in a domain that only public bodies can have."""
    ending = host.rpartition(".")[2]
    level, domain = _level_and_domain(host, ending)
    is_body = level in _PUBLIC_LEVELS or domain in _PUBLIC_DOMAINS
    if ending in _PUBLIC_ENDINGS or (is_body and (domain != host or domain == "europa.eu")):
        return reserved_match("public-bodies", "a public body's own domain", _BROKEN_INTO)
    return None


def match_checked_body(host: str) -> AllowlistMatch | None:
    """Match a host that only public bodies can have, or the own site of a school or a non-profit organisation."""
    if (found := match_public_body(host)) is not None:
        return found
    ending = host.rpartition(".")[2]
    _, domain = _level_and_domain(host, ending)
    if ending == _SCHOOL_ENDING or domain in _SCHOOL_DOMAINS or (ending == "us" and _DISTRICTS.search(host)):
        return _match_school(host)
    if domain == _NON_PROFIT and domain != host:
        return reserved_match("non-profits", "the domain of a non-profit organisation", _BROKEN_INTO)
    return None


def _level_and_domain(host: str, ending: str) -> tuple[str, str]:
    """Return the second level of a host in a country's domain, alone and with its ending; "" for any other host."""
    if len(ending) != _COUNTRY:
        return "", ""
    level = host[: -_COUNTRY - 1].rpartition(".")[2]
    return level, f"{level}.{ending}"


def _match_school(host: str) -> AllowlistMatch | None:
    """Match a school's own site. Hosts below it pass: attackers who break in often create them."""
    site = host.removeprefix("www.")
    if hosts.registrable_domain(site) != site:
        return None
    return reserved_match("schools", "the domain of a school or university", _BROKEN_INTO)


def match_special_address(address: str) -> AllowlistMatch | None:
    """Match an address of a special-purpose network, and one through which another address is reached."""
    parsed = ip_address(address)
    if parsed.is_multicast or any(
        parsed in network for network in _SPECIAL_NETWORKS if network.version == parsed.version
    ):
        return reserved_match(
            "special-addresses",
            "an address of a network for special purposes",
            "report the address behind it, the host (domain) or the page (url)",
        )
    return None


def match_public_alias(alias: str) -> AllowlistMatch | None:
    """Match the alias of a public body or a foundation by its form."""
    if _PUBLIC_ALIAS.fullmatch(alias):
        return reserved_match(
            "public-aliases",
            "the number of a public body or a foundation",
            "report the alias or account that the victim was really asked to pay",
        )
    return None


def match_short_giro(account: str) -> AllowlistMatch | None:
    """Match a postal account with a number of few digits."""
    if _SHORT_GIRO.fullmatch(account):
        return reserved_match(
            "short-giros",
            "a postal account with a short number, as charities and public bodies have",
            "report the account that the victim was really asked to pay",
        )
    return None


def match_system_app(name: str) -> AllowlistMatch | None:
    """Match the name of a system app or of a messenger that nearly every device has."""
    if _SYSTEM_APP.fullmatch(name):
        return reserved_match(
            "system-apps",
            "the name of a system app or a messenger",
            (
                "a copy is a different file with the same name: report the page that distributes it (url), with "
                "its hash as evidence"
            ),
        )
    return None


def match_long_sold_app(app: str) -> AllowlistMatch | None:
    """Match an app that has been in the App Store for years, by its number."""
    store, _, number = app.partition(":")
    if store == "app-store" and number.isdigit() and int(number) in _LONG_SOLD:
        return reserved_match(
            "long-sold-apps",
            "an app that has been in the App Store since before 2017",
            "report the page (url) that leads to it or distributes a copy",
        )
    return None


def match_page_of_platform() -> AllowlistMatch:
    """Return the match of an account whose name is a word that platforms keep for their own pages."""
    return reserved_match("platform-pages", "a platform's own page", "report the account by its own address")


def match_documentation_value(
    example_accounts: Mapping[str, Allowlist], kind: str, value: str
) -> AllowlistMatch | None:
    """Match a value that standards or libraries reserve for documentation; ``example_accounts`` are by their key."""
    match kind:
        case "bank-account":
            return match_of(example_accounts.get(account_key(value)))
        case "phone":
            if value in _example_numbers():
                return _match_documentation("example-numbers", "an example of libphonenumber's")
        case "domain" | "url" | "email":
            if _DOCUMENTATION_NAME.search(value):
                return _match_documentation("documentation", "a name reserved for documentation")
        case "ip":
            address = ip_address(value)
            if any(address in network for network in _DOCUMENTATION_NETWORKS):
                return _match_documentation("documentation", "an address reserved for documentation")
    return None


def _match_documentation(name: str, what: str) -> AllowlistMatch:
    return reserved_match(name, what, "report the value that the scam really used")


@cache
def _example_numbers() -> frozenset[str]:
    """Return the numbers that libphonenumber gives as examples for each country."""
    numbers = (
        phonenumbers.example_number_for_type(region, kind)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in phonenumbers.PhoneNumberType.values()
    )
    return frozenset(
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) for number in numbers if number
    )
