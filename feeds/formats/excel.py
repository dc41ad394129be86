"""Excel workbooks."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import ClassVar

from feeds.errors import UnreadableFile
from feeds.format import Example, Format, Head
from feeds.readers import table, workbook_examples
from feeds.readers.rows import Row, Unreadable
from feeds.readers.source import Source
from feeds.readers.workbook import Workbook

_ZIP = b"PK\x03\x04"
_LARGEST = 512 << 20
_HIDDEN = ("hidden-sheet", "a sheet that people do not see is not read: show it, or name it (--format excel:its-name)")


class Excel(Format):
    """Workbooks: the table of each sheet, with its header; a hidden sheet is read only where it is named."""

    name: ClassVar[str] = "excel"
    endings: ClassVar[tuple[str, ...]] = ("xlsx", "xlsm", "xltx")
    binary: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return a high score for a ZIP archive, which a workbook is."""
        return 0.9 if head.magic.startswith(_ZIP) else 0

    def read(self, source: Source, path: str = "") -> Iterator[Row | Unreadable]:
        """Yield the rows of each sheet, or only of the one that ``path`` names."""
        if not source.head.startswith(_ZIP):
            raise UnreadableFile("this is no Excel workbook: name another format, or none to have it recognised")
        with source.spooled(_LARGEST) as file, closing(Workbook(file)) as book:
            wanted = [sheet for sheet in book.sheets if not path or sheet.name == path]
            if path and not wanted:
                raise UnreadableFile(f"there is no sheet {path!r}; there are: {', '.join(s.name for s in book.sheets)}")
            for sheet in wanted:
                if sheet.visible or path:
                    yield from table.rows_of_records(book.rows(sheet), kind=source.kind)
                elif any(True for _ in book.rows(sheet)):
                    yield Unreadable.of(1, sheet.name, *_HIDDEN)

    def examples(self) -> Iterable[Example]:
        """Yield workbooks."""
        return workbook_examples.examples()
