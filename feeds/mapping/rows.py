"""From raw files to STIX objects, row by row: each row is mapped, a duplicate, or rejected with a reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

from feeds import formats
from feeds.mapping.dedup import Seen
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
    """A value that became a report or record, its STIX objects, and what these refer to that others say.

    ``case`` is the object that says which values of its row belong together, with the last of them.
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
        """Hold a report whose objects, where they are not given, are made for ``profile`` when they are asked for."""
        self.line = line
        self.report = report
        self.beside = beside
        self.case: list[dict[str, Any]] = []
        self._objects = objects
        self._profile = profile

    @property
    def key(self) -> tuple[str, str]:
        """Give what two rows of the same value have in common."""
        assert isinstance(self.report, Report)  # noqa: S101 - records are told apart by their ids
        return self.report.kind, kinds.get(self.report.kind).key(self.report.value)

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Give the STIX objects, and the case."""
        if self._objects is None:
            assert isinstance(self.report, Report)  # noqa: S101 - records come with their objects
            self._objects = to_stix(self.report, self._profile)
        return [*self._objects, *self.case] if self.case else self._objects


class Duplicate(NamedTuple):
    """A row that says a value which an earlier row said already."""

    line: int


class Reject(NamedTuple):
    """A row that is not published, as it was written, and why. ``line`` counts from 1.

    ``result`` says what became of it: refused, or, once it is contributed, held for review, or kept and not published.
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
    """What became of the values: ``read`` is the sum of mapped, duplicates and rejected.

    ``unpublished`` counts by result and reason those of the mapped that were contributed and are not published.
    ``tally`` counts rows, and what is not read.
    """

    read: int = 0
    mapped: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    unpublished: dict[Result, Counter[str]] = field(default_factory=lambda: {r: Counter() for r in _UNPUBLISHED})

    def add(self, outcome: Mapped | Duplicate | Reject) -> None:
        """Count one value."""
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
        """Return what became of what was contributed, by the four words."""
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
        """Give the counts for JSON, the commonest rejection first."""
        return {
            "read": self.read,
            "mapped": self.mapped,
            "duplicates": self.duplicates,
            "rejected": dict(self.rejected.most_common()),
            **self.tally.as_dict(),
        }


def map_stream(
    stream: BinaryIO, name: str, options: Options, seen: Seen | None = None, tally: Tally | None = None
) -> Iterator[Mapped | Duplicate | Reject]:
    """Give the outcome of each row of ``stream``, in order, in memory that does not grow with the rows' size.

    ``name`` stands in rejects and hints at the format. ``seen`` holds the values had so far, of other streams too.
    ``tally`` counts rows and what of them is not read. Raises ``UnknownFormat`` for a format that there
    is not and ``Rejected`` for bad ``options``.
    """
    seen = Seen() if seen is None else seen
    rows = formats.read(stream, name=name, format=options.format, kind=options.kind)
    for group in map_groups(rows, name, options, tally):
        outcomes = [
            outcome if isinstance(outcome, Reject) or seen.add(*outcome.key) else Duplicate(outcome.line)
            for outcome in group
        ]
        if len(group) > 1:
            _join(outcomes, group, options.profile)
        yield from outcomes


def _join(outcomes: Sequence[Mapped | Duplicate | Reject], group: "Group", profile: Profile) -> None:
    """Put the case of a row's values beside the last of them that is new."""
    new = [outcome for outcome in outcomes if isinstance(outcome, Mapped)]
    reports = [outcome.report for outcome in group if isinstance(outcome, Mapped)]
    if new and len(reports) > 1:
        new[-1].case = case_of([report for report in reports if isinstance(report, Report)], profile)


def map_rows(
    rows: Iterable[FileRow], name: str, options: Options, tally: Tally | None = None
) -> Iterator[Mapped | Reject]:
    """Give the outcome of each value, in order; that one was had before is not noticed. Raises ``Rejected``."""
    for group in map_groups(rows, name, options, tally):
        if len(group) > 1:
            _join(group, group, options.profile)
        yield from group


Group = list[Mapped | Reject]


def map_groups(rows: Iterable[FileRow], name: str, options: Options, tally: Tally | None = None) -> Iterator[Group]:
    """Give the outcomes of each row's values. Raises ``Rejected``."""
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
    """Give the objects that the mapped ones refer to, for reports at those TLP levels."""
    return common_objects.with_reporter(options.reporter, options.reporter_kind, levels)


def _raw(row: Row | ReportRow, kind: str | None) -> tuple[str, str | None]:
    """Return the value of ``row`` as written, else all that it says, and its kind, else ``kind``."""
    if isinstance(row, ReportRow):
        return row.report.value, row.report.kind
    texts = ", ".join(f"{key}={text}" for key, text in row.fields.items() if key != "kind")
    return row.fields.get("value") or texts, row.fields.get("kind", kind)


def case_of(reports: Sequence[Report], profile: Profile) -> list[dict[str, Any]]:
    """Give the case of a row's reports; none where they are of one value alone, or the profile has no case of them.

    Its name follows from the values, without showing them: the same row gives the same case.
    """
    said = {(report.kind, kinds.get(report.kind).key(report.value)): report for report in reports}
    if len(said) < 2:
        return []
    first = reports[0]
    named = blake2b(repr(sorted(said)).encode(), digest_size=6).hexdigest()
    case = Case(
        reporter=first.reporter,
        reported_at=max(report.reported_at for report in reports),
        tlp=max((report.tlp for report in reports), key=_LEVELS.index),
        name=f"Reported together: {len(said)} values ({named})",
        members=tuple(
            Subject(kind=report.kind, value=report.value, details=report.details, reporter=report.reporter)
            for report in said.values()
        ),
        scam_type=first.scam_type,
        countries=first.countries,
        sharing=first.sharing,
    )
    try:
        return [grouping.to_stix(case, profile)]
    except Rejected:
        return []
