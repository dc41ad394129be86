"""What the doctor asks a hub (name, connection, certificate, requests) and how it reports its findings."""

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec
import requests

from feeds.errors import Misconfigured, TryLater
from feeds.transport import client
from feeds.transport.client import LoginSettings
from feeds.transport.connections import is_here
from feeds.transport.taxii import MEDIA_TYPE

Verdict = Literal["ok", "note", "wrong", "skipped"]


class Finding(NamedTuple):
    """The verdict of one check in words, and the ``way_out``: what to do about it."""

    check: str
    verdict: Verdict
    words: str
    way_out: str | None = None


class Unwell(Exception):
    """A check failed, and the checks that depend on it cannot be made."""

    def __init__(self, words: str, way_out: str) -> None:
        super().__init__(words)
        self.words = words
        self.way_out = way_out


@dataclass
class Findings:
    """The findings of one check-up, in the order of the checks."""

    found: list[Finding] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Return whether there is no problem; a note is not a problem."""
        return not any(finding.verdict == "wrong" for finding in self.found)

    def ok(self, check: str, words: str) -> None:
        """Add a successful check."""
        self.found.append(Finding(check, "ok", words))

    def note(self, check: str, words: str, way_out: str | None = None) -> None:
        """Add information that is not a problem."""
        self.found.append(Finding(check, "note", words, way_out))

    def wrong(self, check: str, words: str, way_out: str) -> None:
        """Add a fault."""
        self.found.append(Finding(check, "wrong", words, way_out))

    def skip(self, check: str, words: str) -> None:
        """Add a check that could not be made."""
        self.found.append(Finding(check, "skipped", words))


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
        raise Unwell("this is not the address of a server", way_out) from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Unwell("this is not the address of a server", way_out)
    if parts.username or parts.password:
        raise Unwell(
            "the address contains a password, which appears in logs", "give --user, and the password separately"
        )
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
            f"the name {host} cannot be resolved on this machine",
            "compare the spelling with the operator's letter; ask your network team whether this machine may query DNS",
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
            f"the TLS handshake fails ({type(error).__name__})",
            "does a device between you and the hub intercept TLS? is this a port for https?",
        ) from None
    ends = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "Jan  1 00:00:00 1970 GMT")))
    days = int((ends - time.time()) // 86_400)
    words = f"{version}, the certificate is valid until {datetime.fromtimestamp(ends, UTC):%Y-%m-%d}"
    if days < _SOON:
        findings.note("TLS", f"{words}: {days} days", "ask the operator to renew it before it expires")
    else:
        findings.ok("TLS", words)


def _way_to_trust(error: ssl.SSLCertVerificationError) -> str:
    text = error.verify_message.lower()
    if "expired" in text:
        return "the operator has to renew it; if it is valid for others, this machine's clock is wrong"
    if "hostname" in text or "ip address" in text:
        return "it belongs to another name: use the address that the operator sent you"
    return "if the hub or your proxy uses a private authority, give its certificate: --ca-file"


_WAYS_OUT = {
    401: "the hub does not accept this login: check user and password or token; the operator can issue new ones "
    "(scamfeed partner rotate)",
    403: "the login is valid but not allowed to do this: ask the operator for a grant",
    404: "there is nothing at this address for you: compare it with the operator's letter; resources that you may not "
    "read look as if they did not exist",
    406: "the server does not support TAXII 2.1 here: is this the address of the hub, or of another page?",
    429: "too many requests: wait as long as Retry-After says; does another program use this login?",
}
_HEADERS = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After")


class HubResponse(NamedTuple):
    """A response: its status, its headers, and its JSON object; None if it is not a JSON object."""

    status: int
    headers: Mapping[str, str]
    document: dict[str, Any] | None


class HubRequests:
    """Sends requests to one hub with one login, and stores the limits stated by the hub."""

    def __init__(self, settings: LoginSettings, url: str) -> None:
        """Allow requests to the server of ``url`` only."""
        self._session: requests.Session = client.open_session(settings, url)
        self._session.auth = settings.auth()
        self.limits: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask(self, url: str, accept: str = MEDIA_TYPE, **query: str | int) -> HubResponse:
        """Return the response to a GET, with any status. Raises ``Unwell`` if there is none."""
        try:
            answer = self._session.get(url, headers={"Accept": accept}, params=query)
        except (TryLater, Misconfigured) as error:
            raise Unwell(str(error), "give the address of the hub itself") from error
        except requests.RequestException as error:
            raise Unwell(
                f"the hub closed the connection ({type(error).__name__})", "try again; tell the operator if it persists"
            ) from error
        self.limits |= {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
        try:
            document = msgspec.json.decode(answer.content)
        except (msgspec.MsgspecError, UnicodeError):
            document = None
        return HubResponse(answer.status_code, answer.headers, document if isinstance(document, dict) else None)

    def read(self, url: str, accept: str = MEDIA_TYPE, **query: str | int) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Return the JSON and the headers of a response. Raises ``Unwell`` unless it has status 200 and JSON."""
        answer = self.ask(url, accept, **query)
        if answer.status != 200:
            way_out = _WAYS_OUT.get(answer.status, "tell the operator the time and the status")
            raise Unwell(f"the hub answers HTTP {answer.status}{_wait(answer.headers)}", way_out)
        if answer.document is None:
            raise Unwell(
                "the response is not JSON: it may be a web page, or from a proxy", "is this the address of the hub?"
            )
        return answer.document, answer.headers


def _wait(headers: Mapping[str, str]) -> str:
    after = headers.get("Retry-After")
    return f", try again in {after} s" if after and after.isdecimal() else ""
