"""Columns of files under any of their known names, and the rows that their cells make (``columns.toml``).

Read are: the values and ``kind``; the fields of ``schemas.report.Report`` that a row may fill (scam_type, channel,
payment_rail, first_seen, last_seen, reported_at, valid_until, confidence, tlp, countries, action, holder_status,
reference, description, lang); ``sha256``; and the inputs of the kinds (chain, currency, country, iban, bic, …).
All other columns may hold personal data: they are not read, and each is noted.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from feeds.readers.cells import refuse_lost_digits, without_protection
from feeds.readers.columns import cell_meanings, row_values
from feeds.readers.columns.column_names import field_column, value_column
from feeds.readers.columns.custom_names import CustomNames, current_custom_names
from feeds.readers.columns.notes import NO_NOTES, Note, Notes, shown_name
from feeds.readers.columns.row_values import FREE_TEXT, NOT_A_SCAM, RowTemplate, RowValue, row_template
from feeds.readers.columns.vocabulary import Vocabulary, vocabulary
from feeds.readers.columns.word_tables import ValueColumn, plain
from feeds.readers.rows import Row, Unreadable

_NOTHING: Mapping[str, str] = {}
_MANY = 4096
_ADDRESS_AND_PORT = re.compile(r"(\d{1,3}(?:\[?\.\]?\d{1,3}){3}):\d{1,5}|\[([0-9a-fA-F:]+)\]:\d{1,5}")


class Columns:
    """The columns of one file, or the keys of one shape of object, and the rows that their cells make.

    ``context`` are fields that hold for all rows; they fill empty cells. ``found`` is the place of a column whose
    cells hold values of a kind, and the kind; ``sources`` are the places of value columns that only cite sources, with
    the reason.
    """

    def __init__(
        self,
        names: Sequence[str],
        context: Mapping[str, str] = _NOTHING,
        found: tuple[int, str] | None = None,
        sources: Mapping[int, str] | None = None,
    ) -> None:
        """Recognise the columns called ``names``."""
        words = vocabulary()
        self._names = [shown_name(name, place) for place, name in enumerate(names)]
        values, fields, self._unread = _recognised(names, words, skipped=found[0] if found else None)
        if found:
            values.append((ValueColumn(-2, found[1]), found[0]))
        self._values = sorted(values, key=lambda pair: (pair[0].rank, pair[1]))
        # Of two columns for one field, the surer fills it; where it is empty, the other.
        self._others = [(field, place) for field, places in fields.items() for _, place in sorted(places, reverse=True)]
        self._rivals = [(field, [place for _, place in places]) for field, places in fields.items() if len(places) > 1]
        self._subjects = [(field, place) for field, place in self._others if field in words.subjects]
        self._worded = [place for field, place in self._others if field not in FREE_TEXT]
        self._sources = sources or {}
        self._notes_of_all = [Note("values", self._names[found[0]], found[1])] if found else []
        self._noted: dict[tuple[object, ...], Notes] = {}
        self._templates: dict[tuple[object, ...], RowTemplate] = {}
        self._context = context
        self.width = len(names)

    def note(self, notes: Iterable[Note]) -> None:
        """Add ``notes`` to every row."""
        self._notes_of_all += notes

    @property
    def known(self) -> bool:
        """Return whether reports have any of the columns."""
        return bool(self._values or self._others)

    @property
    def names_subject(self) -> bool:
        """Return whether a column identifies what a report is about."""
        return bool(self._values or self._subjects)

    @property
    def value_places(self) -> list[int]:
        """Return the places of the value columns, the surest first."""
        return [place for _, place in self._values]

    def texts(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the texts of all columns but value columns by field, as written."""
        here = len(cells)
        texts = dict(self._context)
        texts |= {field: text for field, place in self._others if place < here and (text := cells[place].strip())}
        return texts

    def rows(self, line: int, cells: Sequence[str]) -> list[Row | Unreadable]:
        """Build a row of each value in ``cells``, which are as many as the columns or fewer."""
        here, words = len(cells), vocabulary()
        filled = [
            RowValue(column, place, text)
            for column, place in self._values
            if place < here and (text := cells[place].strip()) and not cell_meanings.is_empty_word(text, words)
        ]
        subjects = [field for field, place in self._subjects if place < here and cells[place].strip()]
        if not filled and not subjects:
            refusal = _EMPTY if self.names_subject else _NO_VALUE_COLUMN
            return [Unreadable.of(line, _raw(cells), *refusal)._replace(notes=self._notes(cells, ()))]
        if len(filled) == 1 and not subjects and not self._sources:
            return [self._row(line, filled[0], cells, None)]
        return self._rows_of_several(line, cells, filled, subjects)

    def _rows_of_several(
        self, line: int, cells: Sequence[str], filled: Sequence[RowValue], subjects: Sequence[str]
    ) -> list[Row | Unreadable]:
        values, notes = row_values.choose_values(filled, subjects, self.texts(cells), vocabulary(), self._sources)
        if len(values) == 1 and not notes:
            return [self._row(line, values[0], cells, None)]
        rows = [self._row(line, value, cells, values) for value in values]
        if isinstance(rows[0], Unreadable) and rows[0].reason == NOT_A_SCAM[0]:
            rows = rows[:1]
        first = rows[0]._replace(
            notes=rows[0].notes + [Note("cell", self._name(column), reason) for column, reason in notes]
        )
        rows = [first, *(row._replace(notes=NO_NOTES) for row in rows[1:])]
        return [row._replace(place=place, values=len(rows)) for place, row in enumerate(rows, 1)]

    def _name(self, column: int | str) -> str:
        return column if isinstance(column, str) else self._names[column]

    def _row(
        self, line: int, value: RowValue, cells: Sequence[str], together: Sequence[RowValue] | None
    ) -> Row | Unreadable:
        template = self._template(value, cells, together)
        if template.refusal:
            refused = Unreadable.of(line, value.text or _raw(cells), *template.refusal)
            return refused._replace(notes=self._notes(cells, ()))
        text = without_protection(value.text)
        if template.port and (address := _ADDRESS_AND_PORT.fullmatch(text)):
            text = address[1] or address[2]
        fields = {"value": text, **template.fields} if text else dict(template.fields)
        here, unread = len(cells), template.unread
        for field, place in template.free:
            if place < here and (free := without_protection(cells[place].strip())):
                if fault := cell_meanings.free_text_fault(field, free):
                    unread = (*unread, (field, fault))
                else:
                    fields[field] = free
        return refuse_lost_digits(Row(line, fields, self._notes(cells, unread)))

    def _notes(self, cells: Sequence[str], unread: Sequence[tuple[str, str]]) -> Notes:
        """Return notes on the filled columns that are not read, and on the ``unread`` cells of others."""
        if not self._unread and not unread and not self._rivals and not self._notes_of_all:
            return NO_NOTES
        here = len(cells)
        filled = tuple([place for place in self._unread if place < here and cells[place]])
        lost = tuple([field for field, places in self._rivals if len({*_filled(cells, places)}) > 1])
        key = (filled, lost, tuple(unread))
        notes = self._noted.get(key)
        if notes is None:
            if len(self._noted) > _MANY:
                self._noted.clear()
            notes = self._noted[key] = Notes(
                [
                    *self._notes_of_all,
                    *(Note("column", self._names[place]) for place in filled),
                    *(Note("cell", field, "another-column-says-it") for field in lost),
                    *(Note("cell", field, reason) for field, reason in unread),
                ]
            )
        return notes

    def _template(self, value: RowValue, cells: Sequence[str], together: Sequence[RowValue] | None) -> RowTemplate:
        """Return the template for the words in ``cells``; a file repeats the same few, so templates are kept."""
        here = len(cells)
        kinds = tuple([other.kind for other in together]) if together else ()
        key = (value.column, value.kind, kinds, *[cells[place] if place < here else "" for place in self._worded])
        template = self._templates.get(key)
        if template is None:
            if len(self._templates) > _MANY:
                self._templates.clear()
            template = self._templates[key] = row_template(value, self.texts(cells), kinds, self._others, self._context)
        return template


def _recognised(
    names: Sequence[str], words: Vocabulary, skipped: int | None
) -> tuple[list[tuple[ValueColumn, int]], dict[str, list[tuple[int, int]]], list[int]]:
    """Return value columns with their places, ranks and places by field, and the places of unread columns."""
    values: list[tuple[ValueColumn, int]] = []
    fields: dict[str, list[tuple[int, int]]] = {}
    unread: list[int] = []
    for place, name in enumerate(names):
        if place == skipped:
            continue
        if column := value_column(name, words):
            values.append((column, place))
        elif field := field_column(name, words):
            fields.setdefault(field[1], []).append((field[0], place))
        elif plain(name) not in words.ignored:
            unread.append(place)
    return values, fields, unread


def columns_of(
    names: tuple[str, ...], context: tuple[tuple[str, str], ...] = (), found: tuple[str, str] | None = None
) -> Columns:
    """Return the columns called ``names``, the same object each time, as the objects of a file have few shapes.

    ``found`` is the name of a column that holds values of a kind, and the kind.
    """
    return _columns_of(names, context, found, current_custom_names())


@lru_cache(maxsize=4096)
def _columns_of(
    names: tuple[str, ...], context: tuple[tuple[str, str], ...], found: tuple[str, str] | None, _: CustomNames
) -> Columns:
    place = (names.index(found[0]), found[1]) if found and found[0] in names else None
    return Columns(names, dict(context), place)


def _filled(cells: Sequence[str], places: Iterable[int]) -> list[str]:
    return [text for place in places if place < len(cells) and (text := cells[place].strip())]


def _raw(cells: Sequence[str]) -> str:
    return ", ".join(cell for cell in cells if cell)


_NO_VALUE_COLUMN = (
    "no-value-column",
    "no column is known to hold the value: call it value, or by its kind (domain, phone, …); "
    "if the file has no header, name its format and kind (--format, --kind)",
)
_EMPTY = ("no-value", "the row is empty where its value ought to stand")
