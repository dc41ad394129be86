"""Client certificates and addresses of requests, with or without a proxy in front.

A proxy is trusted only if the settings name its address. Its certificates are trusted only if they name the header as
well. Both are off by default, because any client can send such a header.
"""

import ipaddress
import re
import ssl
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

_PORT = re.compile(r":[0-9]*\Z")
# Headers that proxies, load balancers and content networks add to the requests that they pass on. Prometheus, curl and
# browsers send none of them.
_MARKS = frozenset(
    f"HTTP_{name.upper().replace('-', '_')}"
    for name in (
        *("Via", "Forwarded", "Forwarded-For", "Max-Forwards", "CDN-Loop", "Surrogate-Capability", "Proxy-Connection"),
        *("X-Real-IP", "X-Client-IP", "Client-IP", "True-Client-IP", "X-Cluster-Client-IP", "X-Originating-IP"),
        *(
            "X-Remote-IP",
            "X-Remote-Addr",
            "X-Host",
            "X-Varnish",
            "X-Cache",
            "X-ProxyUser-IP",
            "X-Scheme",
            "Front-End-Https",
        ),
        *("X-Request-Start", "X-Queue-Start", "X-Cloud-Trace-Context", "X-Azure-ClientIP", "X-Azure-SocketIP"),
    )
)
_BEGINNINGS_OF_MARKS = tuple(
    f"HTTP_{name}"
    for name in (
        "X_FORWARDED",
        "X_ORIGINAL",
        "X_ENVOY_",
        "X_AMZN_",
        "X_AMZ_CF_",
        "CF_",
        "FASTLY_",
        "X_AZURE_FD",
        "X_ARR_",
    )
)


class TrustedProxies:
    """The proxies trusted for the source address and the client certificate of a request."""

    def __init__(self, addresses: str = "", certificate_header: str = "") -> None:
        """Trust the proxies at ``addresses``: networks or addresses, separated by commas. Raises ``ValueError``.

        ``certificate_header`` has the verified client certificate, PEM in percent-encoding; empty for none.
        """
        named = [address.strip() for address in addresses.split(",")]
        self._networks = tuple(ipaddress.ip_network(address) for address in named if address)
        self._header = "HTTP_" + certificate_header.upper().replace("-", "_") if certificate_header else None
        self._is_proxy = lru_cache(maxsize=1024)(self._is_in_networks)

    def certificate(self, environ: dict[str, Any]) -> bytes | None:
        """Return the client certificate (DER) of a WSGI request, verified where TLS ended, or None."""
        own: bytes | None = environ.get("scamfeed.certificate")
        if own is not None:
            return own
        if self._header is None or not self._is_proxy(environ.get("REMOTE_ADDR", "")):
            return None
        escaped = environ.get(self._header)
        if not escaped:
            return None
        try:
            return ssl.PEM_cert_to_DER_cert(unquote(escaped))
        except ValueError:
            return None

    def is_trusted(self, environ: dict[str, Any]) -> bool:
        """Return whether a WSGI request comes from one of the proxies."""
        return bool(self._is_proxy(environ.get("REMOTE_ADDR", "")))

    def remote(self, environ: dict[str, Any]) -> str:
        """Return the source address of a WSGI request: the last one that is not a trusted proxy."""
        address: str = environ.get("REMOTE_ADDR", "")
        if not self._networks:
            return address
        hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        while hops and self._is_proxy(address):
            before = hops.pop()
            if _parsed(before) is None:
                break
            address = before
        return address

    def _is_in_networks(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def is_local(environ: dict[str, Any]) -> bool:
    """Return whether a request comes directly from this machine, not through a proxy on it.

    It must name the server by an address of this machine or as ``localhost``. In a DNS rebinding attack, a local
    browser sends the attacker's host name. HTTP/1.0 is what nginx speaks to a server unless it is told otherwise.
    """
    parsed = _parsed(environ.get("REMOTE_ADDR", ""))
    if parsed is None or not parsed.is_loopback or environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return False
    if any(name in _MARKS or name.startswith(_BEGINNINGS_OF_MARKS) for name in environ):
        return False
    name = _PORT.sub("", environ.get("HTTP_HOST", "localhost")).lower()
    named = _parsed(name.strip("[]"))
    return named.is_loopback if named is not None else name in ("", "localhost")


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
