"""Files of records to STIX objects, row by row: each record is mapped, a duplicate, or rejected with a reason."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from feeds.errors import UnreadableFile
from feeds.mapping.options import Options
from feeds.mapping.rows import Duplicate, Mapped, Reject, map_stream
from feeds.mapping.seen import SeenInFiles
from feeds.readers.columns.conventions import ColumnConventions
from feeds.readers.record_rows import RecordRow, detect_records, rows
from feeds.readers.rows import Tally, Unreadable
from mappers import records as mappers
from mappers.record_reader import from_stix
from schemas import tabular
from schemas.errors import Rejected
from schemas.records import Case, Opinion, Outcome, Qualification, Record, Sighting, Subject
from server.release.guard.personal_data.objects import refuse_personal_data

_TIMES = ("reported_at", "first_seen", "last_seen", "effective_from", "effective_until")
# Days in the reporter's own calendar: no time zone moves them.
_DAYS = ("period_from", "period_to")

# A value: its kind and its normal form.
Named = tuple[str, str]
# Returns the ids of the visible indicators of values.
Find = Callable[[Iterable[Named]], Mapping[Named, Sequence[str]]]
# Number of rows whose values are looked up together.
_ROWS = 500

_UNKNOWN = (
    "indicator-unknown",
    "no indicator of this value is visible to you: report the value first, or give the id of an indicator",
)


def map_records(
    stream: BinaryIO,
    name: str,
    options: Options,
    seen: set[str] | None = None,
    find: Find | None = None,
    tally: Tally | None = None,
) -> Iterator[Mapped | Duplicate | Reject]:
    """Yield the outcome of each record of ``stream``, in order; ``options.record`` is the kind of rows without one.

    ``find`` returns the indicators of values used in place of ids. Without it, a record of such a value is rejected
    unless it contains the reporter of the indicator. ``seen`` has the ids so far, including those of other streams.
    ``tally`` counts the rows, and their unread cells. Raises ``UnknownFormat`` and ``UnreadableFile``.
    """
    seen = set() if seen is None else seen
    tally = Tally() if tally is None else tally
    for row in _looked_up(read_records(stream, name, options, tally), find):
        yield row if isinstance(row, Reject) else _mapped(row, name, options, seen)


def read_records(stream: BinaryIO, name: str, options: Options, tally: Tally) -> "Iterator[ReadRecords | Reject]":
    """Yield the records of each row of ``stream``, about values or indicators as written. Raises as ``map_records``."""
    defaults, conventions = options.row_defaults(), options.conventions()
    columns = _Columns(ColumnConventions(conventions, _TIMES), ColumnConventions(replace(conventions, zone=UTC), _DAYS))
    for row in rows(stream, options.format):
        yield _read(row, name, options, columns, defaults, tally)


def map_reports_or_records(
    stream: BinaryIO, name: str, options: Options, *, find: Find | None, tally: Tally, seen: SeenInFiles | None = None
) -> Iterator[Mapped | Duplicate | Reject]:
    """Yield the outcomes of a file of records or of reports, whichever it contains. Raises ``UnreadableFile``."""
    seen = SeenInFiles() if seen is None else seen
    are_records, stream = (True, stream) if options.record else detect_records(stream, options.format)
    if are_records:
        return map_records(stream, name, options, seen.records, find, tally)
    return map_stream(stream, name, options, seen.values, tally)


class _Columns(NamedTuple):
    """The conventions of a file's columns of times, and of those of days."""

    times: ColumnConventions
    days: ColumnConventions


class ReadRecords(NamedTuple):
    """The records of a row, and the indicators of the values in them; None if these cannot be looked up."""

    line: int
    raw: str
    name: str
    records: Sequence[Record]
    known: Mapping[Named, Sequence[str]] | None = None


def _mapped(row: ReadRecords, file: str, options: Options, seen: set[str]) -> Mapped | Duplicate | Reject:
    try:
        found = [about for record in row.records for about in _about_indicators(record, row.known)]
        objects = [obj for record in found for obj in mappers.to_stix(record, options.profile)]
        for obj in objects:
            if obj["type"] != "language-content":
                refuse_personal_data(obj)
    except Rejected as refusal:
        return Reject(file, row.line, row.raw, row.name, refusal.reason, refusal.message)
    new = {obj["id"]: obj for obj in objects if obj["id"] not in seen}
    if not any("created" in obj for obj in new.values()):
        return Duplicate(row.line)
    seen.update(new)
    beside = [obj for record in found for obj in mappers.beside(record)]
    return Mapped(row.line, found[-1], list(new.values()), beside)


def _read(
    row: RecordRow | Unreadable,
    file: str,
    options: Options,
    columns: _Columns,
    defaults: Mapping[str, str],
    tally: Tally,
) -> ReadRecords | Reject:
    tally.add(row.notes)
    if isinstance(row, Unreadable):
        return Reject(file, row.line, row.raw, options.record, row.reason, row.message)
    name = row.fields.get("record") or options.record or ""
    try:
        return ReadRecords(row.line, row.raw, str(name), _records(name, _timed(str(name), row, columns), defaults))
    except Rejected as refusal:
        return Reject(file, row.line, row.raw, str(name), refusal.reason, refusal.message)


def _looked_up(rows: Iterator[ReadRecords | Reject], find: Find | None) -> Iterator[ReadRecords | Reject]:
    """Yield rows with the indicators of their values, looked up for many rows at once."""
    failure: Exception | None = None
    while failure is None:
        batch: list[ReadRecords | Reject] = []
        try:
            for row in islice(rows, _ROWS):
                batch.append(row)
        except UnreadableFile as error:
            failure = error
        if find is None:
            yield from batch
        else:
            records = (record for row in batch if isinstance(row, ReadRecords) for record in row.records)
            values = {value for record in records for value in _values(record)}
            known = find(values) if values else {}
            yield from (row._replace(known=known) if isinstance(row, ReadRecords) else row for row in batch)
        if not batch and failure is None:
            return
    raise failure


def _values(record: Record) -> Iterator[Named]:
    """Yield the values that a record has in place of ids of indicators."""
    if isinstance(record, Outcome):
        subjects: Sequence[Subject] = [record.of, *record.others]
    elif isinstance(record, Sighting | Opinion | Qualification):
        subjects = [record.of]
    else:
        subjects = record.members if isinstance(record, Case) else ()
    for subject in subjects:
        if subject.kind is not None and subject.value is not None and subject.reporter is None:
            yield subject.kind, subject.value


def _timed(name: str, row: RecordRow, columns: _Columns) -> RecordRow:
    """Return a row with the times of its record in UTC. Raises ``Rejected``."""
    read: dict[str, str] = {}
    fields = tabular.RECORDS[name].model_fields if name in tabular.RECORDS else _TIMES
    for names, conventions in ((_TIMES, columns.times), (_DAYS, columns.days)):
        times = {field: text for field in names if field in fields and isinstance(text := row.fields.get(field), str)}
        conventions.learn(times)
        read |= {field: conventions.time(field, text) for field, text in times.items()}
    if not read:
        return row
    return row._replace(fields={field: text for field, text in {**row.fields, **read}.items() if text != ""})


def _records(name: Any, row: RecordRow, defaults: Mapping[str, str]) -> Sequence[Record]:
    """Return the record of a row, or those of its STIX object, with the sender as their reporter."""
    if row.stix is None:
        return [tabular.read_record(str(name), row.fields, defaults)]
    sent = from_stix(row.stix)
    if row.stix.get("revoked") is True:
        raise Rejected("revoked", "its creator revoked it: leave it out")
    return [record.model_copy(update={"reporter": defaults["reporter"]}) for record in sent]


def _about_indicators(record: Record, known: Mapping[Named, Sequence[str]] | None) -> Iterator[Record]:
    """Yield the record once for each indicator that it is about; a record with totals only once for all of them."""
    if isinstance(record, Outcome):
        subjects = [found for subject in (record.of, *record.others) for found in _found(subject, known)]
        if record.has_totals:
            yield Outcome.model_validate({**dict(record), "of": subjects[0], "others": subjects[1:]})
            return
        for subject in subjects:
            yield record.model_copy(update={"of": subject, "others": ()})
    elif isinstance(record, Sighting | Opinion | Qualification):
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
