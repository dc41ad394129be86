"""Mails: their authors, and the files of reports in them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime
from typing import NamedTuple

from authres import AuthenticationResultsHeader
from authres.core import AuthenticationResult, AuthResError

from schemas import timestamp
from schemas.text import escaped

# What mails carry beside what is sent with them: pictures of signatures, and proofs of who wrote.
_BESIDE = re.compile(
    r"(?:image|audio|video|font)/|application/(?:pkcs7-signature|x-pkcs7-signature|pgp-|ms-tnef)|text/calendar"
)
_LONGEST_RESULTS = 8192
_TEXTS = ("text/plain", "text/html")


class MailFile(NamedTuple):
    """A file in a mail; ``body`` if it is the mail's own text."""

    name: str
    data: bytes
    body: bool = False


class Mail:
    """A mail as it arrived."""

    def __init__(self, data: bytes) -> None:
        """Parse a mail."""
        self._message: Message = message_from_bytes(data)

    @property
    def sent_at(self) -> datetime | None:
        """Return when it says it was sent, now at the latest; None if it does not say."""
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
        """Return whether our mail server of that name confirmed the author's domain (RFC 8601, DMARC).

        Its topmost header counts; older headers below may be forged. It must name the domain of the author, as
        ``header.from``.
        """
        authors = self._authors()
        for header in self._all("Authentication-Results"):
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
        return [address.lower() for _, address in getaddresses([str(header) for header in self._all("From")])]

    def _all(self, header: str) -> list[object]:
        return list(self._message.get_all(header, []))


def _passes(check: AuthenticationResult, author: str) -> bool:
    """Return whether a DMARC check passed for that author's domain."""
    domains = [prop.value for prop in check.properties if (prop.type.lower(), prop.name.lower()) == ("header", "from")]
    return check.result.lower() == "pass" and domains != [] and {*map(_domain, domains)} == {_domain(author)}


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip('"').rstrip(".").lower()


def _name(part: Message) -> str:
    name = part.get_filename() or ""
    with suppress(ValueError, LookupError, HeaderParseError):
        name = str(make_header(decode_header(collapse_rfc2231_value(name))))
    return escaped(name)[:200] or "unnamed"


def _text(part: Message, data: bytes) -> bytes:
    """Return a text in UTF-8, whatever encoding it states."""
    try:
        return data.decode(part.get_content_charset() or "utf-8").encode()
    except (LookupError, UnicodeError):
        return data
