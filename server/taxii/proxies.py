"""What a connection says of itself: its client certificate, and the address that it comes from.

A proxy in front is believed only where the settings name its address, and about certificates only where they name the
header that it sends them in. Both are off by default: a header that anybody may send proves nothing.
"""

import ipaddress
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Proxies:
    """Whose word is taken for where a request comes from, and the header (as WSGI has it) with the certificate."""

    networks: tuple[_Network, ...] = ()
    header: str | None = None


_proxies = Proxies()


def trust(addresses: str, header: str) -> None:
    """Believe the proxies at ``addresses`` (networks or addresses, separated by commas), in this process.

    ``header`` names the one with the verified client certificate, PEM in percent-encoding; empty for none. Raises
    ``ValueError``.
    """
    global _proxies
    networks = tuple(ipaddress.ip_network(one.strip()) for one in addresses.split(",") if one.strip())
    _proxies = Proxies(networks, "HTTP_" + header.upper().replace("-", "_") if header else None)
    _is_proxy.cache_clear()


def presented(environ: dict[str, Any]) -> bytes | None:
    """Give the client certificate (DER) of a WSGI request, verified by whoever ended the TLS; None without one."""
    own: bytes | None = environ.get("scamfeed.certificate")
    if own is not None:
        return own
    if _proxies.header is None or not _is_proxy(environ.get("REMOTE_ADDR", "")):
        return None
    escaped = environ.get(_proxies.header)
    if not escaped:
        return None
    try:
        return ssl.PEM_cert_to_DER_cert(unquote(escaped))
    except ValueError:
        return None


def remote(environ: dict[str, Any]) -> str:
    """Give the address that a WSGI request comes from: the last one that no trusted proxy has."""
    address: str = environ.get("REMOTE_ADDR", "")
    if not _proxies.networks:
        return address
    hops = [one.strip() for one in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if one.strip()]
    while hops and _is_proxy(address):
        before = hops.pop()
        if not _is_address(before):
            break
        address = before
    return address


def direct(environ: dict[str, Any]) -> bool:
    """Tell whether a request comes from this machine itself, and through no proxy on it."""
    forwarded = any(name in environ for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"))
    try:
        return not forwarded and ipaddress.ip_address(environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _is_proxy(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _proxies.networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
