"""The HTTP proxy that a feed may have to use, also for connections that are not HTTP."""

import base64
import re
import socket
import time
from typing import Annotated, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from feeds.connector import Misconfigured, Secret, TryLater
from feeds.http import address_guard
from feeds.http.address_guard import check_url

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_LONGEST_HEAD = 1 << 16
_PORT = 80


class ProxySettings(BaseModel):
    """Which proxy to use, and the login there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    proxy: Annotated[str | None, Field(description="URL of the HTTP proxy to go through")] = None
    proxy_user: Annotated[str | None, Field(description="our user name at the proxy")] = None
    proxy_password: Annotated[Secret | None, Field(description="our password at the proxy")] = None

    @field_validator("proxy")
    @classmethod
    def _plain_proxy(cls, url: str | None) -> str | None:
        if url is not None:
            check_url(url)
        return url

    @model_validator(mode="after")
    def _whole_proxy(self) -> Self:
        if (self.proxy_user is None) != (self.proxy_password is None):
            raise ValueError("proxy_user and proxy_password come together")
        if self.proxy_user and not self.proxy:
            raise ValueError("proxy_user needs proxy")
        return self

    def check_tunnel(self) -> None:
        """Raise ``ValueError`` for a proxy that ``connect_to`` cannot use."""
        if self.proxy is not None and urlsplit(self.proxy).scheme != "http":
            raise ValueError("proxy: write it as http://proxy:port; what goes through it is encrypted itself")

    def proxy_login(self) -> tuple[str, str] | None:
        """Return user and password at the proxy."""
        if self.proxy_user is None or self.proxy_password is None:
            return None
        return self.proxy_user, self.proxy_password.reveal()

    def proxy_url(self) -> str:
        """Return the proxy's URL, with the login in it."""
        login = self.proxy_login()
        scheme, _, rest = (self.proxy or "").partition("://")
        return f"{scheme}://{':'.join(quote(part, safe='') for part in login)}@{rest}" if login else self.proxy or ""


def connect_to(settings: ProxySettings, host: str, port: int, *, timeout: float, allow_private: bool) -> socket.socket:
    """Open a TCP connection to ``host``, through the proxy if there is one.

    Raises as ``address_guard.connect``. If a proxy resolves the name, only hosts that name a private address themselves
    can be refused. The proxy itself may be anywhere: the operator chose it.
    """
    if settings.proxy is None:
        return address_guard.connect(host, port, timeout=timeout, allow_private=allow_private)
    if not allow_private and address_guard.is_private_literal(host):
        raise Misconfigured(address_guard.private_address_message(host))
    parts = urlsplit(settings.proxy)
    opened = address_guard.connect(parts.hostname or "", parts.port or _PORT, timeout=timeout, allow_private=True)
    try:
        _ask(opened, settings, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", timeout)
    except BaseException:  # whatever it is, nobody else knows the socket
        opened.close()
        raise
    return opened


def _ask(opened: socket.socket, settings: ProxySettings, place: str, timeout: float) -> None:
    """Ask for a tunnel (RFC 9110 §9.3.6)."""
    asked = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if login := settings.proxy_login():
        login_text = base64.b64encode(":".join(login).encode()).decode()
        asked.append(f"Proxy-Authorization: Basic {login_text}")
    opened.sendall("\r\n".join([*asked, "", ""]).encode())
    ends, head = time.monotonic() + timeout, b""
    # Byte by byte: what comes after the head is the other side's already.
    while not head.endswith(b"\r\n\r\n"):
        byte = opened.recv(1)
        if not byte or len(head) > _LONGEST_HEAD or time.monotonic() > ends:
            raise TryLater("proxy: does not open the way")
        head += byte
    found = _STATUS.match(head)
    status = int(found[1]) if found else 0
    if status in (401, 403, 407):
        raise Misconfigured(f"proxy: refuses the way to {place} (HTTP {status}); see proxy_user, proxy_password")
    if not 200 <= status < 300:
        raise TryLater(f"proxy: does not open the way to {place} (HTTP {status})")
