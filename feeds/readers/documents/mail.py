"""Mail messages (.eml): their headers and text, the originals that they forward, and their attachments."""

import re
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

from feeds.errors import UnreadableFile
from feeds.mime import decoded_header, parse_mail
from feeds.readers.documents import html
from feeds.readers.documents.parts import Attached, Part, Table, Text, UnreadPart

_SHOWN = ("From", "Reply-To", "To", "Cc", "Subject", "Date")
_FORWARDED = "---------- Forwarded message ----------"
_MAY_BE_VALUE = re.compile(rb"\d(?:[^\w\n]?\d){3}|\w@|://|\w\[?\.\]?\w\w")
_PICTURES = ("image", "audio", "video", "font")
_PICTURE = ("picture", "a picture is not read: type what it shows")


def parts(path: str, name: str) -> Iterator[Part]:
    """Yield the parts of a message in order; the text of a web page only where there is no plain one."""
    message = parse_mail(Path(path).read_bytes())
    if not message.keys():
        raise UnreadableFile("this is not a mail message: save it as .eml")
    yield from _Message().parts(message, forwarded=False)


class _Message:
    """Reads one message, and those inside it."""

    def __init__(self) -> None:
        self._line = 1

    def parts(self, message: Message, *, forwarded: bool) -> Iterator[Part]:
        """Yield the headers, texts and files of a message, then the messages that it forwards."""
        headers = [f"{header}: {text}" for header in _SHOWN if (text := _header(message, header))]
        yield self._text([*([_FORWARDED] if forwarded else []), *headers, ""])
        yield from self._content(message)

    def _content(self, part: Message) -> Iterator[Part]:
        kind, payload = part.get_content_type(), part.get_payload()
        inside = [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []
        if kind == "message/rfc822":
            for inner in inside:
                yield from self.parts(inner, forwarded=True)
        elif kind == "multipart/alternative" and inside:
            yield from self._content(_plainest(inside))
        elif inside:
            for inner in inside:
                yield from self._content(inner)
        else:
            yield from self._leaf(part, kind)

    def _leaf(self, part: Message, kind: str) -> Iterator[Part]:
        data, name = part.get_payload(decode=True), _filename(part)
        if not isinstance(data, bytes) or not data.strip():
            return
        if part.get_content_maintype() in _PICTURES:
            yield UnreadPart(self._line, name or kind, *_PICTURE, name or kind)
        elif kind == "text/plain" and not (name and part.get_content_disposition() == "attachment"):
            yield self._text([*_decoded(part, data).splitlines(), ""])
        elif kind == "text/html" and part.get_content_disposition() != "attachment":
            yield from self._page(_decoded(part, data))
        else:
            yield Attached(self._line, name or ("text.html" if kind == "text/html" else "unnamed"), data)

    def _page(self, text: str) -> Iterator[Part]:
        """Yield the tables and the text of a message that is a web page, if it has any."""
        try:
            for found in html.parts_of_page(text.encode("utf-8", "replace"), self._line):
                if not isinstance(found, UnreadPart):
                    self._line += len(found.rows if isinstance(found, Table) else found.lines)
                yield found
        except UnreadableFile as error:
            yield UnreadPart(self._line, "text.html", "unreadable-file", str(error), "text.html")

    def _text(self, lines: list[str]) -> Text:
        text = Text(self._line, lines)
        self._line += len(lines)
        return text


def _plainest(alternatives: list[Message]) -> Message:
    """Return the alternative without layout, or else the last one, which is the richest.

    If the last one has a table, a text without values is not used: "Please view this message as HTML".
    """
    last = alternatives[-1]
    has_table = b"<table" in _data(last).lower()
    texts = ((part, _data(part)) for part in alternatives if part.get_content_type() == "text/plain")
    plain = (part for part, text in texts if (_MAY_BE_VALUE.search(text) if has_table else text))
    return next(plain, last)


def _data(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _header(message: Message, name: str) -> str:
    return " ".join(decoded_header(str(message.get(name, ""))).split())


def _filename(part: Message) -> str:
    return decoded_header(part.get_filename() or "")


def _decoded(part: Message, data: bytes) -> str:
    try:
        return data.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeError):
        return data.decode("utf-8", "replace")
