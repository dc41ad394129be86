"""Checks below HTTP: the address, the name, the connection, and TLS."""

import socket
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from feeds.doctor.findings import Findings, Unwell
from feeds.http.address_guard import is_here

_SECONDS = 10.0
_SOON = 21
_PORTS = {"http": 80, "https": 443}


def check_address(findings: Findings, url: str) -> SplitResult:
    """Return the parts of the hub's address. Raises ``Unwell``."""
    way_out = "give the address that the hub's operator sent you, as https://hub.example/taxii2/"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unwell("this is no address of a server", way_out) from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Unwell("this is no address of a server", way_out)
    if parts.username or parts.password:
        raise Unwell("the address has a password in it, which ends up in logs", "give --user, and the password apart")
    if parts.scheme == "http" and not is_here(parts.hostname):
        findings.wrong("address", "http:// sends logins and listings in clear", "use https://")
    else:
        findings.ok("address", f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else ""))
    return parts


def check_name(findings: Findings, host: str, port: int) -> None:
    """Find the addresses of the name. Raises ``Unwell``."""
    try:
        found = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (socket.gaierror, UnicodeError):
        raise Unwell(
            f"the name {host} is not known here",
            "compare the spelling with the operator's letter; ask your network team whether this machine may ask DNS",
        ) from None
    findings.ok("name", f"{host} is {', '.join(found[:4])}")


def check_connection(findings: Findings, host: str, port: int) -> None:
    """Connect and leave again. Raises ``Unwell``."""
    began = time.monotonic()
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except ConnectionRefusedError:
        raise Unwell(
            f"nothing listens at {host} port {port}", "is the port right? ask the operator whether the hub is down"
        ) from None
    except OSError as error:
        raise Unwell(
            f"{host} port {port} does not answer ({type(error).__name__})",
            "ask your network team whether this machine may connect there, or only through a proxy",
        ) from None
    findings.ok("connection", f"port {port} answers after {(time.monotonic() - began) * 1000:.0f} ms")


def check_tls(findings: Findings, host: str, port: int, ca_file: Path | None) -> None:
    """Check the certificate as a client does. Raises ``Unwell``."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError):
        raise Unwell(
            f"{ca_file}: there are no certificates in it", "give the authority's certificates as PEM"
        ) from None
    try:
        with (
            socket.create_connection((host, port), timeout=_SECONDS) as stream,
            context.wrap_socket(stream, server_hostname=host) as wrapped,
        ):
            certificate, version = wrapped.getpeercert() or {}, wrapped.version()
    except ssl.SSLCertVerificationError as error:
        raise Unwell(f"the certificate is not trusted: {error.verify_message}", _way_to_trust(error)) from None
    except OSError as error:
        raise Unwell(
            f"TLS does not come about ({type(error).__name__})",
            "does something between you and the hub break TLS open? is this port one of https?",
        ) from None
    ends = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "Jan  1 00:00:00 1970 GMT")))
    days = int((ends - time.time()) // 86_400)
    words = f"{version}, the certificate is good until {datetime.fromtimestamp(ends, UTC):%Y-%m-%d}"
    if days < _SOON:
        findings.note("TLS", f"{words}: {days} days", "tell the operator to renew it before it ends")
    else:
        findings.ok("TLS", words)


def _way_to_trust(error: ssl.SSLCertVerificationError) -> str:
    text = error.verify_message.lower()
    if "expired" in text:
        return "the operator has to renew it; if it looks good to others, this machine's clock is wrong"
    if "hostname" in text or "ip address" in text:
        return "it belongs to another name: use the address that the operator sent you"
    return "if the hub or your proxy has an authority of its own, give its certificate: --ca-file"
