"""Contact cards (.vcf): the numbers, addresses and links of each card."""

import quopri
import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from feeds.format import Example, Format, Head
from feeds.readers.rows import FileRow, Row, Unreadable
from feeds.readers.source import Source, numbered_lines

_BEGIN = re.compile(r"\ufeff?BEGIN:VCARD", re.IGNORECASE)
_KINDS = {"TEL": "phone", "EMAIL": "email", "URL": "url"}
_EMPTY = ("no-value", "the card has no number, address or link")


class ContactCards(Format):
    """The scammers' cards that somebody saved; names and notes are not read."""

    name: ClassVar[str] = "contacts"
    endings: ClassVar[tuple[str, ...]] = ("vcf", "vcard")

    def score(self, head: Head) -> float:
        """Return certainty for the beginning of a card."""
        return 1 if head.lines and _BEGIN.fullmatch(head.lines[0]) else 0

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the values of each card, and the cards without any."""
        begin, found, raw = 1, 0, ""
        for line in _unfolded(source):
            if isinstance(line, Unreadable):
                yield line
                continue
            number, text = line
            name, _, value = text.partition(":")
            property_, *parameters = name.upper().split(";")
            kind = _KINDS.get(property_.rpartition(".")[2])
            if property_ == "BEGIN":
                begin, found, raw = number, 0, ""
            elif property_ == "END" and not found:
                yield Unreadable.of(begin, raw, *_EMPTY)
            elif kind and value.strip():
                found += 1
                plain = quopri.decodestring(value).decode("utf-8", "replace") if _is_quoted(parameters) else value
                yield Row(number, {"value": plain.removeprefix("tel:").removeprefix("mailto:").strip(), "kind": kind})

    def examples(self) -> Iterable[Example]:
        yield Example(
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Support\r\nitem1.TEL;TYPE=CELL:+66 81 234 5678\r\n"
            b"EMAIL:support@a.exa\r\n mple.com\r\nURL:https://a.example.com/pay\r\nEND:VCARD\r\n"
            b"BEGIN:VCARD\r\nFN:Nobody\r\nEND:VCARD\r\n",
            [
                {"value": "+66 81 234 5678", "kind": "phone"},
                {"value": "support@a.example.com", "kind": "email"},
                {"value": "https://a.example.com/pay", "kind": "url"},
            ],
            ("no-value",),
        )


def _is_quoted(parameters: Iterable[str]) -> bool:
    return any("QUOTED-PRINTABLE" in parameter for parameter in parameters)


def _unfolded(source: Source) -> Iterator[tuple[int, str] | Unreadable]:
    """Yield the lines of cards, each joined with those that continue it."""
    waiting: tuple[int, str] | None = None
    for line in numbered_lines(source):
        if isinstance(line, Unreadable):
            yield line
        elif waiting and line[1][:1] in (" ", "\t"):
            waiting = (waiting[0], waiting[1] + line[1][1:])
        else:
            if waiting:
                yield waiting
            waiting = line
    if waiting:
        yield waiting
