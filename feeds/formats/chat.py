"""Exports of chats, and backups of text messages."""

import re
from collections.abc import Iterable
from typing import ClassVar

from feeds.format import DocumentFormat, Example, Head
from feeds.readers.documents.chat import COPIED, LINE_TITLE, WHATSAPP

_TELEGRAM = re.compile(
    r'\s*\{.{0,4000}?"type":\s*"(?:personal_chat|private_\w+|bot_chat)".{0,4000}?"messages":\s*\[', re.S
)
_MESSENGER = re.compile(r'\s*\{\s*"participants":\s*\[.{0,4000}?"messages":\s*\[', re.S)
_TEXT_MESSAGES = re.compile(r"\s*(?:<\?[^>]*>\s*|<!--.*?-->\s*)*<smses\b", re.S)
_BEGINNINGS = (_TELEGRAM, _MESSENGER, _TEXT_MESSAGES)
_SOME = 3


class Chat(DocumentFormat):
    """The messages of the other side: WhatsApp, LINE, Telegram, Messenger, and backups of text messages.

    The reporter's own messages are not read. Whose they are is stated by the export, or by the name of the file.
    """

    name: ClassVar[str] = "chat"
    endings: ClassVar[tuple[str, ...]] = ("json", "xml")
    reader: ClassVar[str] = "chat"

    def score(self, head: Head) -> float:
        """Return a high score for the beginning of an export."""
        if LINE_TITLE.match(head.text) or any(begin.match(head.text) for begin in _BEGINNINGS):
            return 0.97
        messages = max(sum(form.match(line) is not None for line in head.lines[:20]) for form in (WHATSAPP, COPIED))
        return 0.97 if messages >= min(_SOME, len(head.lines)) and messages else 0

    def examples(self) -> Iterable[Example]:
        yield Example(
            b"[25/11/2026, 14:03:22] You: Where do I pay?\n[25/11/2026, 14:04:01] Support: a.example.com, or\n"
            b"KBANK 123-4-56789-0\n[25/11/2026, 14:05:00] You: Sent from SCB 123-456789-0\n",
            [{"value": "a.example.com"}, {"value": "123-4-56789-0", "kind": "bank-account", "bank": "KBANK"}],
            ("own-message",),
        )
        yield Example(
            b"[LINE] Chat history with Support\nSaved on: 2026/11/25 15:00\n\n2026/11/25(Wed)\n"
            b"14:03\tSomchai\tHello\n14:04\tSupport\tgo to a.example.com\n",
            [{"value": "a.example.com"}],
        )
        yield Example(
            b'{"name": "Support", "type": "personal_chat", "id": 1, "messages": [{"id": 1, "from": "Support", "text": '
            b'["see ", {"type": "link", "text": "https://a.example.com/pay"}]}, {"id": 2, '
            b'"from": "Somchai", "text": "ok"}]}',
            [{"value": "https://a.example.com/pay"}],
        )
        yield Example(
            b'{"participants": [{"name": "Somchai"}, {"name": "Support"}], "messages": [{"sender_name": "Support", '
            b'"timestamp_ms": 1, "content": "a.example.com"}, {"sender_name": "Somchai", "content": "ok"}], '
            b'"title": "Support"}',
            [{"value": "a.example.com"}],
        )
        yield Example(
            b'<?xml version="1.0"?><smses count="2"><sms address="+66812345678" type="1" body="Pay at a.example.com"/>'
            b'<sms address="+66812345678" type="2" body="My account is 123-4-56789-0"/></smses>',
            [{"value": "+66812345678", "kind": "phone"}, {"value": "a.example.com"}],
            ("own-message",),
        )
