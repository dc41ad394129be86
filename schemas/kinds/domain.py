"""Domain names: the A-label form, lower case, without a trailing dot."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import ClassVar

import ada_url
import idna

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal, ValueExample
from schemas.reference import hosts

# RFC 1034 §3.5 and RFC 5890 §2.3.1, as STIX asks (§6.4); labels in Punycode are looked at more closely. The last label
# is no number: else it is an IPv4 address.
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{4,253}}$)(?:{_LABEL}\.)+(?![0-9]+$){_LABEL}")
_ADDRESS = re.compile(r"\[?[0-9a-f]*:[0-9a-f:.]+\]?|(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}\.?")
_ORIGIN = re.compile(r"(?:https?://(?=[^/]+$))?([^/?#@\\]+)|(?:https?://)?([^/?#@\\]+)/\.?")


class Domain(Kind):
    """A domain name that somebody registered, or a host below it."""

    name: ClassVar[str] = "domain"
    title: ClassVar[Mapping[str, str]] = {"en": "Domain", "th": "โดเมน"}
    time_to_live: ClassVar[timedelta] = timedelta(days=90)

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return the A-label form. ``http://host/`` and ``*.host`` are read as the host."""
        name = raw.lower()
        if _HOSTNAME.fullmatch(name) is None:
            name = _a_labels(name)
        if not hosts.is_registrable(name):
            raise hosts.refusal_of(name)
        return Normal(name)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` is a dotted name with a public suffix."""
        name = raw.lower().rstrip(".")
        name = hosts.a_labels(name)
        return hosts.RESOLVABLE.fullmatch(name) is not None and hosts.is_registrable(name)

    def examples(self) -> Iterable[ValueExample]:
        """Return several spellings of one name, and values that are no domain."""
        yield ValueExample("shop.example.com", "shop.example.com")
        yield ValueExample("SHOP.Example.COM.", "shop.example.com")
        yield ValueExample("https://shop.example.com/", "shop.example.com")
        yield ValueExample("shop.example.com/", "shop.example.com")
        yield ValueExample("shop.example.com/.", "shop.example.com")
        yield ValueExample("*.example.co.th", "example.co.th")
        yield ValueExample("ec2-192-0-2-7.compute-1.amazonaws.com", "ec2-192-0-2-7.compute-1.amazonaws.com")
        yield ValueExample("bücher.example.com", "xn--bcher-kva.example.com")
        yield ValueExample("ตัวอย่าง.com", "xn--72c1a1bt4awk9o.com")
        yield ValueExample("ｓｈｏｐ。example.com", "shop.example.com")
        yield ValueExample("xn--bcher-kva.example.com", "xn--bcher-kva.example.com")
        yield ValueExample("https://shop.example.com/pay?x=1", reason="url-not-domain")
        yield ValueExample("shop.example.com:8080", reason="url-not-domain")
        yield ValueExample("bank.example.com%E2%88%95login@shop.example.org", reason="url-not-domain")
        yield ValueExample("someone@example.com", reason="email-not-domain")
        yield ValueExample("192.0.2.7", reason="ip-address")
        yield ValueExample("[2001:db8::7]", reason="ip-address")
        yield ValueExample("0x7f.1", reason="ip-address")
        yield ValueExample("track_1.example.com", reason="hostname-form")
        yield ValueExample("en--login.example.com", reason="hostname-form")
        yield ValueExample("xn--ls8h.example.com", reason="hostname-form")
        yield ValueExample("co.th", reason="public-suffix")
        yield ValueExample("github.io", reason="public-suffix")
        yield ValueExample("nothing.ck", reason="public-suffix")
        yield ValueExample("localhost", reason="domain-form")
        yield ValueExample("printer.local", reason="unknown-suffix")
        yield ValueExample("two words.com", reason="domain-form")
        yield ValueExample("a..example.com", reason="domain-form")
        yield ValueExample("xn--a.com", reason="hostname-form")
        yield ValueExample("x" * 64 + ".com", reason="domain-form")
        yield ValueExample("", reason="domain-form")


def _a_labels(name: str) -> str:
    """Return the A-label form of a name in another form. Raises ``Rejected`` with what the value is instead."""
    if origin := _ORIGIN.fullmatch(name):
        name = origin[1] or origin[2]
    if _ADDRESS.fullmatch(name):
        raise Rejected("ip-address", "this is an IP address, not a domain name; report it as one")
    if "@" in name and "/" not in name and "%" not in name:
        raise Rejected("email-not-domain", "this is an e-mail address; report it as one")
    if "/" in name or ":" in name or "@" in name:
        raise Rejected("url-not-domain", "this is a URL; report it as one, or its host alone as a domain")
    ascii_name = ada_url.idna_to_ascii(name.removeprefix("*.")).decode("ascii").rstrip(".")
    if _HOSTNAME.fullmatch(ascii_name) is None and hosts.RESOLVABLE.fullmatch(ascii_name) is None:
        raise Rejected("domain-form", "not a domain name: labels of 1 to 63 letters, digits or hyphens, joined by dots")
    try:
        idna.encode(ascii_name)
    except idna.IDNAError:
        raise Rejected(
            "hostname-form",
            "such a name may resolve, but STIX takes hostnames by RFC 5890 alone: no _, no hyphens at a label's ends "
            "or in its third and fourth place, no symbols; report the address of the page as a URL",
        ) from None
    return ascii_name
