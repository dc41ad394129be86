"""Free text and Markdown: reports, articles and messages that mention indicators in their sentences."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import ClassVar

from feeds.format import Example, Format, Head
from feeds.readers.columns import roles
from feeds.readers.extraction.cues import UNSPACED, TextPurpose, purpose_of
from feeds.readers.extraction.outline import Outline
from feeds.readers.extraction.prose import ProseReader, TextContext, count_words
from feeds.readers.extraction.values import find_candidates
from feeds.readers.rows import FileRow, Unreadable
from feeds.readers.source import HEAD, Source, decode, numbered_lines
from feeds.readers.table import delimiter_of

_CHAPTER = re.compile(r"#{2,6} \S")
_BREAK = re.compile(r"[ ,，、。;；：]")
_RULER = re.compile(r"\|?\s*:?-{3,}:?\s*\|[\s|:-]*")
_COMMENTS = ("#", "!", ";", "//")
_NUMBER = re.compile(r"(?<!\w)[+(]?\d(?:[ ().-]{0,2}\d){6,18}|@[A-Za-z0-9_]{3}")
_COMMA = re.compile(r",(?!\d)(\s|$)?")
_SENTENCE = 5
# Number of words of a long sentence.
_LONG = 10
_LETTERS = 20


class FreeText(Format):
    """The values in a text, each with its line; ``feeds.readers.extraction.prose`` finds them."""

    name: ClassVar[str] = "prose"
    document: ClassVar[bool] = True
    endings: ClassVar[tuple[str, ...]] = ("md", "markdown", "text")

    def score(self, head: Head) -> float:
        """Return a score for sentences and headings around something that looks like a value."""
        if any(map(_RULER.fullmatch, head.lines)):
            return 0.9
        lines = [line for line in head.lines if not line.startswith(_COMMENTS) or _CHAPTER.match(line)]
        headings = _headings(head)
        sentences = _are_sentences(lines)
        if not (headings or sentences) or not any(
            _has_value(line) or (sentences and _has_number(line)) for line in lines
        ):
            return 0
        # A text that looks like a table's header without other columns may be a heading.
        if headings > 1 and delimiter_of(head.text) is None:
            return 0.88
        # A sentence may look like a table's header.
        return 0.86 if _is_running_text(lines) and delimiter_of(head.text) in (None, ",") else 0.5

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the values of each line; a text about safe values, by the file's name, gives none."""
        rows = self._rows(source)
        yield from roles.refused(rows) if roles.is_list_of_others(source.title) else rows

    def _rows(self, source: Source) -> Iterator[FileRow]:
        prose = ProseReader(TextContext(decode(source.head[:HEAD]).splitlines(), source.country))
        for line in numbered_lines(source):
            if isinstance(line, Unreadable):
                yield line
            else:
                yield from prose.rows(*line)
        yield from prose.finish()

    def examples(self) -> Iterable[Example]:
        yield Example(
            b"2026-01-01: FAKE SHOPS\n\nREFERENCES:\n\n- https://example.org/news\n\nNOTES:\n\n"
            b"- We have seen many shops in recent weeks, such as shop.example.com and report.pdf.\n"
            b"- They send people from hxxps[:]//a[.]example[.]com/pay (version 1.2.3.4) to b.example[.]com.\n\n"
            b"DOMAINS OF THESE SHOPS:\n\n- c[.]example[.]com - registered 2026-01-01\n- d.example.com\n- Registrar: "
            b"www.example[.]net\n\nWALLETS:\n\n- BTC: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n",
            [
                {"value": "hxxps[:]//a[.]example[.]com/pay"},
                {"value": "b.example[.]com"},
                {"value": "c[.]example[.]com"},
                {"value": "d.example.com"},
                {"value": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "kind": "wallet", "currency": "BTC"},
            ],
            ("not-a-report", "not-marked", "not-a-report"),
        )
        yield Example(
            b"# Task scams\n\nVictims are asked by mail to pay (see [our article](https://example.org/tasks)).\n\n"
            b"## Indicators\n\n| what | value | source |\n| --- | --- | --- |\n"
            b"| site | `a.example.com` | https://example.org/1 |\n| mail | someone@example.com | |\n\n"
            b"### Phone numbers\n\n* +66 81 234 5678\n* Telegram: @example_handle\n",
            [
                {"value": "a.example.com"},
                {"value": "someone@example.com", "kind": "email"},
                {"value": "+66 81 234 5678", "kind": "phone"},
                {"value": "@example_handle", "kind": "social-account", "platform": "telegram"},
            ],
            ("not-a-report", "not-a-report"),
        )
        yield Example(
            "มีคนโทรมาจาก +66 81 234 5678 บอกให้กดลิงก์hxxp://a[.]example[.]comแล้ว"
            "โอนเงินไปที่ DE89 3704 0044 0532 0130 00\n".encode(),
            [
                {"value": "+66 81 234 5678", "kind": "phone"},
                {"value": "hxxp://a[.]example[.]com"},
                {"value": "DE89 3704 0044 0532 0130 00", "kind": "bank-account"},
            ],
        )


def _has_value(line: str) -> bool:
    return any(True for _ in find_candidates(line))


def _has_number(line: str) -> bool:
    """Return whether a line has a number or a handle, whose kind only words show."""
    return _NUMBER.search(line) is not None


def _is_running_text(lines: list[str]) -> bool:
    """Return whether most lines have more words than cells of a table, and commas of sentences."""
    commas = [comma for line in lines for comma in _COMMA.findall(line)]
    long = sum(len(line.split()) >= _LONG or len(UNSPACED.findall(line)) >= _LONG * 3 for line in lines)
    return long * 2 >= len(lines) and sum(map(bool, commas)) * 5 >= len(commas) * 4


def _are_sentences(lines: list[str]) -> bool:
    """Return whether enough of the lines are sentences."""
    sentences = sum(map(_is_sentence, lines))
    return sentences > 0 and sentences * 25 >= len(lines) and (sentences > 1 or sentences * 4 >= len(lines))


def _is_sentence(line: str) -> bool:
    return count_words(line) >= _SENTENCE or (
        _BREAK.search(line) is not None and len(UNSPACED.findall(line)) >= _LETTERS
    )


def _headings(head: Head) -> int:
    """Count the headings and labels that separate scammers' values from others; plain lists have none."""
    outline, chapters, headings, labels = Outline(), 0, 0, set[str]()
    for line in head.text[:20_000].splitlines():
        if not line.strip():
            outline.blank()
        elif line.startswith(_COMMENTS):
            chapters += _CHAPTER.match(line) is not None
        elif outline.heading(line, partial(_has_value, line)):
            headings += outline.purpose is not TextPurpose.WORDS
        elif (label := outline.labelled(line).label) and purpose_of(label):
            labels.add(label)
    return headings + (chapters if chapters > 1 else 0) + (len(labels) > 1)
