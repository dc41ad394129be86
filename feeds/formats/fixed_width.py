"""Reports of mainframes: columns of a fixed width, below a line of dashes that shows where each begins."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from feeds.format import Example, Format, Head
from feeds.readers import table
from feeds.readers.columns.vocabulary import is_subject_column
from feeds.readers.layout import Cells
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source, line_runs

# Two groups of dashes or more, and nothing else.
_RULE = re.compile(r"\s*(?:-{2,}|={2,})(?:\s+(?:-{2,}|={2,}))+\s*")
_GROUP = re.compile(r"-{2,}|={2,}")
_HEAD_LINES = 40


class FixedWidth(Format):
    """A table whose columns are aligned with blanks below a line of dashes."""

    name: ClassVar[str] = "fixed-width"
    endings: ClassVar[tuple[str, ...]] = ("lst", "prn", "rpt")

    def score(self, head: Head) -> float:
        """Return a high score for a known header above a line of dashes."""
        lines = head.text.splitlines()[:_HEAD_LINES]
        place = next((place for place, line in enumerate(lines) if place and _RULE.fullmatch(line)), None)
        if place is None:
            return 0
        header = _cells(lines[place - 1], _starts(lines[place]))
        return 0.95 if len(header) > 1 and any(map(is_subject_column, header)) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield the rows; a line that does not fit the columns is one cell, so that no value is cut."""
        yield from table.rows_of_records(_records(source), kind=source.kind)

    def examples(self) -> Iterable[Example]:
        yield Example(
            b"RPT-ID: FRD01          RUN DATE 28/01/2026\n"
            b"BANK      ACCOUNT NO       AMOUNT\n"
            b"--------  -------------  --------\n"
            b"KBANK     123-4-56789-0  5,000.00\n"
            b"SCB       123-456789-0     200.00\n"
            b"CONTACT: HELPDESK 02-700-4400\n",
            [
                {"account_number": "123-4-56789-0", "bank": "KBANK", "kind": "bank-account"},
                {"account_number": "123-456789-0", "bank": "SCB", "kind": "bank-account"},
            ],
            ("no-value",),
        )


def _records(source: Source) -> Iterator[Cells | Unreadable]:
    """Yield the cells of each line; above the first line of dashes, only the header has more than one."""
    starts: list[int] = []
    above: tuple[int, str] | None = None
    for run in line_runs(source):
        if isinstance(run, Unreadable):
            yield run
            continue
        for number, line in enumerate(run[1], run[0]):
            if _RULE.fullmatch(line):
                starts = _starts(line)
                if above:
                    yield above[0], _cells(above[1], starts)
                above = None
            elif starts:
                if line.strip():
                    yield number, _cells(line, starts)
            else:
                yield from _one_cell(above)
                above = number, line
    yield from _one_cell(above)


def _one_cell(line: tuple[int, str] | None) -> Iterator[Cells]:
    if line and line[1].strip():
        yield line[0], [line[1].strip()]


def _starts(rule: str) -> list[int]:
    return [group.start() for group in _GROUP.finditer(rule)]


def _cells(line: str, starts: list[int]) -> list[str]:
    """Return the cells of a line, or the line as one cell if a column does not begin after a blank."""
    line = line.rstrip("\r\n")
    if any(0 < start < len(line) and not line[start - 1].isspace() for start in starts):
        return [line.strip()]
    return [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
