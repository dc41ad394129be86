"""Rows of files to reports and their STIX objects: each row is mapped, a duplicate, or rejected with a reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

from feeds import formats
from feeds.mapping.dedup import SeenValues
from feeds.mapping.options import Options
from feeds.readers.columns.conventions import settled
from feeds.readers.columns.notes import Tally
from feeds.readers.rows import FileRow, ReportRow, Row, Unreadable
from mappers import common_objects, grouping
from mappers.indicator import Profile, to_stix
from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.record import Case, Record
from schemas.report import Report
from schemas.subject import Subject
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp
from server.release.results import Result

_LEVELS = list(Tlp)
_UNPUBLISHED = (Result.HELD, Result.KEPT)


class Mapped:
    """A row, or one value of it, that became a report or a record, with its STIX objects.

    ``beside`` holds objects of other creators that these refer to. ``case`` holds the grouping of the values of the
    row, with the last of them that is new.
    """

    __slots__ = ("_objects", "_profile", "beside", "case", "line", "report")

    def __init__(
        self,
        line: int,
        report: Report | Record,
        objects: list[dict[str, Any]] | None = None,
        beside: Sequence[dict[str, Any]] = (),
        profile: Profile = Profile.FULL,
    ) -> None:
        """Keep ``report``; without ``objects``, they are made for ``profile`` when they are first read."""
        self.line = line
        self.report = report
        self.beside = beside
        self.case: list[dict[str, Any]] = []
        self._objects = objects
        self._profile = profile

    @property
    def key(self) -> tuple[str, str]:
        """Return the kind and key of the value, equal for two rows of one value."""
        assert isinstance(self.report, Report)  # noqa: S101 - records are told apart by their ids
        return self.report.kind, kinds.get(self.report.kind).key(self.report.value)

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Return the STIX objects, the case included."""
        if self._objects is None:
            assert isinstance(self.report, Report)  # noqa: S101 - records come with their objects
            self._objects = to_stix(self.report, self._profile)
        return [*self._objects, *self.case] if self.case else self._objects


class Duplicate(NamedTuple):
    """A row whose value an earlier row reported already."""

    line: int


class Reject(NamedTuple):
    """A row that is not published, as it was written, with the reason. ``line`` counts from 1.

    ``result`` is refused, or for a contributed row: held for review, or stored and not published.
    """

    file: str
    line: int
    raw: str
    kind: str | None
    reason: str
    message: str
    result: Result = Result.REFUSED


@dataclass
class Counts:
    """Numbers of values: ``read`` is the sum of mapped, duplicates and rejected.

    ``unpublished`` counts the mapped values that were contributed and are not published, by result and reason.
    ``tally`` counts the rows, and their cells that are not read.
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
        """Return the counts for JSON, the commonest rejection first."""
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

    ``name`` stands in rejects and hints at the format. ``seen`` holds the values so far, those of other streams
    included. ``tally`` counts the rows, and their cells that are not read. Raises ``UnknownFormat``, ``Rejected`` for
    wrong ``options``, and ``UnreadableFile`` after all rows that could be read.
    """
    seen = SeenValues() if seen is None else seen
    rows = formats.read(stream, name=name, format=options.format, kind=options.kind)
    for group in map_groups(rows, name, options, tally):
        outcomes = [
            outcome if isinstance(outcome, Reject) or seen.add(*outcome.key) else Duplicate(outcome.line)
            for outcome in group
        ]
        if len(group) > 1:
            _add_case(outcomes, group, options.profile)
        yield from outcomes


def _add_case(outcomes: Sequence[Mapped | Duplicate | Reject], group: "Group", profile: Profile) -> None:
    """Add the case of a row's values to the last of them that is new."""
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
    reported_at = timestamp.text(options.reported_at or timestamp.now())
    defaults = {**options.defaults, "reporter": options.reporter, "reported_at": reported_at}
    if options.kind:
        defaults["kind"] = options.kind
    reader, profile = ReportReader(defaults), options.profile
    tally = Tally() if tally is None else tally
    group: Group = []
    for row in settled(rows, options.conventions()):
        if row.place == 1:
            tally.add(row.notes)
        else:
            tally.note(row.notes)
        group.append(_mapped(row, name, options.kind, reader, profile))
        if row.place >= row.values:
            yield group
            group = []


def _mapped(row: FileRow, name: str, kind: str | None, reader: ReportReader, profile: Profile) -> Mapped | Reject:
    if isinstance(row, Unreadable):
        return Reject(name, row.line, row.raw, kind, row.reason, row.message)
    try:
        report = reader.complete(row.report) if isinstance(row, ReportRow) else reader.report(row.fields)
    except Rejected as refusal:
        raw, kind = _raw(row, kind)
        return Reject(name, row.line, raw, kind, refusal.reason, refusal.message)
    return Mapped(row.line, report, profile=profile)


def preface(options: Options, levels: set[Tlp]) -> list[dict[str, Any]]:
    """Return the objects that mapped ones refer to: the reporter's identity, and the markings of ``levels``."""
    return common_objects.with_reporter(options.reporter, options.reporter_kind, levels)


def _raw(row: Row | ReportRow, kind: str | None) -> tuple[str, str | None]:
    """Return the value of ``row`` as written, else all that it says, and its kind, else ``kind``."""
    if isinstance(row, ReportRow):
        return row.report.value, row.report.kind
    texts = ", ".join(f"{key}={text}" for key, text in row.fields.items() if key != "kind")
    return row.fields.get("value") or texts, row.fields.get("kind", kind)


def case_of(reports: Sequence[Report], profile: Profile) -> list[dict[str, Any]]:
    """Return the case of the reports of one row; nothing for a single value, or where the profile has no such case.

    The case's name is derived from the values and does not show them, so that the same row gives the same case.
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
        return [grouping.to_stix(case, profile)]
    except Rejected:
        return []
