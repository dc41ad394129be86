"""Text that is struck through, hidden, or a comment on a cell.

No value in it is read; each is reported with its place. Its words still show to whom other values belong.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from feeds.readers.columns import roles
from feeds.readers.columns.clearing import clears_text
from feeds.readers.columns.values_in_cells import has_value
from feeds.readers.layout import Cells, Records
from feeds.readers.rows import Unreadable

STRUCK = (
    "struck-through",
    "the text is struck through: remove the line through it if it is still true",
)
HIDDEN_ROW = ("hidden-row", "the row is hidden: show it if its values are to be read")
HIDDEN_COLUMN = ("hidden-column", "the column is hidden, and has values: show it if they are to be read")
HIDDEN_TEXT = ("hidden-text", "the document hides this text: show it if its values are to be read")
COMMENT = ("comment", "values in comments are not read: write them into cells, or into the text")
COMMENTED = ("comment", "the comment on the cell says that its value is not a scammer's: remove it if that is wrong")

# Readers mark struck text as Markdown does; chat programs write it between single signs.
_MARK = "~~"
_STRUCK = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~|(?<!\S)~(?=[^\s~])([^~\n]*\d[^~\n]*)(?<=\S)~(?![^\s.,;:!?])")


def struck(text: str) -> str:
    """Return a text with the marks of struck text around it."""
    return f"{_MARK}{text}{_MARK}" if text.strip() else text


def without_struck(text: str) -> tuple[str, list[str]]:
    """Return a text without its struck parts, and these parts."""
    if "~" not in text:
        return text, []
    text = text.replace(_MARK * 2, "")
    found = [first or second for first, second in _STRUCK.findall(text)]
    return (_STRUCK.sub(" ", text).strip(), found) if found else (text, found)


def rows_without_struck(records: Records) -> Iterator[Cells | Unreadable]:
    """Yield the rows of a table without struck text, which is reported. A row whose role is struck is not read."""
    for record in records:
        if isinstance(record, Unreadable) or _MARK not in "".join(record[1]):
            yield record
            continue
        line, cells = record
        parts = [without_struck(cell) for cell in cells]
        gone = [text for _, texts in parts for text in texts]
        rest = [text for text, _ in parts]
        yield Unreadable.of(line, ", ".join(gone), *STRUCK)
        if not any(map(roles.is_role, gone)) and (has_values(rest) or not has_values(gone)):
            yield line, rest


def has_values(cells: Sequence[str]) -> bool:
    """Return whether a cell has a number or another value."""
    return any(map(roles.has_digits, cells)) or has_value([cell for cell in cells if cell])


class HiddenCells:
    """The hidden rows and columns of a sheet, and the comments by row (numbered from 1) and column (from 0).

    The reader of the sheet calls ``hide_row`` and ``hide_columns`` while ``shown`` yields its rows.
    """

    def __init__(self, comments: Mapping[int, Mapping[int, str]]) -> None:
        self._rows = set[int]()
        self._columns = set[int]()
        self._comments = dict(comments)
        self._found: dict[int, tuple[int, str, int]] = {}

    def hide_row(self, line: int) -> None:
        """Record that a row is hidden, before ``shown`` reads it."""
        self._rows.add(line)

    def hide_columns(self, columns: Iterable[int]) -> None:
        """Record that columns are hidden, before ``shown`` reads their rows."""
        self._columns.update(columns)

    def shown(self, records: Iterator[Cells]) -> Iterator[Cells | Unreadable]:
        """Yield the rows, without values that are hidden or commented upon, and reports of these."""
        for line, cells in records:
            if self._comments:
                yield from self._of_comments(line, cells, self._comments.pop(line, {}))
            if self._columns:
                self._hide(line, cells)
            is_hidden = line in self._rows
            self._rows.discard(line)
            if is_hidden and has_values(cells):
                yield Unreadable.of(line, ", ".join(filter(None, cells)), *HIDDEN_ROW)
            else:
                yield line, cells
        for line, comments in sorted(self._comments.items()):
            yield from self._of_comments(line, [], comments)
        for column, (line, text, count) in self._found.items():
            reason, message = HIDDEN_COLUMN
            yield Unreadable.of(line, text, reason, f"{message} (column {column + 1}, {count} cells)")

    def _of_comments(self, line: int, cells: list[str], comments: Mapping[int, str]) -> Iterator[Unreadable]:
        for column, text in comments.items():
            cell = cells[column] if column < len(cells) else ""
            if cell and not roles.has_digits(text) and (roles.role_of(text) == "person" or clears_text(text)):
                cells[column] = ""
                yield Unreadable.of(line, f"{cell} ({text})", *COMMENTED)
            else:
                yield Unreadable.of(line, text, *COMMENT)

    def _hide(self, line: int, cells: list[str]) -> None:
        for column in self._columns:
            if column < len(cells) and cells[column] and has_values([cells[column]]):
                first, text, count = self._found.get(column, (line, cells[column], 0))
                self._found[column] = first, text, count + 1
                cells[column] = ""
