"""Old and open workbooks (.xls, .xlsb, .ods): the rows of each visible sheet."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path

from python_calamine import CalamineWorkbook, SheetVisibleEnum

from feeds.readers.documents import zipped
from feeds.readers.documents.parts import Part, Table, UnreadPart
from feeds.readers.rows import number_text

_HIDDEN = ("hidden-sheet", "a hidden sheet is not read: show it")
_Cell = str | float | bool | date | datetime | time | timedelta


def parts(path: str, name: str) -> Iterator[Part]:
    """Yield a table for each sheet; numbers as displayed, dates in ISO 8601. Raises ``UnreadableFile``."""
    if zipfile.is_zipfile(path):
        zipped.checked(path)
    book = CalamineWorkbook.from_filelike(BytesIO(Path(path).read_bytes()))
    for number, sheet in enumerate(book.sheets_metadata, 1):
        rows = book.get_sheet_by_name(sheet.name)
        if sheet.visible is not SheetVisibleEnum.Visible:
            if rows.total_height:
                yield UnreadPart(number, sheet.name, *_HIDDEN, sheet.name)
            continue
        listed = [
            (line, list(map(_text, cells)))
            for line, cells in enumerate(rows.iter_rows(), rows.start[0] + 1 if rows.start else 1)
        ]
        yield Table([(line, cells) for line, cells in listed if any(cells)], sheet.name)


def _text(cell: _Cell) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float | int):
        return number_text(repr(cell))
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S") if cell.time() != time() else cell.strftime("%Y-%m-%d")
    return str(cell).strip()
