"""Parse mails: within limits of depth and parts, as each of them costs time."""

from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from feeds.errors import UnreadableFile

_MOST_PARTS = 500
# The parser gives each line to all parts around it.
_DEEPEST = 20
# The time for encoded words grows with the square of their number.
_LONGEST_ENCODED = 8_192


class MailRefused(UnreadableFile):
    """The mail has more parts, one after the other or inside each other, than are read."""


class _Part(Message):
    """A part of a mail, which knows how deep it is in its mail."""

    _depth = 0
    _root: "_Part | None" = None
    _parts = 1

    def attach(self, payload: Any) -> None:
        """Add a part below this one. Raises ``MailRefused``."""
        root = self._root or self
        root._parts += 1
        if root._parts > _MOST_PARTS:
            raise MailRefused(f"the mail has more than {_MOST_PARTS} parts: send the files themselves")
        payload._root, payload._depth = root, self._depth + 1
        if payload._depth > _DEEPEST:
            raise MailRefused(f"the mail has parts in more than {_DEEPEST} others: send the files themselves")
        super().attach(payload)


def parse_mail(data: bytes) -> Message:
    """Parse a mail. Raises ``MailRefused``."""
    return message_from_bytes(data, _Part)


def decoded_header(text: str) -> str:
    """Return a header without its encoding, if that can be read and is not longer than any program writes."""
    if len(text) > _LONGEST_ENCODED:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError, HeaderParseError):
        return text
