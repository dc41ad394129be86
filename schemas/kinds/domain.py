"""Domain names: the A-label form, lower case, without a trailing dot."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

import ada_url
import idna

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal
from schemas.reference import hosts
from schemas.reference.numbers import refuse_card_in

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
        refuse_card_in(name)
        return Normal(name)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` is a dotted name with a public suffix."""
        name = raw.lower().rstrip(".")
        name = hosts.a_labels(name)
        return hosts.RESOLVABLE.fullmatch(name) is not None and hosts.is_registrable(name)


def _a_labels(name: str) -> str:
    """Return the A-label form of a name in another form. Raises ``Rejected`` with a hint at the value's real kind."""
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
