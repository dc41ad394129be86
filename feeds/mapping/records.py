"""Files of records to STIX objects, row by row: each record is mapped, a duplicate, or rejected with a reason."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
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
from schemas.qualification import Qualification
from schemas.record import Case, Opinion, Outcome, Record, Sighting
from schemas.subject import Subject

_TIMES = ("reported_at", "first_seen", "last_seen", "effective_from", "effective_until")
# Days in the reporter's own calendar: no time zone moves them.
_DAYS = ("period_from", "period_to")

# A value: its kind and its normal form.
Named = tuple[str, str]
# Returns the ids of the visible indicators of values.
Find = Callable[[Iterable[Named]], Mapping[Named, Sequence[str]]]
# Rows whose values are looked up at once.
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
    """Yield the outcome of each record of ``stream``, in order; ``options.record`` names the record where rows do not.

    ``find`` returns the indicators of values that stand in place of ids; without it, a record of such a value is
    rejected unless it names the reporter of the indicator. ``seen`` holds the ids so far, those of other streams
    included. ``tally`` counts the rows, and their cells that are not read. Raises ``UnknownFormat`` and
    ``UnreadableFile``.
    """
    seen = set() if seen is None else seen
    tally = Tally() if tally is None else tally
    reported_at = timestamp.text(options.reported_at or timestamp.now())
    defaults = {**options.defaults, "reporter": options.reporter, "reported_at": reported_at}
    if options.kind:
        defaults["kind"] = options.kind
    conventions = options.conventions()
    columns = _Columns(ColumnConventions(conventions, _TIMES), ColumnConventions(replace(conventions, zone=UTC), _DAYS))
    counted = _counted(rows(stream, options.format), tally)
    read = (_read(row, name, options, columns, defaults) for row in counted)
    for row in _looked_up(read, find):
        yield row if isinstance(row, Reject) else _mapped(row, name, options, seen)


class _Columns(NamedTuple):
    """The conventions of a file's columns of times, and of those of days."""

    times: ColumnConventions
    days: ColumnConventions


class _ReadRow(NamedTuple):
    """The records of a row, and the indicators of the values in them; None where these cannot be looked up."""

    line: int
    raw: str
    name: str
    records: Sequence[Record]
    known: Mapping[Named, Sequence[str]] | None = None


def _mapped(row: _ReadRow, file: str, options: Options, seen: set[str]) -> Mapped | Duplicate | Reject:
    try:
        found = [about for record in row.records for about in _about_indicators(record, row.known)]
        objects = [obj for record in found for obj in mappers.to_stix(record, options.profile)]
    except Rejected as refusal:
        return Reject(file, row.line, row.raw, row.name, refusal.reason, refusal.message)
    new = {obj["id"]: obj for obj in objects if obj["id"] not in seen}
    if not any("created" in obj for obj in new.values()):
        return Duplicate(row.line)
    seen.update(new)
    beside = [obj for record in found for obj in mappers.beside(record)]
    return Mapped(row.line, found[-1], list(new.values()), beside)


def _counted(rows: Iterator[RecordRow | Unreadable], tally: Tally) -> Iterator[RecordRow | Unreadable]:
    for row in rows:
        tally.add(row.notes)
        yield row


def _read(
    row: RecordRow | Unreadable, file: str, options: Options, columns: _Columns, defaults: Mapping[str, str]
) -> _ReadRow | Reject:
    if isinstance(row, Unreadable):
        return Reject(file, row.line, row.raw, options.record, row.reason, row.message)
    name = row.fields.get("record") or options.record or ""
    try:
        return _ReadRow(row.line, row.raw, str(name), _records(name, _timed(str(name), row, columns), defaults))
    except Rejected as refusal:
        return Reject(file, row.line, row.raw, str(name), refusal.reason, refusal.message)


def _looked_up(rows: Iterator[_ReadRow | Reject], find: Find | None) -> Iterator[_ReadRow | Reject]:
    """Yield rows with the indicators of their values, looked up for many rows at once."""
    failure: Exception | None = None
    while failure is None:
        batch: list[_ReadRow | Reject] = []
        try:
            for row in islice(rows, _ROWS):
                batch.append(row)
        except UnreadableFile as error:
            failure = error
        if find is None:
            yield from batch
        else:
            records = (record for row in batch if isinstance(row, _ReadRow) for record in row.records)
            values = {value for record in records for value in _values(record)}
            known = find(values) if values else {}
            yield from (row._replace(known=known) if isinstance(row, _ReadRow) else row for row in batch)
        if not batch and failure is None:
            return
    raise failure


def _values(record: Record) -> Iterator[Named]:
    """Yield the values that stand in a record in place of ids of indicators."""
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
    sent = mappers.from_stix(row.stix)
    if row.stix.get("revoked") is True:
        raise Rejected("revoked", "its creator revoked it: leave it out")
    return [record.model_copy(update={"reporter": defaults["reporter"]}) for record in sent]


def _about_indicators(record: Record, known: Mapping[Named, Sequence[str]] | None) -> Iterator[Record]:
    """Yield the record once for each indicator that it is about; one with totals once for all of them."""
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
