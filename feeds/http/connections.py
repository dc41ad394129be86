"""Connections of a session: to allowed addresses only, cut off after too much time or too many bytes."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from feeds.connector import Misconfigured, TryLater
from feeds.http.address_guard import connect, is_private_literal, private_address_message


class AnswerOverdue(Exception):
    """An answer took longer than allowed."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one answer: seconds between bytes, seconds for the ``whole``, ``most`` bytes; None is no bound."""

    timeout: float
    whole: float | None
    most: int | None
    allow_private: bool

    def check_literal(self, host: str) -> None:
        """Raise ``Misconfigured`` for a host that names a private address itself."""
        if not self.allow_private and is_private_literal(host):
            raise Misconfigured(private_address_message(host))


def pools(limits: Limits, *, to_proxy: bool = False) -> dict[str, Any]:
    """Return urllib3's pools by scheme, with connections that keep ``limits``."""
    # Classes, since a function that is a class's attribute would be bound to the pool as its method.
    kept = {"whole": limits.whole, "allow_private": limits.allow_private or to_proxy}
    plain = type("Plain", (HTTPConnectionPool,), {"ConnectionCls": type("PlainConnection", (_Plain,), kept)})
    secure = type("Secure", (HTTPSConnectionPool,), {"ConnectionCls": type("SecureConnection", (_Secure,), kept)})
    return {"http": plain, "https": secure}


class _Watch:
    """Cuts a connection off when its time is over."""

    def __init__(self, seconds: float, connection: HTTPConnection) -> None:
        self.fired = False
        self._connection = connection
        self._socket: Any = None
        self._timer = threading.Timer(seconds, self._fire)
        self._timer.daemon = True
        self._timer.start()

    def on(self, opened: Any) -> None:
        """Keep the socket: the connection drops it when the peer closes after its answer."""
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
    """Connects to allowed addresses only, and bounds the time of a whole answer."""

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
            raise NewConnectionError(self, "the name of the server is none") from error
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
        except Exception as error:  # a connection that is cut off fails in many ways: the watch knows why
            if self._watch is not None and self._watch.fired:
                raise AnswerOverdue("takes longer than answer_within for one answer") from error
            raise


class _Plain(_Guarded):
    pass


class _Secure(_Guarded, HTTPSConnection):
    pass


class Reply:
    """A response's body, unpacked in pieces, which raises ``TryLater`` beyond the limits."""

    def __init__(self, raw: BaseHTTPResponse, limits: Limits, peer: str) -> None:
        """Read from ``raw``; ``peer`` names the server in messages."""
        self._raw = raw
        self._limits = limits
        self._peer = peer
        self._ends = time.monotonic() + (limits.whole or 0)
        self._taken = 0

    def __getattr__(self, name: str) -> Any:
        """Return everything else from the response."""
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
        except Exception:  # the watch goes with the body; what went wrong is the caller's to judge
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
            raise TryLater(f"{self._peer}: answers with more than max_bytes, {self._limits.most} bytes")
        watch: _Watch | None = getattr(self._raw, "watch", None)
        if (watch is not None and watch.fired) or (self._limits.whole and time.monotonic() > self._ends):
            raise TryLater(f"{self._peer}: takes longer than answer_within for one answer")

    def _cancel(self) -> None:
        watch: _Watch | None = getattr(self._raw, "watch", None)
        if watch is not None:
            watch.cancel()
