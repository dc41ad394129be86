"""Notes on the parts of a file that are not read, or read in a special way: made by row, counted by column."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from schemas.text import escaped

_LONGEST_NAME = 60
# Each object of JSON may have keys of its own; further ones are counted together.
_MOST = 200
_MORE = "(others)"
_FEWEST_DIGITS = 6


class Note(NamedTuple):
    """A note on a column: it is not read, a cell of it is not read, or its values were found to be of a kind."""

    about: Literal["column", "cell", "values"]
    column: str
    reason: str = ""


class Notes:
    """The notes of a row; rows with the same notes share one object, so that they are counted in one step."""

    __slots__ = ("all",)

    def __init__(self, notes: Iterable[Note] = ()) -> None:
        """Hold ``notes``."""
        self.all = tuple(notes)

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.all)

    def __add__(self, more: Iterable[Note]) -> "Notes":
        """Return these and ``more``."""
        return Notes((*self.all, *more))


NO_NOTES = Notes()


@dataclass
class Tally:
    """Number of rows, and the notes on them by their number."""

    rows: int = 0
    _same: dict[Notes, int] = field(default_factory=dict)
    _notes: Counter[Note] = field(default_factory=Counter)

    def add(self, notes: Notes) -> None:
        """Count a row."""
        self.rows += 1
        if notes.all:
            self.note(notes)

    def note(self, notes: Notes) -> None:
        """Count notes, of a row that was counted."""
        if notes.all:
            self._same[notes] = self._same.get(notes, 0) + 1
            if len(self._same) > _MOST:
                self._settle()

    def take(self, other: "Tally") -> None:
        """Add the counts of another tally."""
        self.rows += other.rows
        for note, count in other.counted().items():
            self._count(note, count)

    def taken(self) -> "Tally":
        """Return the counts so far, and start again at zero."""
        taken = Tally()
        taken.take(self)
        self.rows = 0
        self._notes.clear()
        return taken

    def counted(self) -> Counter[Note]:
        """Return each note with the number of its rows."""
        self._settle()
        return self._notes

    def unread(self) -> dict[str, dict[str, int]]:
        """Return the number of rows by column that is not read, and by column and reason for single cells."""
        counted = self.counted()
        columns: Counter[str] = Counter()
        cells: Counter[str] = Counter()
        for note, count in counted.items():
            if note.about == "column":
                columns[note.column] += count
            elif note.about == "cell":
                cells[f"{note.column}: {note.reason}"] += count
        return {"columns": dict(columns.most_common()), "cells": dict(cells.most_common())}

    def found(self) -> dict[str, str]:
        """Return the columns that were found to hold values by their cells, with the kind."""
        return {note.column: note.reason for note in self.counted() if note.about == "values"}

    def as_dict(self) -> dict[str, Any]:
        """Return all counts, ready for JSON."""
        found = self.found()
        return {"rows": self.rows, "unread": self.unread(), **({"value_columns": found} if found else {})}

    def _settle(self) -> None:
        for notes, times in self._same.items():
            for note in notes.all:
                self._count(note, times)
        self._same.clear()

    def _count(self, note: Note, times: int) -> None:
        if note not in self._notes and len(self._notes) >= _MOST:
            note = note._replace(column=_MORE)
        self._notes[note] += times


def shown_name(name: str, place: int) -> str:
    """Return the name of a column for display: on one line, shortened, and without anybody's number or address."""
    text = escaped(" ".join(name.split()))
    if not text or sum(char.isdigit() for char in text) >= _FEWEST_DIGITS or "@" in text:
        return f"column {place + 1}"
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
