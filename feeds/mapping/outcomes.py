"""The outcome of each row of a file, for the answer to its sender: as it would be sent, or as it was contributed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.mapping.not_read import FileRead
from feeds.mapping.options import Options
from feeds.mapping.preview import DUPLICATE, READY
from feeds.mapping.records import Find, map_reports_or_records
from feeds.mapping.rows import Duplicate, Mapped, Reject
from schemas import tabular
from schemas.report import Report
from server.release.results import Result

_OF_THE_FILE = frozenset({"kind", "value", "reported_at", "valid_until", "lang"})


class RowOutcome(NamedTuple):
    """One value of a row, or one record, with its result: ready or published, duplicate, refused, held or kept.

    ``part`` is the sheet, page or attached file with the ``line``. ``value`` is in its normal form; for a refused row
    it is empty, and ``raw`` has the beginning of the row as it was written. ``columns`` are the other columns of the
    report. ``id`` is the id of its STIX object.
    """

    line: int
    part: str
    result: str
    kind: str = ""
    value: str = ""
    columns: Mapping[str, str] = {}
    id: str = ""
    reason: str = ""
    message: str = ""
    raw: str = ""


def row_of(outcome: Mapped | Duplicate | Reject, result: str = READY) -> RowOutcome:
    """Return the row of an outcome; ``result`` is that of a mapped one."""
    if isinstance(outcome, Duplicate):
        return RowOutcome(outcome.line, outcome.part, DUPLICATE)
    if isinstance(outcome, Reject):
        is_refused = outcome.result is Result.REFUSED
        return RowOutcome(
            outcome.line,
            outcome.part,
            outcome.result.value,
            kind=outcome.kind or "",
            id=outcome.id,
            reason=outcome.reason,
            message=outcome.message,
            value="" if is_refused else outcome.raw,
            raw=outcome.raw if is_refused else "",
        )
    found, objects = outcome.report, outcome.objects
    if not isinstance(found, Report):
        kind = next((name for name, model in tabular.RECORDS.items() if type(found) is model), "")
        return RowOutcome(outcome.line, outcome.part, result, kind, id=str(objects[0]["id"]) if objects else "")
    id_ = next(str(obj["id"]) for obj in objects if obj["type"] == "indicator")
    columns = {name: text for name, text in tabular.report_columns(found).items() if name not in _OF_THE_FILE}
    return RowOutcome(outcome.line, outcome.part, result, found.kind, found.value, columns, id_)


class FirstValues(Iterator[Mapped | Duplicate | Reject]):
    """The first outcomes of a file, ``most`` of them; ``more`` tells afterwards whether there are others."""

    def __init__(self, outcomes: Iterator[Mapped | Duplicate | Reject], most: int) -> None:
        self._outcomes = outcomes
        self._left = most
        self.more = False

    def __next__(self) -> Mapped | Duplicate | Reject:
        if not self._left:
            self.more = self.more or next(self._outcomes, None) is not None
            raise StopIteration
        self._left -= 1
        return next(self._outcomes)


@dataclass
class FileOutcome:
    """A file that was read: its counts, what was not read, and its first rows; ``left_out`` counts the others.

    ``more``: the file has more values than were read, because there are too many or for the error ``stopped``.
    """

    file: FileRead
    rows: list[RowOutcome] = field(default_factory=list)
    left_out: int = 0
    more: bool = False
    stopped: Exception | None = None

    def gather(self, outcomes: Iterator[Mapped | Duplicate | Reject], *, most_rows: int, result: str = READY) -> None:
        """Count ``outcomes``, and keep the first rows: ``most_rows`` of those that were refused or held, and of others.

        ``result`` is the word for a mapped row. The reason why a file cannot be read to its end is its ``error``.
        """
        room = {True: most_rows, False: most_rows}
        try:
            for outcome in outcomes:
                self.file.counts.add(outcome)
                if isinstance(outcome, Reject):
                    self.file.refused.add(outcome)
                is_usual = not isinstance(outcome, Reject)
                if room[is_usual]:
                    room[is_usual] -= 1
                    self.rows.append(row_of(outcome, result))
                else:
                    self.left_out += 1
        except (UnknownFormat, UnreadableFile) as error:
            self.file.error = str(error)


def try_file(
    stream: BinaryIO,
    name: str,
    options: Options,
    *,
    most_rows: int,
    most_values: int,
    find: Find | None = None,
) -> FileOutcome:
    """Read the first values of a file of reports or of records, without sending anything.

    The custom names of columns in force are used (``use_custom_names``). ``find`` returns the indicators of values.
    """
    found = FileOutcome(FileRead(name))
    tally = found.file.counts.tally
    values = FirstValues(map_reports_or_records(stream, name, options, find=find, tally=tally), most_values)
    found.gather(values, most_rows=most_rows)
    found.more = values.more
    return found
