"""Files that pages send: tables as CSV, in which no cell is a formula."""

import csv
import io
from collections.abc import Sequence

from schemas.tabular import harmless_cell


def csv_line(cells: Sequence[object]) -> bytes:
    """Return a row of CSV, without what a spreadsheet would run; None is empty."""
    written = io.StringIO()
    row = ["" if cell is None else harmless_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    csv.writer(written, lineterminator="\r\n").writerow(row)
    return written.getvalue().encode()
