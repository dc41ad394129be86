"""From raw files to STIX objects, row by row: each row is mapped, a duplicate, or rejected with a reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, NamedTuple, Self

from feeds import formats
from feeds.seen import Seen
from mappers import companions
from mappers.indicator import Profile, to_stix
from schemas import kinds, timestamp
from schemas.errors import Rejected
from schemas.partner import PartnerKind
from schemas.reading import Reader
from schemas.record import Record
from schemas.report import Report
from schemas.vocabulary import Tlp


@dataclass(frozen=True)
class Options:
    """How to read and map: what the rows themselves say goes first, ``defaults`` fill what they leave out.

    ``defaults`` are columns of a report (``scam_type``, ``tlp``, ``countries``, …). ``reported_at`` is given to rows
    that have no time of their own; None means the present. ``record`` names the records that rows are, where they are
    no reports (``feeds.record_mapping``).
    """

    reporter: str
    reporter_kind: PartnerKind | None = None
    kind: str | None = None
    format: str | None = None
    profile: Profile = Profile.FULL
    reported_at: datetime | None = None
    record: str | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)

    def at(self, reported_at: datetime) -> Self:
        """Give the same options for rows reported at that time."""
        return replace(self, reported_at=reported_at)


class Mapped:
    """A row that became a report or record, its STIX objects, and what these refer to that others say."""

    __slots__ = ("_objects", "_profile", "beside", "line", "report")

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
        self._objects = objects
        self._profile = profile

    @property
    def key(self) -> tuple[str, str]:
        """Give what two rows of the same value have in common."""
        assert isinstance(self.report, Report)  # noqa: S101 - records are told apart by their ids
        return self.report.kind, kinds.get(self.report.kind).key(self.report.value)

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Give the STIX objects."""
        if self._objects is None:
            assert isinstance(self.report, Report)  # noqa: S101 - records come with their objects
            self._objects = to_stix(self.report, self._profile)
        return self._objects


class Duplicate(NamedTuple):
    """A row that says a value which an earlier row said already."""

    line: int


class Reject(NamedTuple):
    """A row that cannot be taken, as it was written, and why. ``line`` counts from 1."""

    file: str
    line: int
    raw: str
    kind: str | None
    reason: str
    message: str


@dataclass
class Counts:
    """What became of the rows: ``read`` is the sum of all the others."""

    read: int = 0
    mapped: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Mapped | Duplicate | Reject) -> None:
        """Count one row."""
        self.read += 1
        if isinstance(outcome, Mapped):
            self.mapped += 1
        elif isinstance(outcome, Duplicate):
            self.duplicates += 1
        else:
            self.rejected[outcome.reason] += 1

    def take(self, other: "Counts") -> None:
        """Add the counts of other rows."""
        self.read += other.read
        self.mapped += other.mapped
        self.duplicates += other.duplicates
        self.rejected += other.rejected

    def as_dict(self) -> dict[str, Any]:
        """Give the counts for JSON, the commonest rejection first."""
        return {
            "read": self.read,
            "mapped": self.mapped,
            "duplicates": self.duplicates,
            "rejected": dict(self.rejected.most_common()),
        }


def map_stream(
    stream: BinaryIO, name: str, options: Options, seen: Seen | None = None
) -> Iterator[Mapped | Duplicate | Reject]:
    """Give the outcome of each row of ``stream``, in order, in memory that does not grow with the rows' size.

    ``name`` stands in rejects and hints at the format. ``seen`` holds the values had so far, of other streams too.
    Raises ``feeds.formats.UnknownFormat`` for a format that there is not and ``Rejected`` for bad ``options``.
    """
    seen = Seen() if seen is None else seen
    for outcome in map_rows(formats.read(stream, name=name, format=options.format), name, options):
        if isinstance(outcome, Reject) or seen.add(*outcome.key):
            yield outcome
        else:
            yield Duplicate(outcome.line)


def map_rows(
    rows: Iterable[formats.Row | formats.Unreadable], name: str, options: Options
) -> Iterator[Mapped | Reject]:
    """Give the outcome of each row, in order; that a value was had before is not noticed. Raises ``Rejected``."""
    reported_at = timestamp.text(options.reported_at or timestamp.now())
    defaults = {**options.defaults, "reporter": options.reporter, "reported_at": reported_at}
    if options.kind:
        defaults["kind"] = options.kind
    reader, profile = Reader(defaults), options.profile
    for row in rows:
        if isinstance(row, formats.Unreadable):
            yield Reject(name, row.line, row.raw, options.kind, row.reason, row.message)
            continue
        try:
            report = reader.report(row.fields)
        except Rejected as refusal:
            kind = row.fields.get("kind", options.kind)
            yield Reject(name, row.line, _raw(row.fields), kind, refusal.reason, refusal.message)
            continue
        yield Mapped(row.line, report, profile=profile)


class Part(NamedTuple):
    """Some outcomes of a stream, and why there are no more after them where it cannot be read on."""

    outcomes: list[Mapped | Duplicate | Reject]
    failure: formats.UnreadableFile | None


def parts(outcomes: Iterator[Mapped | Duplicate | Reject], size: int, start: int = 0) -> Iterator[Part]:
    """Give ``outcomes`` from number ``start`` on in parts of ``size``; only the last is shorter, it may be empty.

    What was had before a failure is in the last part, beside the failure.
    """
    part = Part([], None)
    while part.failure is None:
        part = _part(islice(outcomes, start, start + size))
        start = 0
        yield part
        if len(part.outcomes) < size:
            return


def _part(outcomes: Iterator[Mapped | Duplicate | Reject]) -> Part:
    had = []
    try:
        for outcome in outcomes:
            had.append(outcome)
    except formats.UnreadableFile as error:
        return Part(had, error)
    return Part(had, None)


def preface(options: Options, levels: set[Tlp]) -> list[dict[str, Any]]:
    """Give the objects that the mapped ones refer to, for reports at those TLP levels."""
    return companions.with_reporter(options.reporter, options.reporter_kind, levels)


def _raw(fields: Mapping[str, str]) -> str:
    return fields.get("value") or ", ".join(f"{key}={text}" for key, text in fields.items() if key != "kind")
