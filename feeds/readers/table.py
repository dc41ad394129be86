"""Tables of text: their delimiter, their records, their header or the lack of one, and their rows."""

import csv
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from itertools import chain, islice

from feeds.readers.columns.columns import Columns
from feeds.readers.columns.guessing import SAMPLE, column_of_kind, guess_names, has_value, source_columns
from feeds.readers.columns.word_tables import plain
from feeds.readers.lines import line_runs
from feeds.readers.rows import MAX_LINE, Row, Unreadable
from feeds.readers.source import Source

_DELIMITERS = ",;\t|"
# A quoted cell of more lines lacks its closing quote.
_MAX_LINES = 50
# A header may stand below a title of fewer cells, within this many rows.
_TITLE = 20
_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)

_UNCLOSED = ("unclosed-quote", "a quote is opened and not closed: close it, or double the quotes inside the cell")

# A record: its line and its cells.
_Cells = tuple[int, list[str]]
Records = Iterator[_Cells | Unreadable]


def delimiter_of(text: str) -> str | None:
    """Return the delimiter of a table that begins with ``text``, None where the text is no table."""
    lines = [line for line in text.splitlines()[:100] if line.strip()]
    if lines and (declared := _SEPARATOR.fullmatch(lines[0])):
        return declared[1]
    lines = [line for line in lines if not line.startswith("#")] or lines
    share, delimiter = max((_even_share(lines, delimiter), delimiter) for delimiter in _DELIMITERS)
    if share:
        return delimiter
    # A table below a title, or cells with unquoted commas: a header with known columns decides.
    return max((delimiter for delimiter in _DELIMITERS if _has_known_header(lines, delimiter)), default=None)


def _even_share(lines: list[str], delimiter: str) -> float:
    """Return the share of lines with the most frequent number of cells, 0 where it is below 70 % or one cell."""
    counts = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter))
    width, frequency = max(counts.items(), key=lambda pair: pair[1], default=(1, 0))
    return frequency / counts.total() if width > 1 and frequency * 10 >= counts.total() * 7 else 0


def _has_known_header(lines: list[str], delimiter: str) -> bool:
    """Return whether the first line with ``delimiter`` names a subject, and most lines below have the delimiter."""
    place = next((place for place, line in enumerate(lines[:_TITLE]) if delimiter in line), None)
    if place is None or not any(Columns([cell]).names_subject for cell in lines[place].split(delimiter)):
        return False
    return sum(delimiter in line for line in lines[place:]) * 10 >= len(lines[place:]) * 7


def rows(source: Source, delimiter: str) -> Iterator[Row | Unreadable]:
    """Yield the rows of a table, by its header or, where it has none, by its cells."""
    return rows_of_records(_records(source, delimiter), delimiter, source.kind)


def rows_of_records(records: Records, delimiter: str = "", kind: str | None = None) -> Iterator[Row | Unreadable]:
    """Yield the rows of ``records``, whose header may stand below a title.

    With a ``delimiter``, a row of more cells than the header is refused, as its cells were cut wrongly. Where no
    column is known to hold values, values are read from the column whose cells are of ``kind``.
    """
    first, records = yield from _first(records)
    if first is None:
        return
    bare = has_value(first[1])
    header = [] if bare else [plain(cell) for cell in first[1]]
    records = chain((first,), records) if bare else records
    sample = list(islice(records, SAMPLE))
    body = [record[1] for record in sample if not isinstance(record, Unreadable)]
    columns = Columns(guess_names(body)) if bare else columns_under(first[1], body, kind)
    for record in chain(sample, records):
        if isinstance(record, Unreadable):
            yield record
            continue
        line, cells = record
        if cells[0].startswith("#") or not any(cells):
            continue
        if delimiter and len(cells) > columns.width and any(cells[columns.width :]):
            yield _too_many(line, cells, columns.width, delimiter)
        elif not _is_repeated(header, cells):
            yield from columns.rows(line, cells)


def _is_repeated(header: list[str], cells: list[str]) -> bool:
    """Return whether a row repeats the header, as in files joined from others."""
    return bool(header) and plain(cells[0]) == header[0] and [plain(cell) for cell in cells] == header


def _too_many(line: int, cells: list[str], width: int, delimiter: str) -> Unreadable:
    message = f"{len(cells)} cells for {width} columns: put cells with a {delimiter!r} in quotes"
    return Unreadable.of(line, delimiter.join(cells), "too-many-cells", message)


def columns_under(names: list[str], body: list[list[str]], kind: str | None) -> Columns:
    """Return the columns of a header; the first rows (``body``) decide what the header leaves open."""
    columns = Columns(names)
    if kind and not columns.names_subject and (place := column_of_kind(names, body, kind)) is not None:
        return Columns(names, found=(place, kind))
    sources = source_columns(columns.value_places, body)
    return Columns(names, sources=sources) if sources else columns


def records_by_name(source: Source, delimiter: str) -> Iterator[tuple[int, dict[str, str]] | Unreadable]:
    """Yield the line and the cells of each row by the names of the header, which is the first record."""
    header: list[str] | None = None
    for record in _records(source, delimiter):
        if isinstance(record, Unreadable):
            yield record
            continue
        line, cells = record
        if cells[0].startswith("#") or cells[0].lower() == "sep=" or not any(cells) or cells == header:
            continue
        if header is None:
            header = cells
        elif len(cells) > len(header) and any(cells[len(header) :]):
            yield _too_many(line, cells, len(header), delimiter)
        else:
            yield line, dict(zip(header, cells, strict=False))


def _first(records: Records) -> Generator[Unreadable, None, tuple[_Cells | None, Records]]:
    """Return the header, or the first row where there is none; comments and a title above a header are skipped."""
    above: list[_Cells | Unreadable] = []
    for record in islice(records, _TITLE):
        above.append(record)
        if isinstance(record, Unreadable):
            continue
        line, cells = record
        begins = not cells[0].startswith("#") and has_value(cells)
        if (begins or _is_header(cells)) and _is_wider(cells, above[:-1]):
            yield from (item for item in above if isinstance(item, Unreadable))
            return (line, cells if begins else [cells[0].lstrip("# "), *cells[1:]]), records
        if begins:
            break
    for place, record in enumerate(above):
        if isinstance(record, Unreadable):
            yield record
        elif any(_with_content([record])):
            return record, chain(above[place + 1 :], records)
    return None, records


def _is_wider(cells: list[str], above: Iterable[_Cells | Unreadable]) -> bool:
    """Return whether a row has more filled cells than each row above, which may be a title then."""
    return all(sum(map(bool, title)) < sum(map(bool, cells)) for _, title in _with_content(above))


def _is_header(cells: list[str]) -> bool:
    """Return whether a row is a header; a comment may be one where it names several columns."""
    if cells[0].startswith("#") and len(cells) == 1:
        return False
    return Columns([cells[0].lstrip("# "), *cells[1:]]).names_subject and not has_value(cells)


def _with_content(records: Iterable[_Cells | Unreadable]) -> Iterator[_Cells]:
    """Yield the records that are neither blank nor comments."""
    for record in records:
        if not isinstance(record, Unreadable) and any(record[1]):
            first = record[1][0].lower()
            if not first.startswith("#") and first != "sep=":
                yield record


def _records(source: Source, delimiter: str) -> Records:
    """Yield the cells of each record with its first line; a quoted cell may go over several lines."""
    start, waiting = 1, list[str]()
    for run in line_runs(source):
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
    """Yield the records in ``lines``; return the last one's lines and number where it may go on in later lines."""
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
    """Return whether a quoted cell of ``record`` has no end yet; a quote inside a cell opens nothing."""
    return record.count('"') % 2 == 1 and "unexpected end" in _complaint(record, delimiter)


def _complaint(record: str, delimiter: str) -> str:
    try:
        next(csv.reader([record], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return str(error)
    return ""
