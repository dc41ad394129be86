"""Tables of text: their cells, their header or the lack of one, and their rows."""

import csv
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from itertools import chain, islice

from feeds.readers.columns.columns import Columns
from feeds.readers.columns.guessing import SAMPLE, column_of_kind, guess_names, has_value, source_columns
from feeds.readers.columns.word_tables import plain
from feeds.readers.lines import blocks
from feeds.readers.rows import MAX_LINE, Row, Unreadable
from feeds.readers.source import Source

_DELIMITERS = ",;\t|"
# A quoted cell of more lines than this is one whose closing quote is missing.
_MAX_LINES = 50
# A header may stand below a title of fewer cells, within so many rows.
_TITLE = 20
_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)

_UNCLOSED = ("unclosed-quote", "a quote is opened and not closed: close it, or double the quotes inside the cell")

_Cells = tuple[int, list[str]]
Records = Iterator[_Cells | Unreadable]


def delimiter_of(text: str) -> str | None:
    """Find what stands between the cells of a table that begins with ``text``, None where nothing does."""
    lines = [line for line in text.splitlines()[:100] if line.strip()]
    if lines and (said := _SEPARATOR.fullmatch(lines[0])):
        return said[1]
    lines = [line for line in lines if not line.startswith("#")] or lines
    best: tuple[float, str] = (0, "")
    for delimiter in _DELIMITERS:
        counts = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter))
        width, often = max(counts.items(), key=lambda pair: pair[1], default=(1, 0))
        if width > 1 and often * 10 >= sum(counts.values()) * 7:
            best = max(best, (often / sum(counts.values()), delimiter))
    if not best[1] and lines:
        # A table below a title, or cells with commas of their own that nobody quoted: what the header says counts.
        headers = {d: next((line for line in lines[:_TITLE] if d in line), "") for d in _DELIMITERS}
        known = {
            d: sum(Columns([cell]).names_subject for cell in header.split(d)) for d, header in headers.items() if header
        }
        below = {d: lines[lines.index(headers[d]) :] for d in known}
        fits = {d: sum(d in line for line in below[d]) * 10 >= len(below[d]) * 7 for d in known}
        best = max(((1.0, d) for d, count in known.items() if count and fits[d]), default=best)
    return best[1] or None


def rows(source: Source, delimiter: str) -> Iterator[Row | Unreadable]:
    """Give the rows of a table, as its header says, or as they look where there is none."""
    return rows_of_records(_records(source, delimiter), delimiter, source.kind)


def rows_of_records(records: Records, delimiter: str = "", kind: str | None = None) -> Iterator[Row | Unreadable]:
    """Give the rows that ``records`` of cells say; above the header there may be a title.

    Where there is a ``delimiter``, a row of more cells than the header has is one whose cells were cut wrongly. Where
    no column is known to hold values, the one is taken whose cells are of ``kind``.
    """
    first, records = yield from _first(records)
    if first is None:
        return
    bare = has_value(first[1])
    header = [] if bare else [plain(cell) for cell in first[1]]
    records = chain((first,), records) if bare else records
    sample = list(islice(records, SAMPLE))
    records = chain(sample, records)
    body = [each[1] for each in sample if not isinstance(each, Unreadable)]
    columns = Columns(guess_names(body)) if bare else columns_under(first[1], body, kind)
    for each in records:
        if isinstance(each, Unreadable):
            yield each
            continue
        line, cells = each
        if cells[0].startswith("#") or not any(cells):
            continue
        if delimiter and len(cells) > columns.width and any(cells[columns.width :]):
            message = f"{len(cells)} cells for {columns.width} columns: put cells with a {delimiter!r} in quotes"
            yield Unreadable.of(line, delimiter.join(cells), "too-many-cells", message)
        elif header and plain(cells[0]) == header[0] and [plain(cell) for cell in cells] == header:
            continue
        else:
            yield from columns.rows(line, cells)


def columns_under(names: list[str], body: list[list[str]], kind: str | None) -> Columns:
    """Give the columns under a header, of which the first rows tell what it leaves open."""
    columns = Columns(names)
    if kind and not columns.names_subject and (place := column_of_kind(names, body, kind)) is not None:
        return Columns(names, found=(place, kind))
    sources = source_columns(columns.value_places, body)
    return Columns(names, sources=sources) if sources else columns


def records_by_name(source: Source, delimiter: str) -> Iterator[tuple[int, dict[str, str]] | Unreadable]:
    """Give the line and the cells of each row by the names in the header, which is the first record, as they stand."""
    header: list[str] | None = None
    for each in _records(source, delimiter):
        if isinstance(each, Unreadable):
            yield each
            continue
        line, cells = each
        if cells[0].startswith("#") or cells[0].lower() == "sep=" or not any(cells) or cells == header:
            continue
        if header is None:
            header = cells
        elif len(cells) > len(header) and any(cells[len(header) :]):
            message = f"{len(cells)} cells for {len(header)} columns: put cells with a {delimiter!r} in quotes"
            yield Unreadable.of(line, delimiter.join(cells), "too-many-cells", message)
        else:
            yield line, dict(zip(header, cells, strict=False))


def _first(records: Records) -> Generator[Unreadable, None, tuple[_Cells | None, Records]]:
    """Find the header, or the first row where there is none; comments and a title above a header are neither."""
    above: list[_Cells | Unreadable] = []
    for each in islice(records, _TITLE):
        above.append(each)
        if isinstance(each, Unreadable):
            continue
        line, cells = each
        begins = not cells[0].startswith("#") and has_value(cells)
        if (begins or _tells(cells)) and all(
            sum(map(bool, one)) < sum(map(bool, cells)) for _, one in _said(above[:-1])
        ):
            yield from (one for one in above if isinstance(one, Unreadable))
            return (line, cells if begins else [cells[0].lstrip("# "), *cells[1:]]), records
        if begins:
            break
    for place, each in enumerate(above):
        if isinstance(each, Unreadable):
            yield each
        elif any(_said([each])):
            return each, chain(above[place + 1 :], records)
    return None, records


def _tells(cells: list[str]) -> bool:
    """Tell whether this is a header; a comment may be one where it names several columns."""
    if cells[0].startswith("#") and len(cells) == 1:
        return False
    return Columns([cells[0].lstrip("# "), *cells[1:]]).names_subject and not has_value(cells)


def _said(records: Iterable[_Cells | Unreadable]) -> Iterator[_Cells]:
    """Leave out what is blank or a comment."""
    for each in records:
        if not isinstance(each, Unreadable) and any(each[1]):
            first = each[1][0].lower()
            if not first.startswith("#") and first != "sep=":
                yield each


def _records(source: Source, delimiter: str) -> Records:
    """Give the cells of each record with its first line; a quoted cell may go over several lines."""
    start, waiting = 1, list[str]()
    for run in blocks(source):
        if isinstance(run, Unreadable):
            yield from _joined(start, waiting, delimiter, last=True)
            waiting = []
            yield run
        elif not waiting and not any('"' in line for line in run[1]):
            for number, cells in enumerate(csv.reader(run[1], delimiter=delimiter), run[0]):
                if cells:
                    yield number, cells
        else:
            start = start if waiting else run[0]
            start, waiting = yield from _joined(start, waiting + run[1], delimiter, last=False)
    yield from _joined(start, waiting, delimiter, last=True)


def _joined(
    number: int, lines: list[str], delimiter: str, *, last: bool
) -> Generator[_Cells | Unreadable, None, tuple[int, list[str]]]:
    """Give the records in ``lines``; give back the lines of one that may go on in lines to come, and their number."""
    place = 0
    while place < len(lines):
        record, end = lines[place], place + 1
        while '"' in record and _is_open(record, delimiter):
            if end == len(lines) and not last and end - place < _MAX_LINES:
                return number + place, lines[place:]
            if end == len(lines) or end - place >= _MAX_LINES or len(record) > MAX_LINE:
                record = ""
                break
            record, end = f"{record}\n{lines[end]}", end + 1
        if not record or (end - place > 1 and _complaint(record, delimiter)):
            if lines[place].strip():
                yield Unreadable.of(number + place, lines[place], *_UNCLOSED)
            end = place + 1
        elif record.strip():
            yield number + place, next(csv.reader([record], delimiter=delimiter))
        place = end
    return number + place, []


def _is_open(record: str, delimiter: str) -> bool:
    """Tell whether a quoted cell of ``record`` has no end yet; a quote inside a cell opens nothing."""
    return record.count('"') % 2 == 1 and "unexpected end" in _complaint(record, delimiter)


def _complaint(record: str, delimiter: str) -> str:
    try:
        next(csv.reader([record], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return str(error)
    return ""
