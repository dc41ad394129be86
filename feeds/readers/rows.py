"""Rows of files, items that are refused with a reason, and the errors of files that cannot be read."""

from collections.abc import Mapping
from typing import NamedTuple

from feeds.readers.columns.notes import NO_NOTES, Notes
from schemas.report import Report

# Characters of the longest line that may be a report.
MAX_LINE = 65_536

# Characters kept of an item that is refused.
MAX_RAW = 500


class Row(NamedTuple):
    """One report as raw texts, by the column names that reports use (``feeds.readers.columns.columns``).

    ``line`` is the line where it begins, from 1; in documents (JSON, YAML) the number of the item. Where a line has
    several values, this is number ``place`` of ``values``. ``notes`` list the parts of the line that are not read.
    """

    line: int
    fields: Mapping[str, str]
    notes: Notes = NO_NOTES
    place: int = 1
    values: int = 1


class ReportRow(NamedTuple):
    """One report of a format that holds whole reports, such as STIX: no text of it is read again.

    ``report`` bears the source's own name of its reporter, and ``ScamType.UNKNOWN`` where it names no type; whoever
    passes it on completes it (``schemas.tabular.ReportReader.complete``). The rest is as in ``Row``.
    """

    line: int
    report: Report
    notes: Notes = NO_NOTES
    place: int = 1
    values: int = 1


class Unreadable(NamedTuple):
    """An item of a file that is no report: its beginning as written, a reason code and a message."""

    line: int
    raw: str
    reason: str
    message: str
    notes: Notes = NO_NOTES
    place: int = 1
    values: int = 1

    @classmethod
    def of(cls, line: int, raw: str, reason: str, message: str) -> "Unreadable":
        """Build one that keeps only the first ``MAX_RAW`` characters of ``raw``."""
        return cls(line, raw[:MAX_RAW], reason, message)


FileRow = Row | ReportRow | Unreadable
