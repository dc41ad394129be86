"""Rows of files to reports and their STIX objects: each row is mapped, a duplicate, or rejected with a reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

from feeds import formats
from feeds.mapping.options import Options
from feeds.mapping.seen import SeenValues
from feeds.readers.columns.conventions import settled
from feeds.readers.rows import FileRow, ReportRow, Row, Tally, Unreadable
from mappers import common_objects, records
from mappers.consensus import as_second_hand
from mappers.indicator import Profile, to_stix
from schemas import kinds, tabular
from schemas.errors import Rejected
from schemas.fields import HOLD_COLUMNS, PAID_COLUMNS
from schemas.records import Case, Record, Subject
from schemas.report import FIELDS, Report
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp
from server.release.guard.personal_data.free_text import may_contain_personal_data
from server.release.guard.personal_data.objects import refuse_personal_data
from server.release.results import Result

_LEVELS = list(Tlp)
_UNPUBLISHED = (Result.HELD, Result.KEPT)
# Columns with people's own words; all others have a form that cannot contain personal data.
_WORDS = frozenset(
    {name for name, field in FIELDS.items() if not (field.is_time or field.closed)}
    | {*HOLD_COLUMNS.names, *PAID_COLUMNS.names}
) - {*("value", "kind", "reporter", "confidence", "tlp", "countries", "details")}


class Mapped:
    """A row, or one value of it, that became a report or a record, with its STIX objects.

    ``beside`` contains objects of other creators that these refer to. ``case`` contains the grouping of the row's
    values, together with the last new one of them.
    """

    __slots__ = ("_objects", "_profile", "_second_hand", "beside", "case", "line", "part", "report", "why")

    def __init__(
        self,
        line: int,
        report: Report | Record,
        objects: list[dict[str, Any]] | None = None,
        beside: Sequence[dict[str, Any]] = (),
        profile: Profile = Profile.FULL,
        *,
        second_hand: bool = False,
        why: str = "",
        part: str = "",
    ) -> None:
        """Store ``report``; without ``objects``, they are made for ``profile`` on first access.

        ``second_hand``: it was made from other reports. ``why`` is the rule that found the value in a text. ``part`` is
        the sheet, page or attached file in which the line is.
        """
        self.line = line
        self.part = part
        self.why = why
        self.report = report
        self.beside = beside
        self.case: list[dict[str, Any]] = []
        self._objects = objects
        self._profile = profile
        self._second_hand = second_hand

    @property
    def second_hand(self) -> bool:
        """Return whether it was made from other reports."""
        return self._second_hand

    @property
    def key(self) -> tuple[str, str]:
        """Return the kind and key of the value, equal for two rows of one value."""
        assert isinstance(self.report, Report)  # noqa: S101 - records are identified by their ids
        return self.report.kind, kinds.get(self.report.kind).key(self.report.value)

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Return the STIX objects, the case included."""
        if self._objects is None:
            assert isinstance(self.report, Report)  # noqa: S101 - records come with their objects
            made = to_stix(self.report, self._profile)
            self._objects = [as_second_hand(obj) for obj in made] if self._second_hand else made
        return [*self._objects, *self.case] if self.case else self._objects


class Duplicate(NamedTuple):
    """A row whose value an earlier row already reported; ``why`` is the rule that found it in a text.

    ``part`` is the sheet, page or attached file in which the line is.
    """

    line: int
    why: str = ""
    part: str = ""


class Reject(NamedTuple):
    """A row that is not published, as it was written, with the reason. ``line`` counts from 1.

    ``result`` is refused, or for a contributed row: held for review, or stored and not published. ``why`` is the rule
    that refused a value in a text. ``part`` is the sheet, page or attached file in which the line is. ``id``
    is that of the STIX object of a contributed row.
    """

    file: str
    line: int
    raw: str
    kind: str | None
    reason: str
    message: str
    result: Result = Result.REFUSED
    why: str = ""
    part: str = ""
    id: str = ""


@dataclass
class Counts:
    """Numbers of values: ``read`` is the sum of mapped, duplicates and rejected.

    ``unpublished`` counts the contributed values that are not published, by result and reason. ``tally`` counts the
    rows, and their unread cells.
    """

    read: int = 0
    mapped: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    unpublished: dict[Result, Counter[str]] = field(default_factory=lambda: {r: Counter() for r in _UNPUBLISHED})

    def add(self, outcome: Mapped | Duplicate | Reject) -> None:
        """Count the outcome of one value."""
        self.read += 1
        if isinstance(outcome, Mapped):
            self.mapped += 1
        elif isinstance(outcome, Duplicate):
            self.duplicates += 1
        elif outcome.result is Result.REFUSED:
            self.rejected[outcome.reason] += 1
        else:
            self.mapped += 1
            reason = outcome.message if outcome.reason == outcome.result else outcome.reason
            self.unpublished[outcome.result][reason] += 1

    def results(self) -> dict[str, Any]:
        """Return the numbers of contributed values by result: published, held, stored only, refused."""
        waiting = {result.value: dict(reasons.most_common()) for result, reasons in self.unpublished.items()}
        published = self.mapped - sum(reasons.total() for reasons in self.unpublished.values())
        return {
            Result.PUBLISHED.value: published,
            **waiting,
            Result.REFUSED.value: dict(self.rejected.most_common()),
        }

    def take(self, other: "Counts") -> None:
        """Add the counts of other rows."""
        self.read += other.read
        self.mapped += other.mapped
        self.duplicates += other.duplicates
        self.rejected += other.rejected
        for result, reasons in other.unpublished.items():
            self.unpublished[result] += reasons
        self.tally.take(other.tally)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts for JSON, the most common rejection first."""
        return {
            "read": self.read,
            "mapped": self.mapped,
            "duplicates": self.duplicates,
            "rejected": dict(self.rejected.most_common()),
            **self.tally.as_dict(),
        }


def map_stream(
    stream: BinaryIO, name: str, options: Options, seen: SeenValues | None = None, tally: Tally | None = None
) -> Iterator[Mapped | Duplicate | Reject]:
    """Yield the outcome of each value of ``stream``, in order; memory does not grow with the stream.

    ``name`` appears in rejects and is a hint at the format. ``seen`` has the values so far, including those of other
    streams. ``tally`` counts the rows, and their unread cells. Raises ``UnknownFormat``, ``Rejected`` for wrong
    ``options``, and ``UnreadableFile`` after all readable rows.
    """
    seen = SeenValues() if seen is None else seen
    tally = Tally() if tally is None else tally
    yield from new_values(grouped(file_rows(stream, name, options, tally), name, options), seen, options.profile)


def file_rows(stream: BinaryIO, name: str, options: Options, tally: Tally) -> Iterator[FileRow]:
    """Yield the rows of ``stream`` with times in UTC, counted in ``tally``. Raises as ``map_stream``."""
    country = options.defaults.get("country", "")
    reader, source, path = formats.opened(stream, name=name, format=options.format, kind=options.kind, country=country)
    try:
        yield from counted(reader.read(source, path), options, tally)
    finally:
        tally.note_guesses(source.guessed)
        tally.document = reader.document


def new_values(groups: Iterable["Group"], seen: SeenValues, profile: Profile) -> Iterator[Mapped | Duplicate | Reject]:
    """Yield the outcomes of rows in order: a value that ``seen`` has is a duplicate. A row's values get their case."""
    for group in groups:
        outcomes = [
            outcome
            if isinstance(outcome, Reject) or seen.add(*outcome.key)
            else Duplicate(outcome.line, outcome.why, outcome.part)
            for outcome in group
        ]
        if len(group) > 1:
            _add_case(outcomes, group, profile)
        yield from outcomes


def _add_case(outcomes: Sequence[Mapped | Duplicate | Reject], group: "Group", profile: Profile) -> None:
    """Add the case of a row's values to the last new one of them."""
    new = [outcome for outcome in outcomes if isinstance(outcome, Mapped)]
    reports = [outcome.report for outcome in group if isinstance(outcome, Mapped)]
    if new and len(reports) > 1:
        new[-1].case = case_of([report for report in reports if isinstance(report, Report)], profile)


def map_rows(
    rows: Iterable[FileRow], name: str, options: Options, tally: Tally | None = None
) -> Iterator[Mapped | Reject]:
    """Yield the outcome of each value, in order, duplicates included. Raises ``Rejected`` for wrong ``options``."""
    for group in map_groups(rows, name, options, tally):
        if len(group) > 1:
            _add_case(group, group, options.profile)
        yield from group


Group = list[Mapped | Reject]


def map_groups(rows: Iterable[FileRow], name: str, options: Options, tally: Tally | None = None) -> Iterator[Group]:
    """Yield the outcomes of the values of each row. Raises ``Rejected`` for wrong ``options``."""
    yield from grouped(counted(rows, options, Tally() if tally is None else tally), name, options)


def counted(rows: Iterable[FileRow], options: Options, tally: Tally) -> Iterator[FileRow]:
    """Yield ``rows`` with their times in UTC, and count them in ``tally``."""
    for row in settled(rows, options.conventions()):
        if row.place == 1:
            tally.add(row.notes, row.part)
        else:
            tally.note(row.notes, row.part)
        yield row


def grouped(rows: Iterable[FileRow], name: str, options: Options) -> Iterator[Group]:
    """Yield the outcomes of the values of each row, whose times are in UTC. Raises ``Rejected`` for wrong options."""
    reader, profile = ReportReader(options.row_defaults()), options.profile
    group: Group = []
    for row in rows:
        group.append(map_row(row, name, options.kind, reader, profile))
        if row.place >= row.values:
            yield group
            group = []


def map_row(row: FileRow, name: str, kind: str | None, reader: ReportReader, profile: Profile) -> Mapped | Reject:
    """Return the outcome of one value, whose times are in UTC."""
    if isinstance(row, Unreadable):
        return Reject(name, row.line, row.raw, kind, row.reason, row.message, why=row.why, part=row.part)
    try:
        report = reader.complete(row.report) if isinstance(row, ReportRow) else reader.report(row.fields)
        _refuse_personal_data(row, report)
    except Rejected as refusal:
        raw, kind = _raw(row, kind)
        why = row.why if isinstance(row, Row) else ""
        return Reject(name, row.line, raw, kind, refusal.reason, refusal.message, why=why, part=row.part)
    why = row.why if isinstance(row, Row) else ""
    return Mapped(row.line, report, profile=profile, second_hand=row.second_hand, why=why, part=row.part)


def _refuse_personal_data(row: Row | ReportRow, report: Report) -> None:
    """Refuse a report whose texts have personal data, by the rules of the hub's guard. Raises ``Rejected``."""
    if isinstance(row, Row) and len(row.fields) > 1:
        texts: Iterable[str] = [row.fields[name] for name in row.fields.keys() & _WORDS]
    elif isinstance(row, ReportRow):
        has_words = report.description or report.reference or report.evidence or report.hold
        texts = tabular.report_columns(report).values() if has_words else ()
    else:
        return
    if any(map(may_contain_personal_data, texts)):
        indicator = next(obj for obj in to_stix(report, Profile.CORE) if obj["type"] == "indicator")
        refuse_personal_data(indicator, report)


def preface(options: Options, levels: set[Tlp]) -> list[dict[str, Any]]:
    """Return the objects that mapped ones refer to: the reporter's identity, and the markings of ``levels``."""
    return common_objects.with_reporter(options.reporter, options.reporter_kind, levels)


def _raw(row: Row | ReportRow, kind: str | None) -> tuple[str, str | None]:
    """Return the value of ``row`` as written, else all of its text, and its kind, else ``kind``."""
    if isinstance(row, ReportRow):
        return row.report.value, row.report.kind
    texts = ", ".join(f"{key}={text}" for key, text in row.fields.items() if key != "kind")
    return row.fields.get("value") or texts, row.fields.get("kind", kind)


def case_of(reports: Sequence[Report], profile: Profile) -> list[dict[str, Any]]:
    """Return the case of the reports of one row; empty for a single value, or if the profile has no such case.

    The case's name is derived from the values without showing them, so that the same row gives the same case.
    """
    by_value = {(report.kind, kinds.get(report.kind).key(report.value)): report for report in reports}
    if len(by_value) < 2:
        return []
    first = reports[0]
    digest = blake2b(repr(sorted(by_value)).encode(), digest_size=6).hexdigest()
    case = Case(
        reporter=first.reporter,
        reported_at=max(report.reported_at for report in reports),
        tlp=max((report.tlp for report in reports), key=_LEVELS.index),
        name=f"Reported together: {len(by_value)} values ({digest})",
        members=tuple(
            Subject(kind=report.kind, value=report.value, details=report.details, reporter=report.reporter)
            for report in by_value.values()
        ),
        scam_type=first.scam_type,
        countries=first.countries,
        sharing=first.sharing,
    )
    try:
        return records.to_stix(case, profile)
    except Rejected:
        return []
