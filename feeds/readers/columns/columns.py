"""The columns of files, however they are called, as the columns of reports. ``columns.toml`` says which is which.

Taken are: the values and ``kind``; the fields of ``schemas.report.Report`` that a row may say (scam_type, channel,
payment_rail, first_seen, last_seen, reported_at, valid_until, confidence, tlp, countries, action, holder_status,
reference, description, lang); ``sha256``; and the inputs of the kinds (chain, currency, country, iban, bic, …).
All others are not read, as they may be somebody's personal data; each is noted.
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
from feeds.readers.columns.vocabulary import vocabulary
from feeds.readers.columns.word_tables import ValueColumn, plain
from feeds.readers.rows import Row, Unreadable

_NOTHING: Mapping[str, str] = {}
_MANY = 4096
_ADDRESS_AND_PORT = re.compile(r"(\d{1,3}(?:\[?\.\]?\d{1,3}){3}):\d{1,5}|\[([0-9a-fA-F:]+)\]:\d{1,5}")


class Columns:
    """What the columns of one file, or the keys of one shape of object, are.

    ``context`` is what is said of all its rows: it fills what a row leaves out. ``found`` is the place of a column
    that holds values of a kind by what stands in its cells; ``aside`` are places of columns of values that are told
    to be something else, with the reason.
    """

    def __init__(
        self,
        names: Sequence[str],
        context: Mapping[str, str] = _NOTHING,
        found: tuple[int, str] | None = None,
        aside: Mapping[int, str] | None = None,
    ) -> None:
        """Find out what columns called ``names`` hold."""
        words = vocabulary()
        self._names = [shown_name(name, place) for place, name in enumerate(names)]
        values: list[tuple[ValueColumn, int]] = [(ValueColumn(-2, found[1]), found[0])] if found else []
        others: dict[str, list[tuple[int, int]]] = {}
        unread: list[int] = []
        for place, name in enumerate(names):
            if found and place == found[0]:
                continue
            if value := value_column(name, words):
                values.append((value, place))
            elif field := field_column(name, words):
                others.setdefault(field[1], []).append((field[0], place))
            elif plain(name) not in words.ignored:
                unread.append(place)
        self._values = sorted(values, key=lambda pair: (pair[0].rank, pair[1]))
        # Of two columns for one field the surer fills it; where it is empty, the other.
        self._others = [(field, place) for field, places in others.items() for _, place in sorted(places, reverse=True)]
        self._rivals = [(field, [place for _, place in places]) for field, places in others.items() if len(places) > 1]
        self._subjects = [(field, place) for field, place in self._others if field in words.subjects]
        self._worded = [place for field, place in self._others if field not in FREE_TEXT]
        self._unread = unread
        self._aside = aside or {}
        self._of_all = [Note("values", self._names[found[0]], found[1])] if found else []
        self._noted: dict[tuple[object, ...], Notes] = {}
        self._frames: dict[tuple[object, ...], RowTemplate] = {}
        self._context = context
        self.width = len(names)

    def note(self, notes: Iterable[Note]) -> None:
        """Make ``notes`` on each row."""
        self._of_all += notes

    @property
    def known(self) -> bool:
        """Say whether any column is one that reports have."""
        return bool(self._values or self._others)

    @property
    def tell(self) -> bool:
        """Say whether there is a column that says what a report is about."""
        return bool(self._values or self._subjects)

    @property
    def value_places(self) -> list[int]:
        """Give the places of the columns of values, the surest first."""
        return [place for _, place in self._values]

    def said(self, cells: Sequence[str]) -> dict[str, str]:
        """Give what all columns but those of values say, as it stands there."""
        here = len(cells)
        said = dict(self._context)
        said |= {field: text for field, place in self._others if place < here and (text := cells[place].strip())}
        return said

    def rows(self, line: int, cells: Sequence[str]) -> list[Row | Unreadable]:
        """Make a row of each value in ``cells``, which are as many as the columns or fewer."""
        here, words = len(cells), vocabulary()
        filled = [
            RowValue(value, place, text)
            for value, place in self._values
            if place < here and (text := cells[place].strip()) and not cell_meanings.is_empty_word(text, words)
        ]
        subjects = [field for field, place in self._subjects if place < here and cells[place].strip()]
        if not filled and not subjects:
            refusal = _EMPTY if self.tell else _NO_VALUE_COLUMN
            return [Unreadable.of(line, _raw(cells), *refusal)._replace(notes=self._notes(cells, ()))]
        if len(filled) == 1 and not subjects and not self._aside:
            return [self._row(line, filled[0], cells, None)]
        about, notes = row_values.choose_values(filled, subjects, self.said(cells), words, self._aside)
        if len(about) == 1 and not notes:
            return [self._row(line, about[0], cells, None)]
        rows = [self._row(line, claim, cells, about) for claim in about]
        if isinstance(rows[0], Unreadable) and rows[0].reason == NOT_A_SCAM[0]:
            rows = rows[:1]
        first = rows[0]._replace(notes=rows[0].notes + [Note("cell", self._name(field), why) for field, why in notes])
        rows = [first, *(row._replace(notes=NO_NOTES) for row in rows[1:])]
        return [row._replace(place=place, values=len(rows)) for place, row in enumerate(rows, 1)]

    def _name(self, column: int | str) -> str:
        return column if isinstance(column, str) else self._names[column]

    def _row(
        self, line: int, claim: RowValue, cells: Sequence[str], about: Sequence[RowValue] | None
    ) -> Row | Unreadable:
        frame = self._frame(claim, cells, about)
        if frame.refusal:
            refused = Unreadable.of(line, claim.text or _raw(cells), *frame.refusal)
            return refused._replace(notes=self._notes(cells, ()))
        text = without_protection(claim.text)
        if frame.port and (address := _ADDRESS_AND_PORT.fullmatch(text)):
            text = address[1] or address[2]
        fields = {"value": text, **frame.fields} if text else dict(frame.fields)
        here, unread = len(cells), frame.unread
        for field, place in frame.free:
            if place < here and (free := without_protection(cells[place].strip())):
                if why := cell_meanings.free_text_fault(field, free):
                    unread = (*unread, (field, why))
                else:
                    fields[field] = free
        return refuse_lost_digits(Row(line, fields, self._notes(cells, unread)))

    def _notes(self, cells: Sequence[str], unread: Sequence[tuple[str, str]]) -> Notes:
        """Note the columns that have something in ``cells`` and are not read, and the cells of others."""
        if not self._unread and not unread and not self._rivals and not self._of_all:
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
                    *self._of_all,
                    *(Note("column", self._names[place]) for place in filled),
                    *(Note("cell", field, "another-column-says-it") for field in lost),
                    *(Note("cell", field, why) for field, why in unread),
                ]
            )
        return notes

    def _frame(self, claim: RowValue, cells: Sequence[str], about: Sequence[RowValue] | None) -> RowTemplate:
        """Give what the words in ``cells`` come to; the rows of a file repeat the same few."""
        here = len(cells)
        together = tuple([each.kind for each in about]) if about else ()
        key = (claim.value, claim.kind, together, *[cells[place] if place < here else "" for place in self._worded])
        frame = self._frames.get(key)
        if frame is None:
            if len(self._frames) > _MANY:
                self._frames.clear()
            frame = self._frames[key] = row_template(claim, self.said(cells), together, self._others, self._context)
        return frame


def columns_of(
    names: tuple[str, ...], context: tuple[tuple[str, str], ...] = (), found: tuple[str, str] | None = None
) -> Columns:
    """Give the columns called ``names``; the same object each time, as objects of a file have few shapes.

    ``found`` is the name of one that holds values of a kind, and the kind.
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
