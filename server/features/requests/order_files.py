"""Files of takedown requests: one order with many locations, and a host's responses to many requests."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from schemas import tabular, timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.request import Request, RequestAnswer

# Maximum number of rows of a file, and of its bytes.
MOST_ROWS = 2_000
MOST_BYTES = 5_000_000
_MOST_CELL = 20_000
_MOST_COLUMNS = 40
# Names of the columns of other programs.
_NAMES = {"url": "location", "value": "location", "identifier": "location", "id": "request"}


class FileRow(NamedTuple):
    """A row of a file by its line: its content, or why the row is refused."""

    line: int
    content: Request | RequestAnswer | None
    reason: str = ""
    message: str = ""


def read_order(text: str, partner: Partner, common: Mapping[str, str]) -> list[FileRow]:
    """Return a takedown request for each row of a CSV text; ``common`` fills the columns that a row leaves empty.

    A text without a header is a list of locations. A location is never changed. Raises ``Rejected`` for a file that is
    too large or cannot be read.
    """
    return [_read("request", line, row, partner, common) for line, row in _rows(text, "location")]


def read_responses(text: str, partner: Partner) -> list[FileRow]:
    """Return a response for each row of a CSV text with the columns request, response, reason, territory, reference.

    Raises ``Rejected`` for a file that is too large or cannot be read.
    """
    return [_read("request-answer", line, row, partner, {}) for line, row in _rows(text, "request")]


def _read(record: str, line: int, row: Mapping[str, str], partner: Partner, common: Mapping[str, str]) -> FileRow:
    defaults = {"reporter": partner.name, "reported_at": timestamp.text(timestamp.now()), **common}
    try:
        content = tabular.read_record(record, row, defaults)
    except Rejected as refusal:
        return FileRow(line, None, refusal.reason, refusal.message)
    if isinstance(content, Request) and not content.is_takedown:
        return FileRow(line, None, "bad-asks", "asks: this file is for takedown requests alone")
    if not isinstance(content, Request | RequestAnswer):
        raise TypeError(record)
    return FileRow(line, content)


def _rows(text: str, first: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a CSV text with their lines. Raises ``Rejected``."""
    if len(text) > MOST_BYTES:
        raise Rejected("file-too-large", f"the file has more than {MOST_BYTES:,} characters: send it in parts")
    plain = text.removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(plain, newline=""), strict=True)
    header: list[str] | None = None
    rows = 0
    try:
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) > _MOST_COLUMNS or any(len(cell) > _MOST_CELL for cell in cells):
                raise Rejected("bad-columns", f"line {reader.line_num}: too many columns, or a cell that is too long")
            if header is None:
                header = _header(cells, first)
                if header != [first]:
                    continue
                if cells[0].strip().lower() in {first, *_NAMES}:
                    continue
            rows += 1
            if rows > MOST_ROWS:
                raise Rejected("file-too-large", f"the file has more than {MOST_ROWS:,} rows: send it in parts")
            if len(cells) > len(header):
                raise Rejected("bad-columns", f"line {reader.line_num}: more cells than columns: quote the commas")
            yield reader.line_num, dict(zip(header, cells, strict=False))
    except csv.Error:
        raise Rejected("bad-columns", f"line {reader.line_num}: this is no CSV: check the quotes") from None


def _header(cells: list[str], first: str) -> list[str]:
    """Return the names of the columns; a first row that names no known column is one value."""
    names = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
    if first not in names:
        names = [_NAMES.get(name, name) for name in names]
    if first not in names:
        if len(cells) > 1:
            raise Rejected("bad-columns", f"line 1: name the columns; {first} has to be one of them")
        return [first]
    if len(set(names)) < len(names):
        raise Rejected("bad-columns", "line 1: two columns have the same name")
    return names
