"""Files that pages send: tables as CSV, in which no cell is a formula."""

import csv
import io
from collections.abc import Sequence

# A spreadsheet runs what begins so.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Sequence[object]) -> bytes:
    """Return a row of CSV; a text that a spreadsheet would run gets an apostrophe in front, None is empty."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return written.getvalue().encode()


def _cell(cell: object) -> object:
    if cell is None:
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
