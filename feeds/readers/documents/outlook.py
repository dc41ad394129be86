"""Messages of Outlook (.msg): their headers, text and attachments."""

from collections.abc import Iterator

from oxmsg import Message

from feeds.readers.documents.parts import Attached, Part, Text, UnreadPart

_NO_TEXT = ("no-plain-text", "the message has no plain text: save it as .eml")


def parts(path: str, name: str) -> Iterator[Part]:
    """Yield the headers and the text of a message, then its attachments."""
    message = Message.load(path)
    headers = [("From", message.sender), ("Subject", message.subject), ("Date", message.sent_date)]
    lines = [f"{header}: {value}" for header, value in headers if value]
    text = message.body or ""
    lines += ["", *text.splitlines(), ""]
    yield Text(1, lines)
    if not text and message.html_body:
        yield Attached(len(lines), "text.html", message.html_body.encode())
    elif not text:
        yield UnreadPart(len(lines), "", *_NO_TEXT)
    for attachment in message.attachments:
        if attachment.file_bytes:
            yield Attached(len(lines), attachment.file_name or "unnamed", attachment.file_bytes)
