"""Connections to other people's servers: which addresses they may have, proxies, and limits of time and size."""

import base64
import ipaddress
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from feeds.closing import closed_on_error
from feeds.errors import Misconfigured, TryLater
from feeds.settings import Secret

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def connect(
    host: str, port: int, *, timeout: float | None, allow_private: bool, options: Sequence[Sequence[Any]] = ()
) -> socket.socket:
    """Open a TCP connection to ``host``, at an address that is checked after the name is resolved.

    The name is resolved once, so that a second DNS answer cannot lead elsewhere. Raises ``Misconfigured`` if all
    addresses are private and ``allow_private`` is not set, and ``OSError`` if none accepts the connection.
    """
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    allowed = [candidate for candidate in found if allow_private or is_public(str(candidate[4][0]))]
    if not allowed:
        raise Misconfigured(private_address_message(host))
    failure: OSError = OSError(f"{host}: no address")
    for family, kind, protocol, _, address in allowed:
        opened = socket.socket(family, kind, protocol)
        try:
            with closed_on_error(opened):
                for option in options:
                    opened.setsockopt(*option)
                opened.settimeout(timeout)
                opened.connect(address)
            return opened
        except OSError as error:
            failure = error
    raise failure


def private_address_message(host: str) -> str:
    """Return why ``host`` is refused, and the setting that allows it."""
    return f"{host}: is an address of this machine or a private network; set allow_private = true if this is intended"


def is_public(address: str) -> bool:
    """Return whether an address is public, including one embedded in another (mapped, 6to4, NAT64)."""
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
    """Return whether ``host`` itself is this machine or in a private network, without a DNS look-up."""
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


def folder_url(url: str) -> str:
    """Return a URL with a slash at its end, to which paths can be joined."""
    return url if url.endswith("/") else url + "/"


def check_url(url: str, *, credentials: bool = False, allow_http: bool = True) -> None:
    """Raise ``ValueError`` for an invalid URL, one with a password, or one that sends ``credentials`` in clear."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not a URL with https:// or http:// and a server")
    if "@" in parts.netloc:
        raise ValueError("must not contain user or password; use the settings for them")
    if credentials and parts.scheme == "http" and not is_here(parts.hostname) and not allow_http:
        raise ValueError("http:// sends the credentials unencrypted; use https://, or set allow_http")


_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_LONGEST_HEAD = 1 << 16
_PORT = 80


class ProxySettings(BaseModel):
    """Which proxy to use, and the login there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    proxy: Annotated[str | None, Field(description="URL of the HTTP proxy to use")] = None
    proxy_user: Annotated[str | None, Field(description="user name at the proxy")] = None
    proxy_password: Annotated[Secret | None, Field(description="password at the proxy")] = None

    @field_validator("proxy")
    @classmethod
    def _plain_proxy(cls, url: str | None) -> str | None:
        if url is not None:
            check_url(url)
        return url

    @model_validator(mode="after")
    def _whole_proxy(self) -> Self:
        if (self.proxy_user is None) != (self.proxy_password is None):
            raise ValueError("set both proxy_user and proxy_password")
        if self.proxy_user and not self.proxy:
            raise ValueError("proxy_user needs proxy")
        return self

    def check_tunnel(self) -> None:
        """Raise ``ValueError`` for a proxy that ``connect_to`` cannot use."""
        if self.proxy is not None and urlsplit(self.proxy).scheme != "http":
            raise ValueError("proxy: write it as http://proxy:port; the connection through it is encrypted anyway")

    def proxy_login(self) -> tuple[str, str] | None:
        """Return user and password at the proxy."""
        if self.proxy_user is None or self.proxy_password is None:
            return None
        return self.proxy_user, self.proxy_password.reveal()

    def proxy_url(self) -> str:
        """Return the proxy's URL, including the login."""
        login = self.proxy_login()
        scheme, _, rest = (self.proxy or "").partition("://")
        return f"{scheme}://{':'.join(quote(part, safe='') for part in login)}@{rest}" if login else self.proxy or ""


def connect_to(settings: ProxySettings, host: str, port: int, *, timeout: float, allow_private: bool) -> socket.socket:
    """Open a TCP connection to ``host``, through the proxy if there is one.

    Raises like ``connect``. If a proxy resolves the name, only hosts given as a private address can be
    refused. The proxy itself may have any address: the operator chose it.
    """
    if settings.proxy is None:
        return connect(host, port, timeout=timeout, allow_private=allow_private)
    if not allow_private and is_private_literal(host):
        raise Misconfigured(private_address_message(host))
    parts = urlsplit(settings.proxy)
    opened = connect(parts.hostname or "", parts.port or _PORT, timeout=timeout, allow_private=True)
    with closed_on_error(opened):
        _ask(opened, settings, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", timeout)
    return opened


def _ask(opened: socket.socket, settings: ProxySettings, place: str, timeout: float) -> None:
    """Request a tunnel (RFC 9110 §9.3.6)."""
    asked = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if login := settings.proxy_login():
        login_text = base64.b64encode(":".join(login).encode()).decode()
        asked.append(f"Proxy-Authorization: Basic {login_text}")
    opened.sendall("\r\n".join([*asked, "", ""]).encode())
    ends, head = time.monotonic() + timeout, b""
    # Byte by byte: bytes after the head already belong to the tunnel.
    while not head.endswith(b"\r\n\r\n"):
        byte = opened.recv(1)
        if not byte or len(head) > _LONGEST_HEAD or time.monotonic() > ends:
            raise TryLater("proxy: does not open a tunnel")
        head += byte
    found = _STATUS.match(head)
    status = int(found[1]) if found else 0
    if status in (401, 403, 407):
        raise Misconfigured(f"proxy: refuses a tunnel to {place} (HTTP {status}); check proxy_user and proxy_password")
    if not 200 <= status < 300:
        raise TryLater(f"proxy: does not open a tunnel to {place} (HTTP {status})")


@contextmanager
def interrupted_after(seconds: float, hang_up: Callable[[], object]) -> Iterator[None]:
    """Call ``hang_up`` if the block takes longer than ``seconds``; the waiting caller gets an error."""
    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class AnswerOverdue(Exception):
    """A response took longer than allowed."""


@dataclass(frozen=True)
class Limits:
    """Limits of one response: seconds between bytes, seconds for the ``whole``, ``most`` bytes; None is no limit."""

    timeout: float
    whole: float | None
    most: int | None
    allow_private: bool

    def check_literal(self, host: str) -> None:
        """Raise ``Misconfigured`` if the host is itself a private address."""
        if not self.allow_private and is_private_literal(host):
            raise Misconfigured(private_address_message(host))


def pools(limits: Limits, *, to_proxy: bool = False) -> dict[str, Any]:
    """Return urllib3's pools by scheme, with connections that observe ``limits``."""
    # Classes, because a function as a class attribute would be bound to the pool as its method.
    kept = {"whole": limits.whole, "allow_private": limits.allow_private or to_proxy}
    plain = type("Plain", (HTTPConnectionPool,), {"ConnectionCls": type("PlainConnection", (_Plain,), kept)})
    secure = type("Secure", (HTTPSConnectionPool,), {"ConnectionCls": type("SecureConnection", (_Secure,), kept)})
    return {"http": plain, "https": secure}


class _Watch:
    """Interrupts a connection when its time is over."""

    def __init__(self, seconds: float, connection: HTTPConnection) -> None:
        self.fired = False
        self._connection = connection
        self._socket: Any = None
        self._timer = threading.Timer(seconds, self._fire)
        self._timer.daemon = True
        self._timer.start()

    def on(self, opened: Any) -> None:
        """Store the socket: the connection drops it when the peer closes after its response."""
        self._socket = opened

    def cancel(self) -> None:
        self._timer.cancel()

    def _fire(self) -> None:
        self.fired = True
        opened = self._socket or self._connection.sock
        if opened is not None:
            with suppress(OSError, ValueError):
                opened.shutdown(socket.SHUT_RDWR)


class _Guarded(HTTPConnection):
    """Connects to allowed addresses only, and limits the time of a whole response."""

    whole: float | None
    allow_private: bool
    _watch: _Watch | None = None

    def _new_conn(self) -> socket.socket:
        seconds = self.timeout if isinstance(self.timeout, int | float) else None
        try:
            opened = connect(
                self._dns_host,
                self.port or self.default_port,
                timeout=seconds,
                allow_private=self.allow_private,
                options=self.socket_options or (),
            )
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError as error:
            raise NewConnectionError(self, "the server's name is invalid") from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connecting takes too long") from error
        except OSError as error:
            raise NewConnectionError(self, f"cannot connect: {error.strerror}") from error
        sys.audit("http.client.connect", self, self.host, self.port)
        return opened

    def connect(self) -> None:
        self._begin()
        self._while_watched(super().connect)

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._begin()
        self._while_watched(super().request, *args, **kwargs)

    def getresponse(self) -> Any:
        if self._watch is not None:
            self._watch.on(self.sock)
        response = self._while_watched(super().getresponse)
        response.watch = self._watch
        return response

    def _begin(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = _Watch(self.whole, self) if self.whole is not None else None

    def _while_watched(self, ask: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return ask(*args, **kwargs)
        except Exception as error:  # an interrupted connection fails in many ways: the watch knows why
            if self._watch is not None:
                self._watch.cancel()
                if self._watch.fired:
                    raise AnswerOverdue("one response takes longer than answer_within") from error
            raise


class _Plain(_Guarded):
    pass


class _Secure(_Guarded, HTTPSConnection):
    pass


class Reply:
    """A response's body, unpacked in pieces; raises ``TryLater`` beyond the limits."""

    def __init__(self, raw: BaseHTTPResponse, limits: Limits, peer: str) -> None:
        self._raw = raw
        self._limits = limits
        self._peer = peer
        self._ends = time.monotonic() + (limits.whole or 0)
        self._taken = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amt: int = 1 << 16, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the body in pieces."""
        try:
            for piece in self._raw.stream(amt, decode_content=decode_content):
                self._taken += len(piece)
                self._check()
                yield piece
            self._check()
        except TryLater:
            self.close()
            raise
        except Exception:  # stop the watch with the body; the caller handles the error
            self._cancel()
            self._check()
            raise
        self._cancel()

    def read(self, amt: int | None = None, decode_content: bool | None = None, **_: Any) -> bytes:
        """Return the rest of the body, or ``amt`` bytes of it."""
        pieces = self.stream(amt or 1 << 16, decode_content)
        return next(pieces, b"") if amt is not None else b"".join(pieces)

    def close(self) -> None:
        """Close the connection."""
        self._cancel()
        self._raw.close()

    def _check(self) -> None:
        if self._limits.most is not None and self._taken > self._limits.most:
            raise TryLater(f"{self._peer}: the response is larger than max_bytes, {self._limits.most} bytes")
        watch: _Watch | None = getattr(self._raw, "watch", None)
        if (watch is not None and watch.fired) or (self._limits.whole and time.monotonic() > self._ends):
            raise TryLater(f"{self._peer}: one response takes longer than answer_within")

    def _cancel(self) -> None:
        watch: _Watch | None = getattr(self._raw, "watch", None)
        if watch is not None:
            watch.cancel()
