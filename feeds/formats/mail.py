"""Mail messages (.eml)."""

import re
from collections.abc import Iterable
from typing import ClassVar

from feeds.format import DocumentFormat, Example, Head

_HEADER = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]{1,60}:[ \t].*\r?\n(?:[ \t]+.*\r?\n)*){3,}")
_OF_MAIL = re.compile(r"^(?:from|to|subject|date|message-id|mime-version|received|return-path):", re.I | re.M)
_MARK = re.compile(r"^(?:mime-version|received|message-id):", re.I | re.M)
_FEWEST = 3


class MailMessage(DocumentFormat):
    """The text of a message, the messages that it forwards, and its attachments, each by its own format."""

    name: ClassVar[str] = "mail"
    endings: ClassVar[tuple[str, ...]] = ("eml", "mail", "mime")
    reader: ClassVar[str] = "mail"

    def score(self, head: Head) -> float:
        """Return a high score for a text that begins with the headers of a message."""
        begin = _HEADER.match(head.text[:20_000])
        if begin is None or not _MARK.search(begin[0]):
            return 0
        return 0.95 if len(_OF_MAIL.findall(begin[0])) >= _FEWEST else 0

    def examples(self) -> Iterable[Example]:
        yield Example(
            b"From: Desk <desk@example.org>\r\nTo: reports@example.net\r\nSubject: Fake shops\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n"
            b"Domains of these scams:\r\n- a[.]example[.]com\r\n\r\n--x\r\nContent-Type: text/csv\r\n"
            b"Content-Disposition: attachment; filename=list.csv\r\n\r\ndomain,first_seen\r\n"
            b"b.example.com,2026-01-01\r\n"
            b"c.example.com,2026-01-02\r\n--x--\r\n",
            [
                {"value": "a[.]example[.]com"},
                {"value": "b.example.com", "kind": "domain", "first_seen": "2026-01-01"},
                {"value": "c.example.com", "kind": "domain", "first_seen": "2026-01-02"},
            ],
            ("not-a-report", "not-a-report"),
        )
