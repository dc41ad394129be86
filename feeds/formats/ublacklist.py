"""Lists of uBlacklist, which hide sites from search results."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

from feeds.format import Example, Format, Head
from feeds.readers.lines import blocks
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from schemas.report import Report

_RULE = re.compile(r"(?:\*|https?)://(?P<host>[^/\s]+)(?P<path>/\S*)")
_NAME = re.compile(r"(?:\*\.)?[^\s/*@:#$|^]+\.[^\s/*@:#$|^]+")
_OUTLINE = re.compile(r"\w+:\s.*")
_LOOKS = re.compile(r"(?:@\d*\s?)?(?:\*|https?)://[^/\s]+/\S*")


class UBlacklist(Format):
    """``*://*.name/*``: rules for a whole site, or for what lies under one path of it."""

    name: ClassVar[str] = "ublacklist"
    writes: ClassVar[bool] = True
    once: ClassVar[bool] = True
    blocks: ClassVar[bool] = True
    lines: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Give the share of lines that are rules with a star, as only such lists have them."""
        lines = [line for line in head.lines if not line.startswith("#")]
        if lines[:1] == ["---"] and "---" in lines[1:]:
            lines = lines[lines.index("---", 1) + 1 :]
        return 0.95 * head.share((line for line in lines if _LOOKS.fullmatch(line) and "*" in line), len(lines))

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Give each site that is hidden as a row; what stands in front between ``---`` describes the list."""
        described = False
        for run in blocks(source):
            if isinstance(run, Unreadable):
                yield run
                continue
            for number, line in enumerate(run[1], run[0]):
                text = line.partition(" #")[0].strip()
                if text == "---" and (described or number == 1):
                    described = not described
                elif text and not text.startswith("#") and not (described and _OUTLINE.fullmatch(text)):
                    yield _rule(number, text)

    def examples(self) -> Iterable[Example]:
        """Give rules."""
        two = [{"value": "a.example.com"}, {"value": "b.example.com"}]
        yield Example(b"# bad\n*://*.a.example.com/*\n*://b.example.com/* # why\n", two)
        yield Example(b"---\nname: bad\nhomepage: https://example.com/list\n---\n*://*.a.example.com/*\r\n", two[:1])
        yield Example(
            b"*://*.a.example.com/*\nhttps://example.org/pay/*\nb.example.com\n",
            [two[0], {"value": "https://example.org/pay/"}, two[1]],
        )
        yield Example(
            b"*://*.a.example.com/*\n@*://*.good.example.com/*\n@1*://seen.example.com/*\n/example\\d+\\.com/\n"
            b"title/cheap/i\n*://*/*\n*://*.example.*/*\n*://*.b.example.com/*\n",
            two,
            ("not-a-report", "not-a-report", *["rule-without-name"] * 4),
        )

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write the domains among ``reports``."""
        count = 0
        for report in reports:
            if report.kind == "domain":
                out.write(f"*://*.{report.value}/*\n".encode())
                count += 1
        return count


def _rule(number: int, text: str) -> Row | Unreadable:
    if text.startswith("@"):
        return Unreadable.of(number, text, "not-a-report", "the rule says what is shown, or marked, and hides nothing")
    found = _RULE.fullmatch(text)
    if found is None:
        if _NAME.fullmatch(text):
            return Row(number, {"value": text.removeprefix("*.")})
        return Unreadable.of(number, text, "rule-without-name", "the rule is an expression over many: list the names")
    host, page = found["host"].removeprefix("*."), found["path"].removesuffix("*")
    if "*" in host or "*" in page:
        return Unreadable.of(number, text, "rule-without-name", "the rule is a pattern over many names: list the names")
    if page == "/":
        return Row(number, {"value": host})
    scheme = text.partition(":")[0].replace("*", "")
    return Row(number, {"value": f"{scheme}://{host}{page}" if scheme else host + page})
