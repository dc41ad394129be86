"""Recognises the columns of files under their known names (``columns.toml``), and makes rows from their cells.

Columns read: the values and ``kind``; the fields of ``schemas.report.Report`` that a row may fill (scam_type, channel,
payment_rail, first_seen, last_seen, reported_at, valid_until, confidence, tlp, countries, action, holder_status,
reference, description, lang); ``sha256``; and the inputs of the kinds (chain, currency, country, iban, bic, …).
All other columns may contain personal data: they are not read, and each is noted.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import lru_cache
from itertools import islice

from feeds.readers.columns import account_cells, cell_meanings, roles, row_values, several
from feeds.readers.columns.clearing import UNMARKED, Clearing, marked_places, names_owner
from feeds.readers.columns.column_notes import ColumnNotes, notes_on_unread
from feeds.readers.columns.row_values import FREE_TEXT, NOT_A_SCAM, RowTemplate, RowValue, row_template
from feeds.readers.columns.values_in_cells import SAMPLE, column_of_kind, is_value
from feeds.readers.columns.vocabulary import field_column, is_subject_column, value_column, vocabulary
from feeds.readers.columns.word_tables import CustomNames, ValueColumn, current_custom_names, plain
from feeds.readers.extraction.cues import ONLY_ASKED
from feeds.readers.rows import (
    Note,
    Row,
    Unreadable,
    of_one_line,
    refuse_changed_numbers,
    shown_name,
    without_protection,
)

_NOTHING: Mapping[str, str] = {}
_NO_SOURCES: Mapping[int, str] = {}
# Columns whose cell may have a part for each value in the cell beside it.
_COMPANIONS = frozenset({"bank", "bic", "branch", "platform", "system", "chain", "currency"})
_BANKS = frozenset({"bank", "bic", "iban"})
_ACCOUNT = "account_number"
_MANY = 4096
_ADDRESS_AND_PORT = re.compile(r"(\d{1,3}(?:\[?\.\]?\d{1,3}){3}):\d{1,5}|\[([0-9a-fA-F:]+)\]:\d{1,5}")
_NO_VALUE_COLUMN = (
    "no-value-column",
    "no column with the value was recognised: name it value, or by its kind (domain, phone, …); "
    "if the file has no header, set its format and kind (--format, --kind)",
)
_NO_COLUMN_OF_SCAMMER = (
    "no-value-column",
    "according to the headings the values belong to a victim, a reporter or an office, or their owner is "
    "unclear: mark the scammer's columns (suspect phone), or leave the others out",
)
_EMPTY = ("no-value", "the row has no value")


class Columns:
    """The columns of one file, or the keys of objects with one shape, and the rows made from their cells.

    ``context`` are fields that apply to all rows; they fill empty cells. ``found`` is the place and kind of a column
    recognised by its values. ``sources`` are the places of value columns that only cite sources, with the reason.
    Columns ``not_read`` are those of victims, reporters and offices according to a heading above them. Columns
    ``of_roles`` name the owner of a row, in addition to columns recognised by name. The first rows (``body``) show
    what an unknown column is likely to be. ``labels`` are the names for display where these are not ``names``.
    """

    def __init__(
        self,
        names: Sequence[str],
        context: Mapping[str, str] = _NOTHING,
        found: tuple[int, str] | None = None,
        sources: Mapping[int, str] = _NO_SOURCES,
        not_read: frozenset[int] = frozenset(),
        of_roles: Iterable[int] = (),
        body: Sequence[Sequence[str]] = (),
        labels: Sequence[str] = (),
    ) -> None:
        self.width = len(names)
        self._context, self._sources = context, sources
        values, fields, unread = _recognised(names, found, not_read)
        self._values = sorted(values, key=lambda pair: (pair[0].rank, pair[1]))
        # Of two columns for one field, the more certain one fills it; if its cell is empty, the other one does.
        self._others = [(field, place) for field, places in fields.items() for _, place in sorted(places, reverse=True)]
        self._fields = frozenset(fields)
        subjects = vocabulary().subjects
        self._subjects = [(field, place) for field, place in self._others if field in subjects]
        self._of_values = [*self.value_places, *(place for _, place in self._subjects)]
        self._companions = [place for field, place in self._others if field in _COMPANIONS]
        self._worded = [place for field, place in self._others if field not in FREE_TEXT]
        self._numbered = several.numbered(names, self._of_values + self._companions)
        self._ispb = account_cells.ispb_places(names, self._others)
        self._digits = account_cells.digit_places(names, self._others)
        unread = [place for place in unread if place not in self._digits]
        of_roles = set(of_roles)
        named = roles.named_columns(names)
        self._of_roles = dict.fromkeys(of_roles, False) | dict.fromkeys(named, True)
        # A column called "status" may be about cases: its unknown words count as roles only if other cells state roles.
        self._only_roles = roles.surely_named_columns(names) | of_roles.intersection(named)
        own = [place for place in unread if place not in not_read]
        self._clearing = Clearing(
            names, [place for place in own if not roles.is_of_a_person(names[place])], self._others
        )
        self._marks = marked_places(names, own, body)
        self._no_values = _NO_COLUMN_OF_SCAMMER if not_read else _NO_VALUE_COLUMN
        headings = labels or names
        self._names = [shown_name(name, place) for place, name in enumerate(headings)]
        self._notes = ColumnNotes(
            self._names,
            notes_on_unread(unread, self._names, headings, not_read, body, fields),
            self.value_places,
            _rivals(fields),
        )
        if found:
            self.note([Note("values", self._names[found[0]], found[1])])
        self._templates: dict[tuple[object, ...], RowTemplate] = {}

    def note(self, notes: Iterable[Note]) -> None:
        """Add ``notes`` to every row."""
        self._notes.add_to_all(notes)

    @property
    def lack_bank(self) -> bool:
        """Return whether the columns have numbers of accounts but do not name the bank."""
        return "account_number" in self._fields and self._fields.isdisjoint(_BANKS)

    def of_bank(self, bank: str) -> "Columns":
        """Return the same columns for the accounts of a bank that a heading names."""
        columns = copy(self)
        columns._context = {**self._context, "bank": bank}
        columns._templates = {}
        return columns

    @property
    def names_subject(self) -> bool:
        """Return whether a column identifies what a report is about."""
        return bool(self._values or self._subjects)

    @property
    def value_places(self) -> list[int]:
        """Return the places of the value columns, the most certain first."""
        return [place for _, place in self._values]

    @property
    def read_places(self) -> frozenset[int]:
        """Return the places of the columns with values, or with numbers that imply one."""
        return frozenset(self._of_values)

    def texts(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the texts of all columns except value columns by field, as written."""
        return {**self._context, **{field: text for field, place in self._others if (text := cells[place].strip())}}

    def rows(self, line: int, cells: Sequence[str]) -> list[Row | Unreadable]:
        """Make a row of each value in ``cells``, which may be fewer than the columns."""
        if len(cells) < self.width:
            cells = [*cells, *[""] * (self.width - len(cells))]
        if self._numbered:
            copies = several.one_each_number(cells, self._numbered, self._of_values)
            rows = [row for copied in copies for row in self._rows_of_cells(line, copied)]
        elif (divided := several.one_each(cells, self._of_values, self._companions, is_value)) is None:
            return self._rows(line, cells)
        else:
            rows = [row for copied in divided for row in self._rows(line, copied)]
        return of_one_line(rows)

    def _rows_of_cells(self, line: int, cells: Sequence[str]) -> list[Row | Unreadable]:
        copies = several.one_each(cells, self._of_values, self._companions, is_value)
        return [row for copied in copies or [cells] for row in self._rows(line, copied)]

    def _rows(self, line: int, cells: Sequence[str]) -> list[Row | Unreadable]:
        filled, subjects = self._filled(cells)
        if refusal := self._refusal(cells, has_subject=bool(filled or subjects)):
            return [self._refused(line, _raw(cells), refusal, cells)]
        if len(filled) == 1 and not subjects and not self._sources:
            return [self._row(line, filled[0], cells, None)]
        return self._rows_of_several(line, cells, filled, subjects)

    def _filled(self, cells: Sequence[str]) -> tuple[list[RowValue], list[str]]:
        """Return the values of a row, and the filled fields that imply a kind without a value."""
        words = vocabulary()
        filled = [
            RowValue(row_values.without_doubtful_kind(column, text), place, text)
            for column, place in self._values
            if (text := cells[place].strip()) and not cell_meanings.is_empty_word(text, words)
        ]
        subjects = [(field, place, text) for field, place in self._subjects if (text := cells[place].strip())]
        # People write aliases in the column of account numbers too: "UPI: x@ybl".
        aliases = [
            RowValue(None, place, text, "payment-alias")
            for field, place, text in subjects
            if field == _ACCOUNT and account_cells.is_alias(text)
        ]
        return filled + aliases, [field for field, *_ in subjects if not aliases or field != _ACCOUNT]

    def _refusal(self, cells: Sequence[str], *, has_subject: bool) -> tuple[str, str] | None:
        """Return the reason why a row is not a report, None if it may be one."""
        for place, named in self._of_roles.items():
            if place < len(cells) and roles.is_of_somebody_else(cells[place].strip(), named=named):
                return roles.OF_SOMEBODY_ELSE
        if not has_subject:
            return _EMPTY if self.names_subject else self._no_values
        if any(place < len(cells) and roles.is_unknown_role(cells[place].strip()) for place in self._only_roles):
            return roles.UNKNOWN_ROLE
        return self._cleared(cells)

    def _cleared(self, cells: Sequence[str]) -> tuple[str, str] | None:
        """Return the reason why the words of a row clear its value or only ask about it, None if they do not."""
        if any(not cells[place].strip() for place in self._marks):
            return UNMARKED
        if any("(" in cells[place] and names_owner(cells[place]) for place in self._companions):
            return roles.OF_SOMEBODY_ELSE
        if self._clearing.clears(cells):
            return NOT_A_SCAM
        return ONLY_ASKED if self._clearing.asks(cells) else None

    def _refused(
        self,
        line: int,
        raw: str,
        refusal: tuple[str, str],
        cells: Sequence[str],
        faults: Sequence[tuple[str, str]] = (),
    ) -> Unreadable:
        return Unreadable.of(line, raw, *refusal)._replace(notes=self._notes.of(cells, faults))

    def _rows_of_several(
        self, line: int, cells: Sequence[str], filled: Sequence[RowValue], subjects: Sequence[str]
    ) -> list[Row | Unreadable]:
        values, unread = row_values.choose_values(filled, subjects, self.texts(cells), vocabulary(), self._sources)
        if len(values) == 1 and not unread:
            return [self._row(line, values[0], cells, None)]
        rows = [self._row(line, value, cells, values) for value in values]
        if isinstance(rows[0], Unreadable) and rows[0].reason == NOT_A_SCAM[0]:
            rows = rows[:1]
        notes = [
            Note("cell", column if isinstance(column, str) else self._names[column], reason)
            for column, reason in unread
        ]
        return of_one_line([rows[0]._replace(notes=rows[0].notes + notes), *rows[1:]])

    def _row(
        self, line: int, value: RowValue, cells: Sequence[str], together: Sequence[RowValue] | None
    ) -> Row | Unreadable:
        template = self._template(value, cells, together)
        if template.refusal:
            return self._refused(line, value.text or _raw(cells), template.refusal, cells)
        text = without_protection(value.text)
        if template.port and (address := _ADDRESS_AND_PORT.fullmatch(text)):
            text = address[1] or address[2]
        fields = {"value": text, **template.fields} if text else dict(template.fields)
        unread = template.unread
        if self._ispb and (cut := account_cells.cut_ispb(fields, cells, self._ispb)):
            return self._refused(line, cut, account_cells.ISPB_CUT, cells, unread)
        for field, place in template.free:
            if free := without_protection(cells[place].strip()):
                if fault := cell_meanings.free_text_fault(field, free):
                    unread = (*unread, (field, fault))
                else:
                    fields[field] = free
        if self._digits:
            fields = account_cells.with_digit(fields, cells, self._digits)
        return refuse_changed_numbers(Row(line, account_cells.read(fields), self._notes.of(cells, unread)))

    def _template(self, value: RowValue, cells: Sequence[str], together: Sequence[RowValue] | None) -> RowTemplate:
        """Return the template for the words in ``cells``; templates are cached, as a file repeats the same few."""
        of_all = tuple([other.kind for other in together]) if together else ()
        key = (value.column, value.kind, of_all, *[cells[place] for place in self._worded])
        template = self._templates.get(key)
        if template is None:
            if len(self._templates) > _MANY:
                self._templates.clear()
            template = self._templates[key] = row_template(
                value, self.texts(cells), of_all, self._others, self._context
            )
        return template


def _rivals(fields: Mapping[str, Sequence[tuple[int, int]]]) -> dict[str, list[int]]:
    """Return the places of the columns for each field that has several."""
    return {field: [place for _, place in places] for field, places in fields.items() if len(places) > 1}


def _recognised(
    names: Sequence[str], found: tuple[int, str] | None, not_read: frozenset[int]
) -> tuple[list[tuple[ValueColumn, int]], dict[str, list[tuple[int, int]]], list[int]]:
    """Return value columns with their places, ranks and places by field, and the places of unread columns."""
    words = vocabulary()
    values = [(ValueColumn(-2, found[1]), found[0])] if found else []
    fields: dict[str, list[tuple[int, int]]] = {}
    unread: list[int] = []
    for place, name in enumerate(names):
        if found and place == found[0]:
            continue
        if place in not_read:
            unread.append(place)
        elif column := value_column(name, words):
            values.append((column, place))
        elif field := field_column(name, words):
            fields.setdefault(field[1], []).append((field[0], place))
        elif plain(name) not in words.ignored:
            unread.append(place)
    return values, fields, unread


def columns_of(
    names: tuple[str, ...],
    context: tuple[tuple[str, str], ...] = (),
    found: tuple[str, str] | None = None,
    not_read: frozenset[int] = frozenset(),
) -> Columns:
    """Return the columns called ``names``; equal names return the same object, as a file has few shapes.

    ``found`` is the name and kind of a column recognised by its values. ``not_read`` is as in ``Columns``.
    """
    return _columns_of(names, context, found, not_read, current_custom_names())


@lru_cache(maxsize=4096)
def _columns_of(
    names: tuple[str, ...],
    context: tuple[tuple[str, str], ...],
    found: tuple[str, str] | None,
    not_read: frozenset[int],
    _: CustomNames,
) -> Columns:
    place = (names.index(found[0]), found[1]) if found and found[0] in names else None
    return Columns(names, dict(context), place, not_read=not_read)


def _raw(cells: Sequence[str]) -> str:
    return ", ".join(cell for cell in cells if cell)


def key_of_kind(items: Iterable[object], kind: str | None) -> str | None:
    """Return the key of objects whose values are of a kind, None if another key has values anyway."""
    objects = [item for item in islice(items, SAMPLE) if isinstance(item, dict)]
    names = tuple(dict.fromkeys(str(key) for item in objects for key in item))
    if not kind or not names or any(map(is_subject_column, names)):
        return None
    body = [[str(item.get(name, "")) for name in names] for item in objects]
    place = column_of_kind(names, body, kind)
    return None if place is None else names[place]
