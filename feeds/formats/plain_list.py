"""Plain lists: one value a line."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

from feeds.format import Example, Format, Head
from feeds.readers.lines import blocks
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from schemas.report import Report

# ``!`` begins comments in ad blockers' lists, ``;`` in zone files, ``//`` in what programmers write.
_COMMENTS = ("#", "!", ";", "//")
_SPECIAL = frozenset("#!;/.-*•")
_INSIDE = frozenset(" \t,;")


class PlainList(Format):
    """One value a line, with comments; also what is read as when nothing speaks for another format.

    Marks of lists are not part of the value: bullets, a comma or semicolon at the end, the dot of ``.example.com``.
    """

    name: ClassVar[str] = "list"
    endings: ClassVar[tuple[str, ...]] = ("txt", "list", "lst")
    writes: ClassVar[bool] = True
    once: ClassVar[bool] = True
    lines: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Give the least score that is none: lists are what all the others are not."""
        return 0.2

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Give each line that is no comment as a row."""
        for run in blocks(source):
            if isinstance(run, Unreadable):
                yield run
                continue
            for number, line in enumerate(run[1], run[0]):
                value = line.strip()
                if not value:
                    continue
                if value[0] in _SPECIAL or not _INSIDE.isdisjoint(value):
                    value = _value(value)
                    if not value:
                        continue
                yield Row(number, {"value": value})

    def examples(self) -> Iterable[Example]:
        """Give lists."""
        two = [{"value": "a.example.com"}, {"value": "b.example.com"}]
        yield Example(b"a.example.com\nb.example.com\n", two)
        yield Example(b"\xef\xbb\xbf# bad ones\r\n\r\n  a.example.com  \r\n! b\r\n; b\r\n// b\r\nb.example.com", two)
        yield Example(b"a.example.com # seen today\n- b.example.com,\n", two)
        yield Example(b"a.example.com\r* b.example.com;\r", two)
        yield Example("a.example.com\nb.example.com\n".encode("utf-16"), two)
        yield Example(b"a[.]example[.]com\n", [{"value": "a[.]example[.]com"}])
        yield Example(b".example.com\n*.example.org\n", [{"value": "example.com"}, {"value": "*.example.org"}])
        yield Example(b"+66 81 234 5678\n", [{"value": "+66 81 234 5678"}])
        yield Example(b"a.example.com\nb\x00.example.com\nb.example.com\n", two, ("nul-byte",))
        yield Example(b"a.example.com\n" + b"x" * 70_000 + b"\nb.example.com\n", two, ("line-too-long",))
        yield Example("ร้านค้า.example.com\n".encode("cp874"), [{"value": "ร้านค้า.example.com"}])
        yield Example("café.example.com\n".encode("latin-1"), [{"value": "café.example.com"}])
        yield Example(b"", [])

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write the values, one a line."""
        count = 0
        for report in reports:
            out.write(f"{report.value}\n".encode())
            count += 1
        return count


def _value(line: str) -> str:
    """Give a line without its comment and the marks of its list; nothing where it is a comment."""
    if line.startswith(_COMMENTS):
        return ""
    for mark in (" #", "\t#", " //", "\t//"):
        line = line.partition(mark)[0]
    if line.startswith(("- ", "* ", "• ")):
        line = line[2:].lstrip()
    if line.startswith(".") and line[1:2].isalnum():
        line = line[1:]
    return line.rstrip(",; \t")
