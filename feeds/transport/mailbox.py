"""Mailboxes over IMAP, and the parts of their messages."""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime
from pathlib import Path
from typing import Literal, NamedTuple

from authres import AuthenticationResultsHeader
from authres.core import AuthenticationResult, AuthResError

from feeds.closing import closed_on_error
from feeds.errors import Misconfigured, TryLater
from feeds.mime import decoded_header, parse_mail
from feeds.transport.connections import ProxySettings, connect_to, interrupted_after
from schemas import timestamp
from schemas.text import escaped

# Parts of mails that are not reports: pictures in signatures, and proofs of the author.
_BESIDE = re.compile(
    r"(?:image|audio|video|font)/|application/(?:pkcs7-signature|x-pkcs7-signature|pgp-|ms-tnef)|text/calendar"
)
_LONGEST_RESULTS, _MOST_RESULTS = 8192, 100
_LONGEST_AUTHORS = 8192
_TEXTS = ("text/plain", "text/html")


class MailFile(NamedTuple):
    """A file in a mail; ``body`` if it is the mail's own text."""

    name: str
    data: bytes
    body: bool = False


class Mail:
    """A mail as it arrived."""

    def __init__(self, data: bytes) -> None:
        """Parse a mail. Raises ``MailRefused``."""
        self._message = parse_mail(data)

    @property
    def sent_at(self) -> datetime | None:
        """Return the stated time of sending, at most now; None if there is none."""
        try:
            moment = parsedate_to_datetime(str(self._message.get("Date", "")))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=timestamp.now().tzinfo)
            return min(timestamp.to_millisecond(moment), timestamp.now())
        except (ValueError, OverflowError, TypeError):
            return None

    def is_from(self, senders: Sequence[str]) -> bool:
        """Return whether its only author is among ``senders``: addresses, and domains as ``@example.com``."""
        authors = self._authors()
        known = {sender.lower() for sender in senders}
        return len(authors) == 1 and (authors[0] in known or "@" + authors[0].rpartition("@")[2] in known)

    def is_authenticated(self, server: str) -> bool:
        """Return whether our mail server ``server`` confirmed the author's domain (RFC 8601, DMARC).

        Its topmost header counts; older headers below may be forged. It must state the domain of the author, as
        ``header.from``.
        """
        authors = self._authors()
        for header in self._all("Authentication-Results")[:_MOST_RESULTS]:
            text = str(header)
            try:
                if len(text) > _LONGEST_RESULTS:
                    raise AuthResError("longer than any server writes")
                results = AuthenticationResultsHeader.parse(f"Authentication-Results: {text}")
            except AuthResError:
                if server.lower() in text.lower():
                    return False
                continue
            if results.authserv_id.lower() == server.lower():
                checks = [result for result in results.results if result.method.lower() == "dmarc"]
                return len(authors) == 1 and bool(checks) and all(_passes(check, authors[0]) for check in checks)
        return False

    def files(self, *, bodies: bool) -> Iterator[MailFile]:
        """Yield attached files, also of forwarded mails; with ``bodies`` the plain text too."""
        for part in self._message.walk():
            type_ = part.get_content_type()
            if part.is_multipart() or _BESIDE.match(type_):
                continue
            sent = part.get_content_disposition() == "attachment" or part.get_param("name") or part.get_filename()
            data = part.get_payload(decode=True)
            if not isinstance(data, bytes):
                continue
            if sent or type_ not in _TEXTS:
                yield MailFile(_name(part), data)
            elif bodies and type_ == "text/plain":
                yield MailFile("", _text(part, data), body=True)

    def _authors(self) -> list[str]:
        """Return the addresses of the authors; none if there are more than any program writes."""
        headers = [str(header) for header in self._all("From")]
        if sum(map(len, headers)) > _LONGEST_AUTHORS:
            return []
        return [address.lower() for _, address in getaddresses(headers)]

    def _all(self, header: str) -> list[object]:
        return list(self._message.get_all(header, []))


def _passes(check: AuthenticationResult, author: str) -> bool:
    """Return whether a DMARC check passed for that author's domain."""
    domains = [prop.value for prop in check.properties if (prop.type.lower(), prop.name.lower()) == ("header", "from")]
    return check.result.lower() == "pass" and domains != [] and {*map(_domain, domains)} == {_domain(author)}


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip('"').rstrip(".").lower()


def _name(part: Message) -> str:
    name = decoded_header(collapse_rfc2231_value(part.get_filename() or ""))
    return escaped(name[:1_000])[:200] or "unnamed"


def _text(part: Message, data: bytes) -> bytes:
    """Return a text in UTF-8, decoded by its stated encoding if possible."""
    try:
        return data.decode(part.get_content_charset() or "utf-8").encode()
    except (LookupError, UnicodeError):
        return data


Tls = Literal["implicit", "starttls", "none"]

# A response around a message is a few hundred bytes longer than the message.
_AROUND = 1 << 16
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_UID = re.compile(rb"UID (\d+)")
# Response codes of RFC 5530 for errors that may be temporary.
_PASSING = re.compile(rb"\[(?:UNAVAILABLE|INUSE|SERVERBUG|LIMIT|CONTACTADMIN)\]")


class MailServer(NamedTuple):
    """Address and limits of a mail server.

    A response may take ``timeout`` seconds between bytes and ``whole`` seconds in total; a message may have ``most``
    bytes.
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
            raise Misconfigured(f"ca_file: {self.ca_file} does not exist")
        return ssl.create_default_context(cafile=self.ca_file)


class MailLogin(NamedTuple):
    """The login: a password, or a token of OAuth 2 (``XOAUTH2``)."""

    user: str
    password: str | None
    token: str | None


class MailFolder:
    """A folder of a mailbox, open for reading; ``validity`` changes when its UIDs get new meanings."""

    def __init__(self, connection: "_Connection", validity: str, most: int) -> None:
        """Use an open connection; read at most ``most`` bytes of a message."""
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
        # The range always includes the last message, even before ``first`` (RFC 3501 §6.4.8).
        return sorted(pair for pair in found if pair[0] >= first)

    def message(self, uid: int) -> bytes | None:
        """Return a message without marking it as read; None if it no longer exists."""
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
    """Connects to allowed addresses only, and limits what it reads."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        with self.watched():
            super().__init__(server.host, server.port, server.timeout)

    def watched(self) -> AbstractContextManager[None]:
        """Interrupt a response that takes longer than allowed in total."""
        return interrupted_after(self._server.whole, self._hang_up)

    def _hang_up(self) -> None:
        with suppress(OSError, AttributeError):
            # Not TLS's own shutdown: another thread is reading.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        server = self._server
        seconds = timeout or server.timeout
        plain = connect_to(server.proxy, server.host, server.port, timeout=seconds, allow_private=server.allow_private)
        if server.tls != "implicit":
            return plain
        with closed_on_error(plain):
            return server.context().wrap_socket(plain, server_hostname=server.host)

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
        raise Misconfigured(f"{peer}: accepts only passwords in ASCII") from None
    except imaplib.IMAP4.error as error:
        if _PASSING.search(str(error).encode()):
            raise TryLater(f"{peer}: rejects all logins at the moment") from error
        # The server's message may repeat the data sent.
        raise Misconfigured(f"{peer}: refuses these credentials") from None


def _select(connection: _Connection, folder: str, peer: str) -> str:
    quoted = folder.replace("\\", "\\\\").replace('"', '\\"')
    status, data = connection.select(f'"{quoted}"', readonly=True)
    if status != "OK":
        passing = _PASSING.search(b" ".join(line for line in data if isinstance(line, bytes)))
        raise (TryLater if passing else Misconfigured)(f"{peer}: this user has no folder {escaped(folder)}")
    _, validity = connection.response("UIDVALIDITY")
    value = validity[0] if validity else None
    if not isinstance(value, bytes):
        raise TryLater(f"{peer}: its response has no UIDVALIDITY")
    return value.decode("ascii", "replace")


@contextmanager
def _consequences(peer: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(f"{peer}: its certificate is not trusted (ca_file sets a private authority)") from error
    except ssl.SSLError as error:
        raise TryLater(f"{peer}: closed the TLS connection") from error
    except (imaplib.IMAP4.error, ValueError) as error:
        raise TryLater(f"{peer}: its response is not IMAP ({type(error).__name__})") from error
    except OSError as error:
        raise TryLater(f"{peer}: does not answer ({type(error).__name__})") from error
