"""Rule lists of uBlacklist, which hides sites from search results."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from feeds.format import DomainBlocklist, Example, Head
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source, numbered_lines

_RULE = re.compile(r"(?:\*|https?)://(?P<host>[^/\s]+)(?P<path>/\S*)")
_NAME = re.compile(r"(?:\*\.)?[^\s/*@:#$|^]+\.[^\s/*@:#$|^]+")
_PROPERTY = re.compile(r"\w+:\s.*")
_LOOKS = re.compile(r"(?:@\d*\s?)?(?:\*|https?)://[^/\s]+/\S*")


class UBlacklist(DomainBlocklist):
    """Rules ``*://*.domain/*``, for a whole site or for the pages under one path of it."""

    name: ClassVar[str] = "ublacklist"
    written: ClassVar[str] = "*://*.{}/*"

    def score(self, head: Head) -> float:
        """Return the share of lines that are rules with a star, which only such lists have."""
        lines = [line for line in head.lines if not line.startswith("#")]
        if lines[:1] == ["---"] and "---" in lines[1:]:
            lines = lines[lines.index("---", 1) + 1 :]
        return 0.95 * head.share((line for line in lines if _LOOKS.fullmatch(line) and "*" in line), len(lines))

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield each hidden site; the properties at the beginning, between two lines ``---``, are skipped."""
        in_properties = False
        for line in numbered_lines(source):
            if isinstance(line, Unreadable):
                yield line
                continue
            number, text = line[0], _without_comment(line[1])
            if text == "---" and (in_properties or number == 1):
                in_properties = not in_properties
            elif not (in_properties and _PROPERTY.fullmatch(text)):
                yield from self.rows_of_line(number, text)

    def rows_of_line(self, number: int, line: str) -> Iterable[Row | Unreadable]:
        """Return the site that a rule hides."""
        text = _without_comment(line)
        return (_row_of_rule(number, text),) if text else ()

    def examples(self) -> Iterable[Example]:
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


def _without_comment(line: str) -> str:
    text = line.partition(" #")[0].strip()
    return "" if text.startswith("#") else text


def _row_of_rule(number: int, text: str) -> Row | Unreadable:
    if text.startswith("@"):
        return Unreadable.of(number, text, "not-a-report", "the rule only shows or marks sites, and hides none")
    found = _RULE.fullmatch(text)
    if found is None:
        if _NAME.fullmatch(text):
            return Row(number, {"value": text.removeprefix("*.")})
        return Unreadable.of(
            number, text, "rule-without-name", "the rule is an expression over many names: list the names"
        )
    host, page = found["host"].removeprefix("*."), found["path"].removesuffix("*")
    if "*" in host or "*" in page:
        return Unreadable.of(number, text, "rule-without-name", "the rule is a pattern over many names: list the names")
    if page == "/":
        return Row(number, {"value": host})
    scheme = text.partition(":")[0].replace("*", "")
    return Row(number, {"value": f"{scheme}://{host}{page}" if scheme else host + page})
