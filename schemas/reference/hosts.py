"""Hosts of the internet: registrable names by the Public Suffix List, and publicly reachable addresses."""

import re
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

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
    """Return the reason why nobody can have registered ``name``."""
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
