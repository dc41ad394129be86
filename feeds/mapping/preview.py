"""Preview: the rows of a file as they are understood, before any of them is contributed."""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from feeds.mapping.options import Options
from feeds.mapping.rows import Mapped, file_rows, map_row
from feeds.mapping.seen import SeenValues
from feeds.readers.columns.conventions import settled
from feeds.readers.rows import MAX_RAW, FileRow, Row, Tally, Unreadable
from mappers.indicator import Profile
from schemas import tabular
from schemas.report import Report
from schemas.tabular import ReportReader
from schemas.vocabulary import ScamType

READY, DUPLICATE, REFUSED = "ready", "duplicate", "refused"
# A row with more characters is refused: pages show its cells.
_LONGEST_ROW = 16_384
_TOO_LONG = ("row-too-long", f"the cells of this row have more than {_LONGEST_ROW:,} characters: shorten its texts")


class UnderstoodRow(msgspec.Struct, omit_defaults=True, frozen=True):
    """One value of a file: where it is, its cells by the columns of reports, and how it is understood.

    ``fields`` are the cells as written, times in UTC; empty for an item that is no row, of which ``raw`` is the
    beginning. ``place`` and ``values`` are as in ``Row``. ``state`` is ready, duplicate or refused; ``kind`` and
    ``value`` are of the report in normal form; ``reason`` and ``message`` say why it is refused.
    """

    line: int
    state: str
    part: str = ""
    fields: dict[str, str] = {}
    raw: str = ""
    place: int = 1
    values: int = 1
    second_hand: bool = False
    kind: str = ""
    value: str = ""
    reason: str = ""
    message: str = ""

    def as_row(self) -> FileRow:
        """Return the row as a reader would, for ``grouped``."""
        where: dict[str, Any] = {"place": self.place, "values": self.values, "part": self.part}
        if not self.fields:
            return Unreadable(self.line, self.raw, self.reason, self.message, **where)
        return Row(self.line, self.fields, **where, second_hand=self.second_hand)


class RowReader:
    """Understands rows one by one, by the rules of ``scamfeed contribute``, personal data included."""

    def __init__(self, options: Options, seen: SeenValues | None = None) -> None:
        """Understand rows by ``options``; ``seen`` has the values so far. Raises ``Rejected`` for wrong options."""
        self._kind = options.kind
        self._conventions = options.conventions()
        self._reader = ReportReader(options.row_defaults())
        self._seen = SeenValues() if seen is None else seen

    def read(self, row: FileRow) -> UnderstoodRow:
        """Understand a row whose times are in UTC."""
        fields, raw = _cells(row)
        made = UnderstoodRow(
            row.line,
            READY,
            row.part,
            fields,
            raw,
            row.place,
            row.values,
            second_hand=not isinstance(row, Unreadable) and row.second_hand,
        )
        if sum(map(len, fields.values())) > _LONGEST_ROW:
            short = {"raw": fields.get("value", "")[:MAX_RAW], "fields": {}}
            return msgspec.structs.replace(made, state=REFUSED, reason=_TOO_LONG[0], message=_TOO_LONG[1], **short)
        return self._judged(made, row)

    def again(self, row: UnderstoodRow, fields: dict[str, str]) -> UnderstoodRow:
        """Understand a row again with other cells, in which times may have any form that files may have."""
        cells = Row(row.line, fields, place=row.place, values=row.values, part=row.part, second_hand=row.second_hand)
        [read] = settled([cells], self._conventions)
        found = self.read(read)
        return found if found.fields else msgspec.structs.replace(found, fields=fields)

    def _judged(self, made: UnderstoodRow, row: FileRow) -> UnderstoodRow:
        outcome = map_row(row, "", self._kind, self._reader, Profile.CORE)
        if not isinstance(outcome, Mapped):
            reason = {"reason": outcome.reason, "message": outcome.message}
            return msgspec.structs.replace(made, state=REFUSED, kind=outcome.kind or "", **reason)
        report = outcome.report
        assert isinstance(report, Report)  # noqa: S101 - rows are reports, not records
        state = READY if self._seen.add(*outcome.key) else DUPLICATE
        return msgspec.structs.replace(made, state=state, kind=report.kind, value=report.value)


def preview(stream: BinaryIO, name: str, options: Options, tally: Tally | None = None) -> Iterator[UnderstoodRow]:
    """Yield the rows of ``stream`` as they are understood; memory does not grow with the stream.

    ``name`` is a hint at the format. ``tally`` counts the rows, and their unread cells (``feeds.mapping.not_read``).
    Names of the user's own columns apply within ``use_custom_names``, in the caller's thread. Raises as ``map_stream``.
    """
    reader = RowReader(options)
    for row in file_rows(stream, name, options, Tally() if tally is None else tally):
        yield reader.read(row)


def rows_of(understood: Iterable[UnderstoodRow]) -> Iterator[FileRow]:
    """Yield rows for ``grouped``: the values of one line are numbered anew where some of them are left out."""
    group: list[UnderstoodRow] = []
    for row in understood:
        if group and (row.line != group[0].line or row.part != group[0].part or row.place <= group[-1].place):
            yield from _numbered(group)
            group = []
        group.append(row)
    yield from _numbered(group)


def _numbered(group: list[UnderstoodRow]) -> Iterator[FileRow]:
    for place, row in enumerate(group, 1):
        yield row.as_row()._replace(place=place, values=len(group))


def _cells(row: FileRow) -> tuple[dict[str, str], str]:
    """Return the cells of a row, or the beginning of an item that is no row."""
    if isinstance(row, Unreadable):
        return {}, row.raw[:MAX_RAW]
    if isinstance(row, Row):
        return dict(row.fields), ""
    cells = tabular.report_columns(row.report)
    if cells.get("scam_type") == ScamType.UNKNOWN:
        del cells["scam_type"]
    return cells, ""
