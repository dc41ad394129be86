"""Unread parts of files: rows, cells and columns that gave nothing, with reason, place and a proposal."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from feeds import formats
from feeds.mapping.rows import Counts, Reject
from feeds.readers.rows import Note, Tally
from server.release.results import Result

# Maximum number of places and reasons counted apart, and of lines named for each; a file may have millions.
_MOST, _NAMED = 200, 3
_MORE = "(others)"
# Number of refused rows that are named to a person.
FIRST = 10
# Characters with a meaning in a shell.
_OF_SHELL = frozenset(" \t\n'\"\\$`|&;<>()*?[]{}!#~")
# Names for display that are not in the file.
_NOT_A_NAME = re.compile(r"column \d+|.*…")


class Remedy(NamedTuple):
    """An option of ``scamfeed map`` and ``contribute`` that would read more, with its value."""

    option: str
    value: str

    def __str__(self) -> str:
        return f"--{self.option} {self.value if _OF_SHELL.isdisjoint(self.value) else shlex.quote(self.value)}"

    @property
    def as_setting(self) -> str:
        """Return the setting of a feed that does the same."""
        if self.option == "columns":
            field, _, name = self.value.partition("=")
            return f'columns = FILE, with [columns] {field} = ["{name}"]'
        return f'{self.option.replace("-", "_")} = "{self.value}"'


# The option that resolves a reason. The user replaces a value in capitals.
_REMEDIES = {
    "kind-not-recognised": Remedy("kind", "KIND"),
    "kind-ambiguous": Remedy("kind", "KIND"),
    "country-missing": Remedy("country", "CC"),
    "phone-ambiguous": Remedy("country", "CC"),
    "bank-missing": Remedy("columns", "bank=COLUMN"),
    "platform-missing": Remedy("platform", "PLATFORM"),
    "system-missing": Remedy("columns", "system=COLUMN"),
    "os-missing": Remedy("os", "android"),
    "date-ambiguous": Remedy("date-order", "day-first"),
}


class NotRead(NamedTuple):
    """Rows, cells or a column of a file that gave nothing, the number of rows, and where the first of them are.

    ``name`` is the column, ``part`` the sheet, page or attached file. ``likely`` is the column of reports that an
    unknown column may be, by its cells.
    """

    what: str
    reason: str
    rows: int
    name: str = ""
    part: str = ""
    lines: tuple[int, ...] = ()
    message: str = ""
    likely: str = ""
    proposal: Remedy | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return all but the empty fields, for JSON."""
        fields = {name: value for name, value in self._asdict().items() if value}
        return fields | ({"proposal": str(self.proposal)} if self.proposal else {})


@dataclass
class _Group:
    """Refused rows of one part with one reason: their number, the lines of the first, and the first one's message."""

    count: int
    lines: list[int]
    message: str
    proposal: Remedy | None


@dataclass
class RefusedRows:
    """The refused rows: the first of them, and the number of all by part and reason.

    ``of_many``: they are rows of several files, and the name of a part begins with that of its file.
    """

    of_many: bool = False
    first: list[Reject] = field(default_factory=list)
    _groups: dict[tuple[str, str], _Group] = field(default_factory=dict)

    def add(self, reject: Reject) -> None:
        """Count a refused row; others are not counted."""
        if reject.result is not Result.REFUSED:
            return
        if len(self.first) < FIRST:
            self.first.append(reject)
        part = ": ".join(filter(None, (reject.file, reject.part))) if self.of_many else reject.part
        key = (part, reject.reason)
        if key not in self._groups and len(self._groups) >= _MOST:
            key = (_MORE, reject.reason)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(0, [], reject.message, _remedy_of(reject))
        group.count += 1
        if len(group.lines) < _NAMED:
            group.lines.append(reject.line)

    def unread(self, bank: str = "") -> Iterator[NotRead]:
        """Yield the rows by part and reason. ``bank`` is an unknown column whose cells look like banks."""
        for (part, reason), group in self._groups.items():
            proposal = Remedy("columns", f"bank={bank}") if bank and reason == "bank-missing" else group.proposal
            yield NotRead(
                "rows",
                reason,
                group.count,
                part=part,
                lines=tuple(group.lines),
                message=group.message,
                proposal=proposal,
            )


_ORDER = ("column", "cells", "rows", "text")


def unread(tally: Tally, refused: RefusedRows) -> list[NotRead]:
    """Return all that was not read: columns first, those that look like a known one before the others."""
    notes = [found for note, count in tally.counted().items() if (found := _of_note(note, count))]
    bank = next((found.name for found in notes if found.likely == "bank"), "")
    return sorted(
        [*notes, *refused.unread(bank)], key=lambda found: (_ORDER.index(found.what), not found.likely, -found.rows)
    )


def _of_note(note: Note, count: int) -> NotRead | None:
    if note.about == "column":
        is_named = note.likely and not _NOT_A_NAME.fullmatch(note.column)
        proposal = Remedy("columns", f"{note.likely}={note.column}") if is_named else None
        reason = note.reason or "unknown-column"
        return NotRead("column", reason, count, note.column, note.part, likely=note.likely, proposal=proposal)
    if note.about in ("cell", "empty"):
        reason = note.reason or "empty"
        return NotRead("cells", reason, count, note.column, note.part, proposal=_REMEDIES.get(reason))
    if note.about == "encoding":
        return NotRead("text", "encoding-guessed", count, note.column, note.part)
    return None


def _remedy_of(reject: Reject) -> Remedy | None:
    if reject.reason == "hidden-sheet":
        # Other workbooks, and those in mails and archives, have no option for a sheet.
        is_excel = reject.file.lower().endswith(formats.get("excel").endings)
        return Remedy("format", f"excel:{reject.part}") if is_excel else None
    return _REMEDIES.get(reject.reason)


@dataclass
class FileRead:
    """The counts of one file, and its refused rows; ``error`` is the reason why it could not be read to its end."""

    name: str
    counts: Counts = field(default_factory=Counts)
    refused: RefusedRows = field(default_factory=RefusedRows)
    error: str = ""

    @property
    def unread(self) -> list[NotRead]:
        """Return all that was not read of the file."""
        return unread(self.counts.tally, self.refused)

    @property
    def is_empty(self) -> bool:
        """Return whether the file has neither a report nor a row that was refused, and no error explains it."""
        return not self.counts.read and not self.error

    def as_dict(self) -> dict[str, Any]:
        """Return the counts and everything that was not read, for JSON."""
        counts = self.counts
        read = {"file": self.name, "rows": counts.tally.rows, "read": counts.read, "mapped": counts.mapped}
        error = {"error": self.error} if self.error else {}
        return {**read, "not_read": [found.as_dict() for found in self.unread], **error}


@dataclass
class FilesRead:
    """The files of a run, each with its own counts, and the ``counts`` of all; only the first ``_MOST`` are named.

    ``faults`` are the files that could not be read to their end, with the reason; ``first`` the first refused rows.
    """

    counts: Counts = field(default_factory=Counts)
    faults: list[str] = field(default_factory=list)
    first: list[Reject] = field(default_factory=list)
    files: list[FileRead] = field(default_factory=list)
    more: int = 0

    def add(self, file: FileRead) -> None:
        """Add a file at its end."""
        self.counts.take(file.counts)
        self.first += file.refused.first[: FIRST - len(self.first)]
        if file.error:
            self.faults.append(f"{file.name}: {file.error}")
        if len(self.files) < _MOST:
            self.files.append(file)
        else:
            self.more += 1

    def as_dict(self) -> dict[str, Any]:
        """Return the files for JSON, and how many are not named."""
        return {"files": [file.as_dict() for file in self.files]} | ({"more_files": self.more} if self.more else {})

    def unread(self) -> Iterator[tuple[str, NotRead]]:
        """Yield what was not read, with the file's name."""
        for file in self.files:
            for found in file.unread:
                yield file.name, found
