"""Notes on the rows of a file: which columns and cells are not read, and why."""

from collections.abc import Iterable, Mapping, Sequence, Set

from feeds.readers.columns import cell_meanings, roles
from feeds.readers.columns.likeness import likely_columns
from feeds.readers.columns.vocabulary import is_personal, vocabulary
from feeds.readers.rows import NO_NOTES, Note, Notes

# Reasons why a column is not read, besides the role in its heading.
UNKNOWN, PERSONAL = "unknown-column", "personal-column"
_MANY = 4096


class ColumnNotes:
    """The notes on rows of the same columns; rows with the same notes share one object.

    ``unread`` are the unread columns by place, ``values`` the places of value columns, ``rivals`` the places of several
    columns for one field.
    """

    def __init__(
        self,
        names: Sequence[str],
        unread: Mapping[int, Note],
        values: Sequence[int],
        rivals: Mapping[str, Sequence[int]],
    ) -> None:
        self._names = names
        self._unread = unread
        # If a row has only one value, an empty cell is no loss.
        self._values = values if len(values) > 1 else ()
        self._rivals = rivals
        self._of_all: list[Note] = []
        self._made: dict[tuple[object, ...], Notes] = {}

    def add_to_all(self, notes: Iterable[Note]) -> None:
        """Add ``notes`` to every row."""
        self._of_all += notes

    def of(self, cells: Sequence[str], faults: Sequence[tuple[str, str]] = ()) -> Notes:
        """Return the notes on a row; ``faults`` are its unread cells by field, with the reason."""
        if not self._unread and not faults and not self._rivals and not self._of_all and not self._values:
            return NO_NOTES
        filled = tuple([place for place in self._unread if cells[place]])
        empty = tuple([place for place in self._values if _is_empty(cells[place])])
        lost = tuple([field for field, places in self._rivals.items() if _differ(cells, places)])
        key = (filled, empty, lost, tuple(faults))
        notes = self._made.get(key)
        if notes is None:
            if len(self._made) > _MANY:
                self._made.clear()
            notes = self._made[key] = Notes(
                [
                    *self._of_all,
                    *(self._unread[place] for place in filled),
                    *(Note("empty", self._names[place]) for place in empty),
                    *(Note("cell", field, "another-column-says-it") for field in lost),
                    *(Note("cell", field, reason) for field, reason in faults),
                ]
            )
        return notes


def notes_on_unread(
    places: Sequence[int],
    shown: Sequence[str],
    headings: Sequence[str],
    of_others: Set[int],
    body: Sequence[Sequence[str]],
    fields: Iterable[str],
) -> dict[int, Note]:
    """Return the note on each unread column, with the column of reports that it is likely to be.

    ``shown`` are the columns' names for display, ``headings`` as written. Columns ``of_others`` belong to victims and
    offices by a heading above them. ``body`` are the first rows, ``fields`` those of other columns.
    """
    words = vocabulary()
    likely = likely_columns(headings, body, (place for place in places if place not in of_others), frozenset(fields))

    def reason(place: int) -> str:
        if place in of_others:
            return roles.OF_SOMEBODY_ELSE[0]
        return PERSONAL if is_personal(headings[place], words) else UNKNOWN

    return {place: Note("column", shown[place], reason(place), likely.get(place, "")) for place in places}


def _is_empty(cell: str) -> bool:
    return not cell or cell.isspace() or cell_meanings.is_empty_word(cell.strip(), vocabulary())


def _differ(cells: Sequence[str], places: Sequence[int]) -> bool:
    return len({text for place in places if (text := cells[place].strip())}) > 1
