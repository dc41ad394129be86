"""From files of records to STIX objects, row by row: each is mapped, a duplicate, or rejected with a reason."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from feeds.errors import UnreadableFile
from feeds.mapping.options import Options
from feeds.mapping.rows import Duplicate, Mapped, Reject
from feeds.readers.columns.conventions import ColumnConventions
from feeds.readers.columns.notes import Tally
from feeds.readers.record_rows import RecordRow, rows
from feeds.readers.rows import Unreadable
from mappers import records as mappers
from schemas import tabular, timestamp
from schemas.errors import Rejected
from schemas.record import Case, Opinion, Outcome, Record, Sighting
from schemas.subject import Subject

_TIMES = ("reported_at", "first_seen", "last_seen", "effective_from", "effective_until")

# A value: its kind and its normal form.
Named = tuple[str, str]
# Gives the ids of the indicators of values that may be meant.
Find = Callable[[Iterable[Named]], Mapping[Named, Sequence[str]]]
# So many rows are looked up at once.
_ROWS = 500

_UNKNOWN = (
    "indicator-unknown",
    "no indicator of this value is here to see: report the value first, or give an indicator's id",
)


def map_records(
    stream: BinaryIO,
    name: str,
    options: Options,
    seen: set[str] | None = None,
    find: Find | None = None,
    tally: Tally | None = None,
) -> Iterator[Mapped | Duplicate | Reject]:
    """Give the outcome of each record of ``stream``, in order; ``options.record`` says which those are without a name.

    ``find`` gives the indicators of values that stand in place of ids; without it such records are rejected unless
    they say whose indicator is meant. ``seen`` holds the ids had so far, of other streams too; ``tally`` counts rows
    and what of them is not read. Raises ``UnknownFormat`` and ``UnreadableFile``.
    """
    seen = set() if seen is None else seen
    reported_at = timestamp.text(options.reported_at or timestamp.now())
    defaults = {**options.defaults, "reporter": options.reporter, "reported_at": reported_at}
    if options.kind:
        defaults["kind"] = options.kind
    tally, columns = Tally() if tally is None else tally, ColumnConventions(options.conventions(), _TIMES)
    every = (_read(row, name, options, columns, defaults) for row in _counted(rows(stream, options.format), tally))
    for row in _looked_up(every, find):
        if isinstance(row, Reject):
            yield row
            continue
        try:
            found = [each for one in row.said for each in _about(one, row.known)]
            objects = [obj for one in found for obj in mappers.to_stix(one, options.profile)]
        except Rejected as refusal:
            yield Reject(name, row.line, row.raw, row.which, refusal.reason, refusal.message)
            continue
        new = {obj["id"]: obj for obj in objects if obj["id"] not in seen}
        if not any("created" in obj for obj in new.values()):
            yield Duplicate(row.line)
            continue
        seen.update(new)
        beside = [obj for one in found for obj in mappers.beside(one)]
        yield Mapped(row.line, found[-1], list(new.values()), beside)


class _Row(NamedTuple):
    """The records of a row, and the indicators of the values in them; None where nobody can look those up."""

    line: int
    raw: str
    which: str
    said: Sequence[Record]
    known: Mapping[Named, Sequence[str]] | None = None


def _counted(rows: Iterator[RecordRow | Unreadable], tally: Tally) -> Iterator[RecordRow | Unreadable]:
    for row in rows:
        tally.add(row.notes)
        yield row


def _read(
    row: RecordRow | Unreadable, name: str, options: Options, columns: ColumnConventions, defaults: Mapping[str, str]
) -> _Row | Reject:
    if isinstance(row, Unreadable):
        return Reject(name, row.line, row.raw, options.record, row.reason, row.message)
    which = row.fields.get("record") or options.record or ""
    try:
        return _Row(row.line, row.raw, str(which), _said(which, _timed(row, columns), defaults))
    except Rejected as refusal:
        return Reject(name, row.line, row.raw, str(which), refusal.reason, refusal.message)


def _looked_up(every: Iterator[_Row | Reject], find: Find | None) -> Iterator[_Row | Reject]:
    """Give rows with the indicators of their values, which are looked up for many rows at once."""
    failure: Exception | None = None
    while failure is None:
        some: list[_Row | Reject] = []
        try:
            for row in islice(every, _ROWS):
                some.append(row)
        except UnreadableFile as error:
            failure = error
        if find is None:
            yield from some
        else:
            values = {named for row in some if isinstance(row, _Row) for one in row.said for named in _named(one)}
            known = find(values) if values else {}
            yield from (row._replace(known=known) if isinstance(row, _Row) else row for row in some)
        if not some and failure is None:
            return
    raise failure


def _named(record: Record) -> Iterator[Named]:
    """Give the values that a record is about, where they stand in place of ids."""
    if isinstance(record, Sighting | Outcome | Opinion):
        subjects: Sequence[Subject] = [record.of]
    else:
        subjects = record.members if isinstance(record, Case) else ()
    for subject in subjects:
        if subject.kind is not None and subject.value is not None and subject.reporter is None:
            yield subject.kind, subject.value


def _timed(row: RecordRow, columns: ColumnConventions) -> RecordRow:
    """Give a row with its times in UTC. Raises ``Rejected``."""
    times = {field: text for field in _TIMES if isinstance(text := row.fields.get(field), str)}
    if not times:
        return row
    columns.learn(times)
    read = {field: columns.time(field, text) for field, text in times.items()}
    return row._replace(fields={field: text for field, text in {**row.fields, **read}.items() if text != ""})


def _said(which: Any, row: RecordRow, defaults: Mapping[str, str]) -> Sequence[Record]:
    """Give the record of a row, or those that an object of STIX says, in the name of who sends them."""
    if row.stix is None:
        return [tabular.read_record(str(which), row.fields, defaults)]
    said = mappers.from_stix(row.stix)
    if row.stix.get("revoked") is True:
        raise Rejected("revoked", "its creator took it back: leave it out")
    return [each.model_copy(update={"reporter": defaults["reporter"]}) for each in said]


def _about(record: Record, known: Mapping[Named, Sequence[str]] | None) -> Iterator[Record]:
    """Give the record once for each indicator that it is about."""
    if isinstance(record, Sighting | Outcome | Opinion):
        for subject in _found(record.of, known):
            yield record.model_copy(update={"of": subject})
    elif isinstance(record, Case):
        members = [subject for member in record.members for subject in _found(member, known)]
        yield Case.model_validate({**dict(record), "members": members})
    else:
        yield record


def _found(subject: Subject, known: Mapping[Named, Sequence[str]] | None) -> Sequence[Subject]:
    if known is None or subject.kind is None or subject.value is None or subject.reporter is not None:
        return [subject]
    ids = known.get((subject.kind, subject.value))
    if not ids:
        raise Rejected(*_UNKNOWN)
    return [Subject(ref=id_) for id_ in ids]
