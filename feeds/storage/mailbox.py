"""Reads a mailbox by IMAP (RFC 9051, and RFC 3501 before it), and never changes it."""

import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from feeds.connector import Misconfigured, TryLater
from feeds.http.proxy import ProxySettings, connect_to
from schemas.text import escaped

Tls = Literal["implicit", "starttls", "none"]

# An answer around a message is a few hundred bytes longer than it.
_AROUND = 1 << 16
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_UID = re.compile(rb"UID (\d+)")
# Response codes of RFC 5530 that tell that it may be better later.
_PASSING = re.compile(rb"\[(?:UNAVAILABLE|INUSE|SERVERBUG|LIMIT|CONTACTADMIN)\]")


class MailServer(NamedTuple):
    """Address and limits of a mail server.

    An answer may take ``timeout`` seconds between bytes and ``whole`` altogether; a message may have ``most`` bytes.
    """

    host: str
    port: int
    tls: Tls
    timeout: float
    whole: float
    ca_file: Path | None
    allow_private: bool
    most: int
    proxy: ProxySettings

    @property
    def peer(self) -> str:
        """Return the server's name for messages."""
        return f"{self.host}:{self.port}"

    def context(self) -> ssl.SSLContext:
        """Return the TLS context that checks its certificate. Raises ``Misconfigured``."""
        if self.ca_file is not None and not self.ca_file.is_file():
            raise Misconfigured(f"ca_file: there is no {self.ca_file}")
        return ssl.create_default_context(cafile=self.ca_file)


class MailLogin(NamedTuple):
    """The login: a password, or a token of OAuth 2 (``XOAUTH2``)."""

    user: str
    password: str | None
    token: str | None


class MailFolder:
    """A folder of a mailbox, open for reading; ``validity`` changes when its UIDs get new meanings."""

    def __init__(self, connection: "_Connection", validity: str, most: int) -> None:
        """Use an open connection; read ``most`` bytes of a message at most."""
        self.validity = validity
        self._connection, self._most = connection, most

    def sizes(self, first: int) -> list[tuple[int, int]]:
        """Return UID and size of each message from UID ``first`` on, in order."""
        with self._connection.watched():
            _, data = self._connection.uid("FETCH", f"{first}:*", "(UID RFC822.SIZE)")
        lines = [line for line in data or [] if isinstance(line, bytes)]
        found = [
            (int(uid[1]), int(size[1])) for line in lines if (uid := _UID.search(line)) and (size := _SIZE.search(line))
        ]
        # The range ends with the last message, wherever it begins (RFC 3501 §6.4.8).
        return sorted(pair for pair in found if pair[0] >= first)

    def message(self, uid: int) -> bytes | None:
        """Return a message without marking it as read; None if it is gone."""
        with self._connection.watched():
            _, data = self._connection.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{self._most}>)")
        return next((bytes(part[1]) for part in data or [] if isinstance(part, tuple)), None)


@contextmanager
def open_folder(server: MailServer, login: MailLogin, folder: str) -> Iterator[MailFolder]:
    """Open a folder for reading. Raises ``TryLater`` and ``Misconfigured``, also while it is used."""
    with _consequences(server.peer):
        connection = _Connection(server)
        try:
            with connection.watched():
                if server.tls == "starttls":
                    connection.starttls(server.context())
                _log_in(connection, login, server.peer)
                validity = _select(connection, folder, server.peer)
            yield MailFolder(connection, validity, server.most)
            _leave(connection)
        except BaseException:  # any error: no logout is sent to a server that may not answer
            with suppress(OSError):
                connection.shutdown()
            raise


class _Connection(imaplib.IMAP4):
    """Connects to allowed addresses only, and bounds what it reads."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        with self.watched():
            super().__init__(server.host, server.port, server.timeout)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Hang up after the time that a whole answer may take."""
        timer = threading.Timer(self._server.whole, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        with suppress(OSError, AttributeError):
            # Not TLS's own: another thread is reading.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        server = self._server
        seconds = timeout or server.timeout
        plain = connect_to(server.proxy, server.host, server.port, timeout=seconds, allow_private=server.allow_private)
        if server.tls != "implicit":
            return plain
        try:
            return server.context().wrap_socket(plain, server_hostname=server.host)
        except BaseException:  # whatever it is, nobody else knows the socket
            plain.close()
            raise

    def read(self, size: int) -> bytes:
        if size > self._server.most + _AROUND:
            raise self.abort("more than max_bytes")
        return super().read(size)


def _leave(connection: "_Connection") -> None:
    """Log out; errors no longer matter."""
    try:
        with connection.watched():
            connection.logout()
    except (OSError, imaplib.IMAP4.error):
        with suppress(OSError):
            connection.shutdown()


def _log_in(connection: _Connection, login: MailLogin, peer: str) -> None:
    try:
        if login.token is not None:
            response = f"user={login.user}\1auth=Bearer {login.token}\1\1"
            connection.authenticate("XOAUTH2", lambda asked: None if asked else response.encode())
        elif "AUTH=PLAIN" in connection.capabilities:
            response = f"\0{login.user}\0{login.password}"
            connection.authenticate("PLAIN", lambda _: response.encode())
        else:
            connection.login(login.user, login.password or "")
    except imaplib.IMAP4.abort:
        raise
    except UnicodeEncodeError:
        raise Misconfigured(f"{peer}: takes no password with letters beyond ASCII") from None
    except imaplib.IMAP4.error as error:
        if _PASSING.search(str(error).encode()):
            raise TryLater(f"{peer}: lets nobody in just now") from error
        # The server's words may repeat what was sent.
        raise Misconfigured(f"{peer}: refuses these credentials") from None


def _select(connection: _Connection, folder: str, peer: str) -> str:
    quoted = folder.replace("\\", "\\\\").replace('"', '\\"')
    status, data = connection.select(f'"{quoted}"', readonly=True)
    if status != "OK":
        passing = _PASSING.search(b" ".join(line for line in data if isinstance(line, bytes)))
        raise (TryLater if passing else Misconfigured)(f"{peer}: has no folder {escaped(folder)} for this user")
    _, validity = connection.response("UIDVALIDITY")
    value = validity[0] if validity else None
    if not isinstance(value, bytes):
        raise TryLater(f"{peer}: answers, but says no UIDVALIDITY")
    return value.decode("ascii", "replace")


@contextmanager
def _consequences(peer: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(f"{peer}: its certificate is not trusted here (ca_file names another authority)") from error
    except ssl.SSLError as error:
        raise TryLater(f"{peer}: breaks off the TLS connection") from error
    except (imaplib.IMAP4.error, ValueError) as error:
        raise TryLater(f"{peer}: answers, but not as a mail server does ({type(error).__name__})") from error
    except OSError as error:
        raise TryLater(f"{peer}: does not answer ({type(error).__name__})") from error
