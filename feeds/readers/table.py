"""Tables of text: their delimiter, their records, their header (if there is one), and their rows."""

import csv
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice

from feeds.readers import layout, not_shown
from feeds.readers.columns import roles
from feeds.readers.columns.columns import Columns
from feeds.readers.columns.roles import Header
from feeds.readers.columns.values_in_cells import SAMPLE, column_of_kind, guess_names, has_value, source_columns
from feeds.readers.columns.vocabulary import is_subject_column
from feeds.readers.columns.word_tables import plain
from feeds.readers.layout import Cells, Records
from feeds.readers.rows import MAX_LINE, FileRow, Row, Unreadable, in_part
from feeds.readers.source import Source, line_runs
from schemas.reference.bank_text import bank_of_heading

_DELIMITERS = ",;\t|"
# A quoted cell with more lines has lost its closing quote.
_MAX_LINES = 50
# A header may be below a title of fewer cells, within this many rows.
_TITLE = 20
# Maximum number of rows of a header below its first one.
_HEADER_ROWS = 2
_FEWEST_DIGITS = 6
_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)

_HEADING = (
    "heading",
    "a heading within the table that states to whom or to which bank the rows below belong, and has no value",
)
_TOTAL = ("heading", "a row of totals: it has no value")
_PAID_FROM = (
    "not-a-scammers",
    "another row of this table names the account as the one that paid, so it is a victim's own: leave such rows out",
)
# Most accounts that paid, and are remembered, in one table.
_MOST_PAYERS = 10_000
_NO_ROWS = ("no-rows", "the sheet or table has a header or title but no rows below it")
_UNCLOSED = ("unclosed-quote", "a quote is opened and not closed: close it, or double the quotes inside the cell")


def delimiter_of(text: str) -> str | None:
    """Return the delimiter of a table that begins with ``text``, None if the text is not a table."""
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
    """Return the share of lines with the most frequent number of cells, 0 if it is below 70 % or one cell."""
    counts = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter))
    width, frequency = max(counts.items(), key=lambda pair: pair[1], default=(1, 0))
    return frequency / counts.total() if width > 1 and frequency * 10 >= counts.total() * 7 else 0


def _has_known_header(lines: list[str], delimiter: str) -> bool:
    """Return whether the first line with ``delimiter`` names a subject, and most lines below have the delimiter."""
    place = next((place for place, line in enumerate(lines[:_TITLE]) if delimiter in line), None)
    if place is None or not any(map(is_subject_column, lines[place].split(delimiter))):
        return False
    return sum(delimiter in line for line in lines[place:]) * 10 >= len(lines[place:]) * 7


def rows(source: Source, delimiter: str) -> Iterator[Row | Unreadable]:
    """Yield the rows of a table, by its header, or by its cells if it has none."""
    return rows_of_records(
        _records(source, delimiter), delimiter, source.kind, of_others=roles.is_list_of_others(source.title)
    )


def has_known_columns(records: Sequence[Cells]) -> bool:
    """Return whether one of the first rows is a header with a column of values, or has a value itself."""
    return any(_is_header(cells) or has_value(cells) for _, cells in records[:_TITLE])


def rows_of_records(
    records: Records, delimiter: str = "", kind: str | None = None, title: str = "", *, of_others: bool = False
) -> Iterator[Row | Unreadable]:
    """Yield the rows of ``records``, whose header may be below a title.

    ``title`` is the name of the sheet. It, a row above the header or a row within the table may name the bank of the
    accounts below it, if no column does.

    With a ``delimiter``, a row with more cells than the header is refused, because its cells were cut wrongly. If no
    column is known to have values, the column whose cells are of ``kind`` is read. In a table ``of_others``, according
    to the name of its sheet or file, only columns whose own name states a scammer are read.
    """
    above, first, records = yield from _first(layout.upright(not_shown.rows_without_struck(records)))
    if first is None:
        return
    header, columns, records = _recognised(above, first, records, kind, of_others=of_others)
    if columns.lack_bank and (bank := _bank_of_titles([title, *chain(*above)])):
        columns = columns.of_bank(bank)
    table = _Table(header, columns, delimiter, in_contacts=bool(title) and roles.is_of_contacts(title))
    for record in records:
        if isinstance(record, Unreadable):
            yield record
        elif table.is_ended_by(record[1]):
            yield from rows_of_records(chain((record,), records), delimiter, kind, title, of_others=of_others)
            return
        else:
            yield from table.rows(*record)


class _Table:
    """The rows below a header, among which headings may name a role or a bank."""

    def __init__(self, header: list[str], columns: Columns, delimiter: str, *, in_contacts: bool) -> None:
        self._header, self._columns, self._delimiter = header, columns, delimiter
        self._of_others = in_contacts
        read = columns.read_places
        self._payer_places = [
            place for place, name in enumerate(header) if place not in read and roles.is_of_payer(name)
        ]
        self._payers, self._paid = set[str](), set[str]()

    def is_ended_by(self, cells: list[str]) -> bool:
        """Return whether a row is the header of another table."""
        if self._of_others or not self._header or cells[0].startswith("#"):
            return False
        return layout.begins_table(cells, self._header)

    def rows(self, line: int, cells: list[str]) -> list[Row | Unreadable]:
        """Return the rows of a record: none for a comment and a repeated header."""
        if cells[0].startswith("#") or not any(cells):
            return []
        if heading := self._heading(cells):
            return [Unreadable.of(line, heading, *_HEADING)]
        if self._of_others:
            return [Unreadable.of(line, self._delimiter.join(cells), *roles.OF_SOMEBODY_ELSE)]
        if self._delimiter and len(cells) > self._columns.width and any(cells[self._columns.width :]):
            return [_too_many(line, cells, self._columns.width, self._delimiter)]
        if _is_repeated(self._header, cells):
            return []
        if roles.is_total(cells):
            return [Unreadable.of(line, self._delimiter.join(filter(None, cells)), *_TOTAL)]
        found = self._columns.rows(line, cells)
        return self._without_payers(found, cells) if self._payer_places else found

    def _without_payers(self, rows: list[Row | Unreadable], cells: list[str]) -> list[Row | Unreadable]:
        """Return rows with the accounts refused that paid in a row above before they were paid."""
        kept: list[Row | Unreadable] = []
        for row in rows:
            number = (
                _digits(row.fields.get("account_number") or row.fields.get("value", "")) if isinstance(row, Row) else ""
            )
            if isinstance(row, Row) and number in self._payers:
                kept.append(Unreadable.of(row.line, row.fields.get("account_number", number), *_PAID_FROM))
            else:
                kept.append(row)
                if number and len(self._paid) < _MOST_PAYERS:
                    self._paid.add(number)
        for place in self._payer_places:
            number = _digits(cells[place]) if place < len(cells) else ""
            if number and number not in self._paid and len(self._payers) < _MOST_PAYERS:
                self._payers.add(number)
        return kept

    def _heading(self, cells: list[str]) -> str:
        """Return the text of a heading, which applies to the rows below it; "" for any other row."""
        text = _only_text(cells)
        if not text:
            return ""
        if role := roles.section_of(cells):
            self._of_others = role == "person"
            return text
        if self._columns.lack_bank and (bank := bank_of_heading(text)):
            self._columns = self._columns.of_bank(bank)
            return text
        return ""


def _digits(text: str) -> str:
    """Return the digits of an account, "" if they are too few to be one."""
    digits = "".join(filter(str.isdigit, text))
    return digits if len(digits) >= _FEWEST_DIGITS else ""


def _only_text(cells: list[str]) -> str:
    """Return the text of a row with a single filled cell, "" for any other row."""
    return next(filter(None, cells)) if len(cells) - cells.count("") == 1 else ""


def rows_of_sheet(
    records: Records, name: str, kind: str | None = None, *, of_others: bool = False
) -> Iterator[FileRow]:
    """Yield the rows of a table, on the sheet or page called ``name``; one with cells and without rows is named."""
    first = next(records, None)
    if first is None:
        return
    found = False
    rows = rows_of_records(chain((first,), records), kind=kind, title=name, of_others=of_others)
    for row in in_part(rows, name):
        found = True
        yield row
    if not found:
        yield Unreadable.of(first.line if isinstance(first, Unreadable) else first[0], name, *_NO_ROWS)._replace(
            part=name
        )


def _recognised(
    above: list[list[str]], first: Cells, records: Records, kind: str | None, *, of_others: bool
) -> tuple[list[str], Columns, Records]:
    """Return the header in the form for comparison (empty if there is none), the columns, and the records to read."""
    cells = first[1]
    if has_value(cells):
        records = chain((first,), records)
        header, below = ["-"] * len(cells), list[list[str]]()
    else:
        header = cells
        below, records = _header_below(header, records)
    whole = roles.header_of(above, header, below)
    if of_others:
        whole = roles.without_others(whole)
    sample = list(islice(records, SAMPLE))
    body = [record[1] for record in sample if not isinstance(record, Unreadable)]
    records = chain(sample, records)
    if header is not cells:
        labels = _labels(above, max(map(len, body)))
        not_read = whole.not_read | {place for place, label in enumerate(labels) if roles.is_of_person(label)}
        names = guess_names(_without(body, not_read))
        return [], columns_under(Header(names, not_read), body, None, labels), records
    return [plain(cell) for cell in cells], columns_under(whole, body, kind), records


def _bank_of_titles(titles: Iterable[str]) -> str:
    """Return the only bank that the titles of a table consist of, "" for none or several."""
    banks = {bank for title in titles if title and (bank := bank_of_heading(title))}
    return banks.pop() if len(banks) == 1 else ""


def _header_below(header: list[str], records: Records) -> tuple[list[list[str]], Records]:
    """Return the rows of a header below its first one, and the records after them."""
    below: list[list[str]] = []
    for record in islice(records, _HEADER_ROWS):
        if isinstance(record, Unreadable) or not _goes_on(header, record[1]):
            return below, chain((record,), records)
        below.append(record[1])
    return below, records


def _goes_on(header: list[str], cells: list[str]) -> bool:
    """Return whether a row belongs to the header above it, and is not the name of a bank or a value."""
    text = _only_text(cells)
    return not (text and bank_of_heading(text)) and roles.goes_on(header, cells) and not has_value(cells)


def _without(body: list[list[str]], places: frozenset[int]) -> list[list[str]]:
    """Return rows without the cells at some places."""
    if not places:
        return body
    return [["" if place in places else cell for place, cell in enumerate(cells)] for cells in body]


def _is_repeated(header: list[str], cells: list[str]) -> bool:
    """Return whether a row repeats the header, as in joined files."""
    return bool(header) and plain(cells[0]) == header[0] and [plain(cell) for cell in cells] == header


def _too_many(line: int, cells: list[str], width: int, delimiter: str) -> Unreadable:
    message = f"{len(cells)} cells for {width} columns: put cells with a {delimiter!r} in quotes"
    return Unreadable.of(line, delimiter.join(cells), "too-many-cells", message)


def columns_under(header: Header, body: list[list[str]], kind: str | None, labels: Sequence[str] = ()) -> Columns:
    """Return the columns of a header; the first rows (``body``) decide everything that the header leaves open.

    ``labels`` are the names for display where the header has none of its own.
    """
    names, not_read = header
    of = partial(Columns, names, not_read=not_read, of_roles=roles.role_columns(names, body), body=body, labels=labels)
    columns = of()
    if kind and not columns.names_subject:
        place = column_of_kind(names, _without(body, not_read), kind)
        if place is not None:
            return of(found=(place, kind))
    sources = source_columns(columns.value_places, body)
    return of(sources=sources) if sources else columns


def _labels(above: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return the row of names directly above a table without a known header; empty if that is a title or missing."""
    names = list(above[-1][:width]) if above else []
    return names + [""] * (width - len(names)) if sum(map(bool, names)) * 2 > width else []


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


def _first(records: Records) -> Generator[Unreadable, None, tuple[list[list[str]], Cells | None, Records]]:
    """Return the rows above the header, and the header, or the first row if there is none; comments are skipped."""
    begin = list(islice(records, _TITLE))
    while (found := _header_in(begin)) is None:
        yield from _unreadable(begin)
        if not begin:
            return [], None, records
        begin = list(islice(records, _TITLE))
    place, (line, cells) = found
    yield from _unreadable(begin[:place])
    above = [title for _, title in _with_content(begin[:place])]
    return above, (line, _without_sign(cells)), chain(begin[place + 1 :], records)


def _unreadable(records: Iterable[Cells | Unreadable]) -> Iterator[Unreadable]:
    return (record for record in records if isinstance(record, Unreadable))


def _header_in(begin: Sequence[Cells | Unreadable]) -> tuple[int, Cells] | None:
    """Return the header of a table with its place, or the first row if there is none; None for only comments."""
    title = None
    rows = [(place, record) for place, record in enumerate(begin) if not isinstance(record, Unreadable)]
    for place, record in rows:
        cells = record[1]
        is_row = not cells[0].startswith("#") and has_value(cells)
        if (is_row or _is_header(cells)) and _is_wider(cells, begin[:place]):
            if is_row or not _only_text(cells):
                return place, record
            # A title such as "Scam domains", unless no header follows.
            title = title or (place, record)
        elif is_row:
            break
    return title or next(((place, record) for place, record in rows if any(_with_content([record]))), None)


def _without_sign(header: list[str]) -> list[str]:
    """Return a header without the sign of a comment."""
    return [header[0].lstrip("# "), *header[1:]]


def _is_wider(cells: list[str], above: Iterable[Cells | Unreadable]) -> bool:
    """Return whether a row has more filled cells than each row above, which then may be a title, or states roles."""
    return all(
        sum(map(bool, title)) < sum(map(bool, cells)) or (roles.names_role(title) and not has_value(title))
        for _, title in _with_content(above)
    )


def _is_header(cells: list[str]) -> bool:
    """Return whether a row is a header; a comment may be one if it has several columns."""
    if cells[0].startswith("#") and len(cells) == 1:
        return False
    return any(map(is_subject_column, _without_sign(cells))) and not has_value(cells)


def _with_content(records: Iterable[Cells | Unreadable]) -> Iterator[Cells]:
    """Yield the records that are neither blank nor comments."""
    for record in records:
        if not isinstance(record, Unreadable) and any(record[1]):
            first = record[1][0].lower()
            if not first.startswith("#") and first != "sep=":
                yield record


def _records(source: Source, delimiter: str) -> Records:
    """Yield the cells of each record with its first line; a quoted cell may have several lines."""
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
) -> Generator[Cells | Unreadable, None, tuple[int, list[str]]]:
    """Yield the records in ``lines``; return the last one's lines and number if it may continue in later lines."""
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
