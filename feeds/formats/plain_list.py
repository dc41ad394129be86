"""Plain lists: one value per line."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

from feeds.format import Example, Head, LineFormat
from feeds.readers import national
from feeds.readers.rows import FileRow, Row, Unreadable
from feeds.readers.source import Source
from schemas.report import Report

# ``!`` begins comments in lists of ad blockers, ``;`` in zone files, ``//`` in program code.
_COMMENTS = ("#", "!", ";", "//")
_SPECIAL = frozenset("#!;/.-*•")
_INSIDE = frozenset(" \t,;")


class PlainList(LineFormat):
    """One value per line, with comments; files that look like no other format are read as plain lists.

    Not part of the value: bullets, a comma or semicolon at the end, the first dot of ``.example.com``.
    """

    name: ClassVar[str] = "list"
    endings: ClassVar[tuple[str, ...]] = ("txt", "list", "lst")
    writes: ClassVar[bool] = True
    values_only: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return the lowest score: a file is a plain list only if no other format fits."""
        return 0.2

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the value of each line; numbers have the kinds of the source's country, if that is known."""
        rows = super().read(source, path)
        return national.with_kinds(rows, source.country) if source.country and not source.kind else rows

    def rows_of_line(self, number: int, line: str) -> Iterable[Row | Unreadable]:
        """Return the value of a line that is not a comment."""
        value = line.strip()
        if value and (value[0] in _SPECIAL or not _INSIDE.isdisjoint(value)):
            value = _value(value)
        return (Row(number, {"value": value}),) if value else ()

    def examples(self) -> Iterable[Example]:
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
        count = 0
        for report in reports:
            out.write(f"{report.value}\n".encode())
            count += 1
        return count


def _value(line: str) -> str:
    """Return a line without its comment and list marks; empty if all of it is a comment."""
    if line.startswith(_COMMENTS):
        return ""
    for mark in (" #", "\t#", " //", "\t//"):
        line = line.partition(mark)[0]
    if line.startswith(("- ", "* ", "• ")):
        line = line[2:].lstrip()
    if line.startswith(".") and line[1:2].isalnum():
        line = line[1:]
    return line.rstrip(",; \t")
