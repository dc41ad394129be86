"""The layout of tables that people make: forms with a label before each value, tables lying on their side, lists."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from feeds.readers.columns import roles
from feeds.readers.columns.values_in_cells import has_value, is_value
from feeds.readers.columns.vocabulary import (
    is_kind_word,
    is_known_column,
    is_personal,
    is_subject_column,
    vocabulary,
)
from feeds.readers.columns.word_tables import plain
from feeds.readers.rows import Unreadable
from schemas.reference.hosts import looks_like_address

# A record: its line and its cells.
Cells = tuple[int, list[str]]
Records = Iterator[Cells | Unreadable]

# A form or a table on its side has at most this many rows and columns.
_MOST_ROWS, _MOST_COLUMNS = 300, 60
_TITLE = 20
_FEWEST = 2
_LONGEST_LABEL = 60
_LABEL_END = re.compile(r"[\s:：\-–*.]+$")
# A cell with one of these is no name of a column.
_OF_WALLET = re.compile(r"[0-9A-Za-z]{25}")
_NO_NAME = re.compile(r"\d|\S[.@/]\S")


def upright(records: Records) -> Records:
    """Return the records of a table with its header first: those of a form or of a table on its side are turned."""
    begin = list(islice(records, _MOST_ROWS + 1))
    turned = None
    if len(begin) <= _MOST_ROWS and not any(isinstance(record, Unreadable) for record in begin):
        turned = _turned([record for record in begin if not isinstance(record, Unreadable)])
    return chain(begin, records) if turned is None else iter(turned)


def begins_table(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Return whether a row within a table is the header of another one below it."""
    filled = [cell for cell in cells if cell]
    if len(filled) < _FEWEST or any(map(_NO_NAME.search, filled)) or [plain(cell) for cell in cells] == list(header):
        return False
    if roles.are_roles(filled):
        return True
    # The next table may use the same names for other columns.
    above = dict(enumerate(header))
    known = sum(_is_known(cell) or plain(cell) == above.get(place) for place, cell in enumerate(cells) if cell)
    return known * 2 > len(filled) and any(map(is_subject_column, cells))


def _turned(records: Sequence[Cells]) -> list[Cells] | None:
    """Return the records of a form or a table on its side, turned; None for any other table."""
    rows = [(line, _pair(cells)) for line, cells in records if any(cells)]
    pairs = [(line, pair) for line, cells in rows for pair in cells]
    if len(pairs) < _FEWEST or max(len(cells) for _, cells in pairs) > _MOST_COLUMNS:
        return None
    if any(_is_header(cells) for _, cells in records[:_TITLE]):
        return None
    if not _are_labels([cells[0] for _, cells in pairs if len(cells) > 1 and any(cells[1:])]):
        return None
    return [turned for form in _forms(pairs) for turned in _turn(form)]


def _are_labels(first: Sequence[str]) -> bool:
    """Return whether the first cells of rows are names of columns, and not the values or kinds of a list."""
    known = [label for label in first if _is_known(label)]
    if len(known) < _FEWEST or len(known) * 3 < len(first) or all(map(is_kind_word, known)):
        return False
    return any(map(is_subject_column, first)) and not any(is_value(label) and not _is_known(label) for label in first)


def _is_header(cells: Sequence[str]) -> bool:
    return (
        len([cell for cell in cells if cell]) >= _FEWEST
        and any(map(is_subject_column, cells))
        and not has_value(cells)
        and (sum(map(_is_known, cells)) >= _FEWEST)
        and sum(cell.rstrip().endswith((":", "：")) for cell in cells) < _FEWEST
    )


def _pair(cells: list[str]) -> list[list[str]]:
    """Return the labels of a row, each with its values: two pairs side by side are two."""
    filled = [cell for cell in cells if cell]
    if len(filled) == 4 and _is_label(filled[0]) and _is_label(filled[2]) and not _is_label(filled[1]):
        return [[_LABEL_END.sub("", filled[0]), filled[1]], [_LABEL_END.sub("", filled[2]), filled[3]]]
    first = next((place for place, cell in enumerate(cells) if cell), 0)
    label = _LABEL_END.sub("", cells[first])
    if len(filled) == 1 and (split := re.match(r"(.{2,60}?)\s*[:：]\s+(\S.*)", cells[first])):
        return [[split[1], split[2]]]
    return [[label, *cells[first + 1 :]]]


def _forms(pairs: Sequence[Cells]) -> Iterator[list[Cells]]:
    """Yield the pairs of each form of a page: a label that returns begins the next one.

    A heading with a role, such as "Victim", names the labels below it.
    """
    form: list[Cells] = []
    names: set[str] = set()
    section = ""
    for line, cells in pairs:
        label, values = cells[0], cells[1:]
        if not any(values):
            role = roles.role_of(label) if len(label) <= _LONGEST_LABEL else ""
            section = label if role in ("person", "suspect", "office") else "" if form else section
            continue
        name = _under(section, label)
        if plain(name) in names:
            yield form
            form, names = [], set()
        names.add(plain(name))
        form.append((line, [name, *values]))
    if form:
        yield form


def _under(section: str, label: str) -> str:
    """Return the name of a label in a section: with the section's heading, unless the label alone is also known."""
    if not section or roles.role_of(label) in ("person", "suspect"):
        return label
    name = f"{section} {label}"
    return label if roles.role_of(section) == "suspect" and _is_known(label) and not _is_known(name) else name


def _turn(form: Sequence[Cells]) -> Iterator[Cells]:
    """Yield the header of a form and a record for each of its columns of values."""
    width = max(len(cells) for _, cells in form)
    padded = [cells + [""] * (width - len(cells)) for _, cells in form]
    yield form[0][0], [cells[0] for cells in padded]
    for place in range(1, width):
        record = [cells[place] for cells in padded]
        if any(record):
            yield form[0][0], record


def _is_label(cell: str) -> bool:
    return _is_known(cell) or (cell.rstrip()[-1:] in (":", "：") and len(cell) <= _LONGEST_LABEL)


def _is_known(name: str) -> bool:
    return (
        bool(name)
        and len(name) <= _LONGEST_LABEL
        and not looks_like_address(name)
        and _OF_WALLET.search(name) is None
        and (is_known_column(name) or is_personal(name, vocabulary()))
    )
