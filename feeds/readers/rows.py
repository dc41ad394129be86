"""Rows of files: their fields and notes, unreadable items, and numbers in cells as texts."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from schemas.errors import Rejected
from schemas.reference.numbers import refuse_spreadsheet_number
from schemas.report import Report
from schemas.text import escaped

_LONGEST_NAME = 60
# Each object of JSON may have different keys; above this number they are counted together.
_MOST = 200
_MORE = "(others)"
_FEWEST_DIGITS = 6


class Note(NamedTuple):
    """A note on a column: it or one of its cells is not read, or it was recognised by values of a kind.

    ``empty``: a cell of a value column gave no value. ``encoding``: the encoding (``column``) of the text was guessed.
    ``likely`` is the column of reports that an unknown column may be, by its cells. ``part`` is the sheet, page or
    attached file.
    """

    about: Literal["column", "cell", "values", "empty", "encoding"]
    column: str
    reason: str = ""
    likely: str = ""
    part: str = ""


class Notes:
    """The notes of a row; rows with the same notes share one object, so that they are counted in one step."""

    __slots__ = ("all",)

    def __init__(self, notes: Iterable[Note] = ()) -> None:
        self.all = tuple(notes)

    def __bool__(self) -> bool:
        return bool(self.all)

    def __add__(self, more: Iterable[Note]) -> "Notes":
        return Notes((*self.all, *more))


NO_NOTES = Notes()


@dataclass
class Tally:
    """Number of rows, and the notes on them by their number; ``document``: they are of a text for people."""

    rows: int = 0
    document: bool = False
    _same: dict[tuple[Notes, str], int] = field(default_factory=dict)
    _notes: Counter[Note] = field(default_factory=Counter)

    def add(self, notes: Notes, part: str = "") -> None:
        """Count a row of a file's ``part``."""
        self.rows += 1
        if notes.all:
            self.note(notes, part)

    def note(self, notes: Notes, part: str = "") -> None:
        """Count the notes of a row that is already counted."""
        if notes.all:
            same = (notes, part)
            self._same[same] = self._same.get(same, 0) + 1
            if len(self._same) > _MOST:
                self._settle()

    def note_guesses(self, encodings: Mapping[str, int]) -> None:
        """Note the encodings that were guessed, each with its number of lines."""
        for encoding, lines in encodings.items():
            self._count(Note("encoding", encoding), lines)

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

    def likely(self) -> dict[str, str]:
        """Return the unknown columns whose cells look like those of a column of reports, with that column."""
        return {note.column: note.likely for note in self.counted() if note.likely}

    def found(self) -> dict[str, str]:
        """Return the columns recognised by their values, with the kind."""
        return {note.column: note.reason for note in self.counted() if note.about == "values"}

    def as_dict(self) -> dict[str, Any]:
        """Return all counts, ready for JSON."""
        found = self.found()
        return {"rows": self.rows, "unread": self.unread(), **({"value_columns": found} if found else {})}

    def _settle(self) -> None:
        for (notes, part), times in self._same.items():
            for note in notes.all:
                self._count(note._replace(part=part) if part else note, times)
        self._same.clear()

    def _count(self, note: Note, times: int) -> None:
        if note not in self._notes and len(self._notes) >= _MOST:
            note = Note(note.about, _MORE, note.reason)
        self._notes[note] += times


def shown_name(name: str, place: int) -> str:
    """Return the name of a column for display: on one line, shortened, and without personal numbers or addresses."""
    text = escaped(" ".join(name.split()))
    if not text or sum(char.isdigit() for char in text) >= _FEWEST_DIGITS or "@" in text:
        return f"column {place + 1}"
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


# Length of the longest line that may be a report, in characters.
MAX_LINE = 65_536

# Number of characters stored of a refused item.
MAX_RAW = 500


class Row(NamedTuple):
    """One report as raw texts, by the column names that reports use (``feeds.readers.columns.columns``).

    ``line`` is the line where it begins, from 1; in documents (JSON, YAML) the number of the item. If a line has
    several values, this is number ``place`` of ``values``. ``notes`` list the unread parts of the line. ``why`` is the
    rule or cue that decided that a value in a text is reported. ``part`` is the sheet, page or attached file with
    the line. ``second_hand``: it was made from other reports.
    """

    line: int
    fields: Mapping[str, str]
    notes: Notes = NO_NOTES
    place: int = 1
    values: int = 1
    why: str = ""
    part: str = ""
    second_hand: bool = False


class ReportRow(NamedTuple):
    """One report of a format with complete reports, such as STIX: no text of it is parsed again.

    ``report`` has the source's own name of its reporter, and ``ScamType.UNKNOWN`` if it states no type. The reader
    that forwards it completes it (``schemas.tabular.ReportReader.complete``). ``second_hand``: it was made from other
    reports. The other fields are as in ``Row``.
    """

    line: int
    report: Report
    notes: Notes = NO_NOTES
    place: int = 1
    values: int = 1
    second_hand: bool = False
    part: str = ""


class Unreadable(NamedTuple):
    """An item of a file that is not a report: its beginning as written, a reason code and a message.

    ``why`` is the rule or cue that decided, for a value in a text.
    """

    line: int
    raw: str
    reason: str
    message: str
    notes: Notes = NO_NOTES
    place: int = 1
    values: int = 1
    why: str = ""
    part: str = ""

    @classmethod
    def of(cls, line: int, raw: str, reason: str, message: str, why: str = "") -> "Unreadable":
        """Make one with only the first ``MAX_RAW`` characters of ``raw``."""
        return cls(line, raw[:MAX_RAW], reason, message, why=why)


FileRow = Row | ReportRow | Unreadable


def of_one_line(rows: Sequence[Row | Unreadable]) -> list[Row | Unreadable]:
    """Return the rows of one line with their numbers, and with the notes on the line at the first one."""
    rows = [rows[0], *(row._replace(notes=NO_NOTES) for row in rows[1:])]
    return [row._replace(place=place, values=len(rows)) for place, row in enumerate(rows, 1)]


def in_part(rows: Iterable[FileRow], part: str) -> Iterator[FileRow]:
    """Yield the rows of a sheet, page or attached file, with its name before the names of the parts in it."""
    for row in rows:
        yield row._replace(part=f"{part}: {row.part}" if row.part else part) if part else row


# Invisible marks of the direction of letters, and blanks without width. Some turn the order of the letters.
_MARKS = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_TURNS = ("\u202d", "\u202e")
TURNED = (
    "letters-turned",
    "invisible marks show the letters in another order than the stored one: type the value again",
)
# An extension behind a telephone number, with the words for it in several languages; "转" is also before sums of money.
EXTENSION = re.compile(
    r"[\s,;(]*(?:(?:extension|extn|ext|ekst|anexo|ramal|interno|int|sambungan|samb|local|loc|máy lẻ|nhánh|(?:เบอร์)?ต่อ|"
    r"分机号?|分機|एक्सटेंशन|विस्तार|x|#)[\s.:=#]*\d{1,6}(?!\d)|转\s*\d{2,5}(?![\d,.元块万千]))",
    re.IGNORECASE,
)
_WITH_EXTENSION = re.compile(rf"[+\d\s().-]{{6,40}}{EXTENSION.pattern}\)?", re.IGNORECASE)
HAS_EXTENSION = (
    "extension",
    "the number has an extension, so it is an office's, and all of its telephones would be blocked: give the number "
    "alone if the whole office is a scammer's",
)
# Spreadsheets store fifteen digits of a number; a number from here on has lost digits.
_LOST = 1e15
# Forms that protect digits in spreadsheets from being read as numbers: ="0123456789", '0987654321.
_PROTECTED = re.compile(r"=\s*\"([^\"]*)\"|'(?=[\d+=@-])([^']*)'?")
# Built-in formats for dates: ECMA-376 Part 1 §18.8.30.
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_ASIDE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_ZEROS = re.compile(r"0{2,20}")
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - sheets have no time zone
_LAST_DAY = 2_958_465
_WHOLE = ("value", "account_number", "iban", "company_number")


class NumberStyle(NamedTuple):
    """The format in which a number is shown: as a date, with at least ``digits`` digits, or plain."""

    date: bool
    digits: int
    epoch: datetime

    @classmethod
    def of(cls, code: str, number: int, since_1904: bool) -> "NumberStyle":
        """Return the style of a format code, or else of the ``number`` of a built-in format."""
        bare = _ASIDE.sub("", code.partition(";")[0]).lower()
        date = any(letter in bare for letter in "dmyhs") if code else number in _DATES
        epoch = _EPOCH_1904 if since_1904 else _EPOCH
        return cls(date, len(code) if _ZEROS.fullmatch(code) else 0, epoch)


def number_text(raw: str, style: NumberStyle | None = None) -> str:
    """Return a cell's number as displayed: ``66812345678`` for ``6.6812345678E10``.

    A number whose last digits are lost keeps the form ``1.5E+17``.
    """
    try:
        number = float(raw)
    except ValueError:
        return raw.strip()
    if style and style.date and 0 <= number <= _LAST_DAY:
        return _date(number, style.epoch)
    if not number.is_integer():
        return raw.strip() if "e" not in raw.lower() else repr(number)
    if abs(number) >= _LOST:
        return f"{number:.14E}"
    return f"{int(number):0{style.digits if style else 0}d}"


def without_directions(text: str) -> tuple[str, bool]:
    """Return a text without invisible marks of direction, and whether one of them turns the order of its letters."""
    if text.isascii() or not _MARKS.search(text):
        return text, False
    return _MARKS.sub("", text), any(mark in text for mark in _TURNS)


def refuse_changed_numbers(row: Row | Unreadable) -> Row | Unreadable:
    """Refuse a row whose value or account is not the number that people meant.

    It lost digits in a spreadsheet (``6.6812E+10``, ``123456789.0``), has an extension, or is shown in another order.
    """
    if isinstance(row, Row):
        for name in _WHOLE:
            text = row.fields.get(name)
            if not text:
                continue
            if not text.isascii() and any(mark in text for mark in _TURNS):
                return Unreadable.of(row.line, text, *TURNED)
            if _WITH_EXTENSION.fullmatch(text):
                return Unreadable.of(row.line, text, *HAS_EXTENSION)
            if text[-1:].isdigit():
                try:
                    refuse_spreadsheet_number(text)
                except Rejected as refusal:
                    return Unreadable.of(row.line, text, refusal.reason, refusal.message)
    return row


def without_protection(cell: str) -> str:
    """Return the text of a cell without the signs that protect it from being read as a number: ``="0123456789"``."""
    if cell[:1] not in ("=", "'"):
        return cell
    found = _PROTECTED.fullmatch(cell)
    return (found[1] or found[2] or "").strip() if found else cell


def _date(number: float, epoch: datetime) -> str:
    moment = epoch + timedelta(seconds=round(number * 86_400))
    return moment.strftime("%Y-%m-%d %H:%M:%S" if number % 1 else "%Y-%m-%d")
