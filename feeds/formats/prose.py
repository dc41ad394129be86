"""Free text and Markdown: reports, articles and messages that name indicators in their words."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from feeds.format import Example, Format, Head, Row, Unreadable
from feeds.lines import blocks
from feeds.prose import Prose, words
from feeds.source import Source
from feeds.spotted import spot

_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff]")
_RULER = re.compile(r"\|?\s*:?-{3,}:?\s*\|[\s|:-]*")
_COMMENTS = ("#", "!", ";", "//")
_SENTENCE = 5
_LETTERS = 20


class FreeText(Format):
    """The values in a text, each with its line; ``feeds.prose`` says which words are taken for values."""

    name: ClassVar[str] = "prose"
    endings: ClassVar[tuple[str, ...]] = ("md", "markdown", "text")

    def score(self, head: Head) -> float:
        """Look for sentences, and for something in the text that looks like a value."""
        if any(map(_RULER.fullmatch, head.lines)):
            return 0.9
        lines = [line for line in head.lines if not line.startswith(_COMMENTS)]
        sentences = sum(map(_is_sentence, lines))
        if not sentences or sentences * 25 < len(lines) or (sentences < 2 and sentences * 4 < len(lines)):
            return 0
        return 0.5 if any(any(True for _ in spot(line)) for line in lines) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Give each value that the text names as a row."""
        prose = Prose()
        for run in blocks(source):
            if isinstance(run, Unreadable):
                yield run
                continue
            for number, line in enumerate(run[1], run[0]):
                if line and not line.isspace():
                    yield from prose.rows(number, line)

    def examples(self) -> Iterable[Example]:
        """Give a report, an article in Markdown, and a message."""
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
            ("not-a-report", "not-a-report"),
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
            ("not-marked", "not-a-report"),
        )
        yield Example(
            "มีคนโทรมาจาก +66 81 234 5678 บอกให้กดลิงก์hxxp://a[.]example[.]comแล้ว"
            "โอนเงินไปที่ DE89 3704 0044 0532 0130 00\n".encode(),
            [
                {"value": "hxxp://a[.]example[.]com"},
                {"value": "DE89 3704 0044 0532 0130 00", "kind": "bank-account"},
            ],
            ("not-marked",),
        )


def _is_sentence(line: str) -> bool:
    # Thai, Lao, Burmese, Khmer, Chinese and Japanese have no blanks between words.
    return words(line) >= _SENTENCE or (" " in line and len(_UNSPACED.findall(line)) >= _LETTERS)
