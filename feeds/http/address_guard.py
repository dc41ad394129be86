"""Decides which addresses and URLs a feed may ask: public ones, and private ones only if its settings allow it."""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from feeds.connector import Misconfigured

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def connect(
    host: str, port: int, *, timeout: float | None, allow_private: bool, options: Sequence[Sequence[Any]] = ()
) -> socket.socket:
    """Open a TCP connection to ``host``, at an address that is checked after the name is resolved.

    The name is resolved once, so that a second answer cannot lead elsewhere. Raises ``Misconfigured`` if all addresses
    are private and ``allow_private`` is not set, and ``OSError`` if none answers.
    """
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    allowed = [candidate for candidate in found if allow_private or is_public(str(candidate[4][0]))]
    if not allowed:
        raise Misconfigured(private_address_message(host))
    failure: OSError = OSError(f"{host}: no address")
    for family, kind, protocol, _, address in allowed:
        opened = socket.socket(family, kind, protocol)
        try:
            for option in options:
                opened.setsockopt(*option)
            opened.settimeout(timeout)
            opened.connect(address)
        except OSError as error:
            opened.close()
            failure = error
        except BaseException:  # whatever it is, nobody else knows the socket
            opened.close()
            raise
        else:
            return opened
    raise failure


def private_address_message(host: str) -> str:
    """Return why ``host`` is refused, and the setting that allows it."""
    return f"{host}: is an address of this machine or its own network; set allow_private = true, if that is meant"


def is_public(address: str) -> bool:
    """Return whether an address is public, also one inside another (mapped, 6to4, NAT64)."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None and (not is_public(str(inner)) or found.ipv4_mapped or found in _NAT64):
            return is_public(str(inner))
        if found.is_site_local:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def is_private_literal(host: str) -> bool:
    """Return whether ``host`` itself names this machine or a private network, without any look-up."""
    bare = host.strip("[]").rstrip(".").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return not is_public(bare)
    except ValueError:
        return _is_old_spelling(bare)


def _is_old_spelling(host: str) -> bool:
    """Return whether ``host`` is a private IPv4 address written as ``2130706433`` or ``0x7f.1``."""
    try:
        return not is_public(socket.inet_ntoa(socket.inet_aton(host)))
    except (OSError, ValueError):
        return False


def is_here(host: str) -> bool:
    """Return whether ``host`` is a loopback name or address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def check_url(url: str, *, credentials: bool = False, allow_http: bool = True) -> None:
    """Raise ``ValueError`` for a text that is no URL, shows a password, or would send ``credentials`` in clear."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not a URL that begins with https:// or http:// and names a server")
    if "@" in parts.netloc:
        raise ValueError("no user or password in it; they have settings of their own")
    if credentials and parts.scheme == "http" and not is_here(parts.hostname) and not allow_http:
        raise ValueError("http:// shows the credentials to all on the way; use https://, or set allow_http")
