"""Hosts of the internet by the Public Suffix List, publicly reachable addresses, and URLs as browsers read them."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

import ada_url
from publicsuffixlist import PSLFILE, PublicSuffixList

from schemas.errors import Rejected

# Names that resolvers accept, which are more than hostnames: with underscores, and hyphens anywhere.
RESOLVABLE = re.compile(r"(?=.{4,253}$)(?:[a-z0-9_-]{1,63}\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63}")

# Networks for documentation, as example.com is a domain for it (RFC 5737, RFC 3849, RFC 9637).
_DOCUMENTATION = [IPv4Network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
_DOCUMENTATION_6 = [IPv6Network(network) for network in ("2001:db8::/32", "3fff::/20")]


@cache
def _suffixes() -> PublicSuffixList:
    """Return the Public Suffix List of its package; the network is never asked."""
    return PublicSuffixList(accept_unknown=False)


@cache
def _registries() -> PublicSuffixList:
    """Return the part of the list with registries' suffixes, without those of providers."""
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def a_labels(name: str) -> str:
    """Return ``name`` as resolvers are asked for it, "" if no name is written so."""
    return name if name.isascii() else ada_url.idna_to_ascii(name).decode("ascii")


def is_registrable(name: str) -> bool:
    """Return True if ``name`` is below a public suffix, or one customer's by a provider's ``*`` rule."""
    _, _, parent = name.partition(".")
    if not parent or name in _listed():
        return _is_registrable(name)
    # A name that the list does not contain is judged by its parent: all siblings have the same result.
    return _are_registrable_below(parent)


@lru_cache(maxsize=65_536)
def _are_registrable_below(parent: str) -> bool:
    return _is_registrable("any-other-label." + parent)


@cache
def _listed() -> frozenset[str]:
    """Return the names that have a rule or an exception of their own."""
    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    names = (line.strip().lstrip("!") for line in lines if line and not line.startswith(("//", "*")))
    return frozenset(a_labels(name) for name in names)


@cache
def _with_suffixes_below() -> frozenset[str]:
    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    return frozenset(a_labels(line.strip().removeprefix("*.")) for line in lines if line.startswith("*."))


def has_suffixes_below(name: str) -> bool:
    """Return True if all names one label below ``name`` are public suffixes, by a ``*`` rule of the list."""
    return name in _with_suffixes_below()


@lru_cache(maxsize=65_536)
def _is_registrable(name: str) -> bool:
    if _suffixes().privatesuffix(name) is not None:
        return True
    sibling = "any-other-label." + name.partition(".")[2]
    return _suffixes().publicsuffix(sibling) == sibling and _registries().publicsuffix(name) != name


def has_public_suffix(name: str) -> bool:
    """Return True if ``name``, of two labels or more, ends in a public suffix or is one."""
    return "." in name and _suffixes().publicsuffix(name) is not None


def registrable_domain(name: str) -> str | None:
    """Return the public suffix of ``name`` with one label in front, None if ``name`` is a suffix."""
    found: str | None = _suffixes().privatesuffix(name)
    return found


def is_provider_suffix(name: str) -> bool:
    """Return True if ``name`` is below a registry's suffix, and itself shared by a provider's customers."""
    return _registries().privatesuffix(name) is not None


def refusal_of(name: str) -> Rejected:
    """Return the reason why ``name`` cannot be registered."""
    if name == "localhost" or name.endswith(".localhost"):
        return Rejected("own-machine", "this name means the machine that asks (RFC 6761), not one of a scammer")
    if _suffixes().publicsuffix(name) == name:
        return Rejected(
            "public-suffix",
            "this name is a public suffix that many share: blocking it would hit all of them; name the host below it",
        )
    return Rejected("unknown-suffix", "the name ends in no suffix of the Public Suffix List, so it cannot resolve")


def public_address(text: str) -> str:
    """Return an IP address as RFC 5952 or four numbers, if the whole internet can reach it.

    An IPv4 address written as IPv6 (``::ffff:192.0.2.7``) becomes the IPv4 address. Raises ``ValueError`` if ``text``
    is no address, and ``Rejected`` for an address that each network or machine has for itself.
    """
    address: IPv4Address | IPv6Address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback or address.is_unspecified:
        raise Rejected("own-machine", "this address means the machine that asks, not one of a scammer")
    if isinstance(address, IPv6Address) and (address.is_site_local or address.scope_id is not None):
        raise _not_routable()
    if isinstance(address, IPv6Address) and address.sixtofour is not None:
        # Python before 3.13 calls 6to4 global; IANA does not.
        raise _not_routable()
    if address.is_multicast or address.is_reserved or not (address.is_global or _is_documentation(address)):
        raise _not_routable()
    return str(address)


def _is_documentation(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return any(address in network for network in _DOCUMENTATION)
    return any(address in network for network in _DOCUMENTATION_6)


def _not_routable() -> Rejected:
    return Rejected(
        "not-routable",
        "private, shared, multicast or reserved: each network has its own such address; give the one seen from outside",
    )


# A longer address is not a real page.
LONGEST_URL = 2048
_WITH_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:[/\\]{2}", re.IGNORECASE)
_WITHOUT = re.compile(r"(?://)?(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?[/?#]", re.IGNORECASE)
_BEGINNING = re.compile(rf"{_WITH_SCHEME.pattern}|(?:[\w-]+\.)+[a-z]{{2,}}(?::\d+)?/", re.IGNORECASE)


# Punctuation of the sentence behind an address, and brackets that the address does not open itself.
_OF_A_SENTENCE = frozenset(".,;:!?'\"。，、；：！？）」』】》")
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}


class WebAddress(NamedTuple):
    """An address in parts: the host, with the scheme if that is not the web's, and the path without outer slashes."""

    host: str
    path: str
    query: Mapping[str, str]
    fragment: str


@lru_cache(maxsize=64)
def split_address(text: str) -> WebAddress | None:
    """Return the parts of an address, with or without its scheme; None if ``text`` is none."""
    if len(text) > LONGEST_URL or not ("/" in text or "\\" in text):
        return None
    if not _WITH_SCHEME.match(text):
        if not _WITHOUT.match(text):
            return None
        text = "https://" + text.removeprefix("//")
    try:
        url = ada_url.URL(text if text[-1].isalnum() else without_punctuation(text))
        query = dict(reversed(parse_qsl(url.search[1:], errors="replace", max_num_fields=100))) if url.search else {}
    except ValueError:
        return None
    web = url.protocol in ("http:", "https:")
    host = url.hostname.casefold().rstrip(".") if web else f"{url.protocol}//{url.hostname}".casefold()
    parts = [_part(part) for part in url.pathname.split("/") if part]
    return WebAddress(host, "/".join(parts), query, _part(url.hash[1:]).strip("/"))


def without_punctuation(text: str) -> str:
    """Return an address without the punctuation of the sentence around it."""
    end = len(text)
    unopened = {bracket: text.count(bracket) - text.count(opens) for bracket, opens in _BRACKETS.items()}
    while end and ((last := text[end - 1]) in _OF_A_SENTENCE or unopened.get(last, 0) > 0):
        end -= 1
        if last in unopened:
            unopened[last] -= 1
    return text[:end]


def looks_like_address(text: str) -> bool:
    """Return True if ``text`` begins with a scheme or host as addresses do, whether or not it is one."""
    return _BEGINNING.match(text) is not None


def _part(text: str) -> str:
    """Return one part of an address as a person reads it; a hidden slash begins no new part."""
    return unicodedata.normalize("NFC", unquote(text)).replace("/", "\ufffd") if "%" in text else text


# RFC 3986 §2: characters that need no escape in a path or query. The apostrophe is left out: some clients strip it.
_ESCAPING = re.compile(r"%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&()*+,;=:@/?]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

# Parameters that identify who clicked, or on which advertisement; they do not select the page.
_TRACKING_WORDS = """
    fbclid gclid dclid gclsrc gbraid wbraid gad_source gad_campaignid srsltid msclkid ttclid twclid yclid li_fat_id
    igsh igshid _ga _gl mc_cid mc_eid mkt_tok _hsenc _hsmi __hsfp __hssc __hstc hsctatracking vero_id vero_conv
    oly_anon_id oly_enc_id rb_clickid wickedid _openstat sccid epik
"""
_TRACKING = frozenset(_TRACKING_WORDS.split())
# Parameters that carry the mailbox of the visitor to pages that ask for a password.
_WHOM = frozenset(
    {"e", "em", "mail", "email", "emailaddress", "email_address", "login", "login_hint"}
    | {"user", "usr", "username", "userid", "user_id"}
)
_MAILBOX = re.compile(r"(?<![^/=?&:;, ])[A-Za-z0-9._+-]+@((?:[a-z0-9-]+\.)+[a-z]{2,})(?![^/=?&:;, ])", re.IGNORECASE)


def canonical_escapes(text: str) -> str:
    """Return a path or query, as parsers of URLs write it, in RFC 3986's one spelling."""
    return _ESCAPING.sub(_escaped, text) if _ESCAPING.search(text) else text


def canonical_query(text: str) -> str:
    """Return a query without empty parameters and those that identify who clicked; the others keep their order."""
    return "&".join([part for part in canonical_escapes(text).split("&") if part and not _identifies_visitor(part)])


def contains_mailbox(text: str) -> bool:
    """Return True if a path or query contains an e-mail address, by itself between marks."""
    if "@" not in text and "%40" not in text:
        return False
    return any(has_public_suffix(found[1].lower()) for found in _MAILBOX.finditer(unquote(text)))


def _identifies_visitor(part: str) -> bool:
    """Return True if a part of a query identifies who clicked, or on which advertisement."""
    name, _, value = part.partition("=")
    name = name.lower()
    if name in _TRACKING or name.startswith("utm_"):
        return True
    if "@" not in part and "%40" not in part:
        return False
    return (name in _WHOM or not value) and _is_mailbox(unquote(value or part))


def _is_mailbox(text: str) -> bool:
    found = _MAILBOX.fullmatch(text)
    return found is not None and has_public_suffix(found[1].lower())


def _escaped(found: re.Match[str]) -> str:
    """Return a character as RFC 3986 §6.2.2 writes it: plain if it is unreserved, else %XX in upper case."""
    if found[1] is None:
        return f"%{ord(found[0]):02X}"
    char = chr(int(found[1], 16))
    return char if char in _UNRESERVED else found[0].upper()
