"""From files of records to STIX objects, row by row: each is mapped, a duplicate, or rejected with a reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from feeds.conventions import Columnwise
from feeds.format import Unreadable
from feeds.mapping import Duplicate, Mapped, Options, Reject
from feeds.notes import Tally
from feeds.record_rows import RecordRow, rows
from mappers import records as mappers
from schemas import records, timestamp
from schemas.case import Case
from schemas.errors import Rejected
from schemas.outcome import Opinion, Outcome
from schemas.record import Record
from schemas.sighting import Sighting
from schemas.subject import Subject

_TIMES = ("reported_at", "first_seen", "last_seen", "effective_from", "effective_until")

# Gives the ids of the indicators of a kind's value that may be meant.
Find = Callable[[str, str], Sequence[str]]

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
    and what of them is not read. Raises ``feeds.formats.UnknownFormat`` and ``UnreadableFile``.
    """
    seen = set() if seen is None else seen
    reported_at = timestamp.text(options.reported_at or timestamp.now())
    defaults = {**options.defaults, "reporter": options.reporter, "reported_at": reported_at}
    if options.kind:
        defaults["kind"] = options.kind
    tally, columns = Tally() if tally is None else tally, Columnwise(options.conventions(), _TIMES)
    for row in rows(stream, options.format):
        tally.add(row.notes)
        if isinstance(row, Unreadable):
            yield Reject(name, row.line, row.raw, options.record, row.reason, row.message)
            continue
        which = row.fields.get("record") or options.record or ""
        try:
            said = _said(which, _timed(row, columns), defaults)
            found = [each for one in said for each in _about(one, find)]
            objects = [obj for one in found for obj in mappers.to_stix(one, options.profile)]
        except Rejected as refusal:
            yield Reject(name, row.line, row.raw, str(which), refusal.reason, refusal.message)
            continue
        new = {obj["id"]: obj for obj in objects if obj["id"] not in seen}
        if not any("created" in obj for obj in new.values()):
            yield Duplicate(row.line)
            continue
        seen.update(new)
        beside = [obj for one in found for obj in mappers.beside(one)]
        yield Mapped(row.line, found[-1], list(new.values()), beside)


def _timed(row: RecordRow, columns: Columnwise) -> RecordRow:
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
        return [records.read(str(which), row.fields, defaults)]
    said = mappers.from_stix(row.stix)
    if row.stix.get("revoked") is True:
        raise Rejected("revoked", "its creator took it back: leave it out")
    return [each.model_copy(update={"reporter": defaults["reporter"]}) for each in said]


def _about(record: Record, find: Find | None) -> Iterator[Record]:
    """Give the record once for each indicator that it is about."""
    if isinstance(record, Sighting | Outcome | Opinion):
        for subject in _found(record.of, find):
            yield record.model_copy(update={"of": subject})
    elif isinstance(record, Case):
        members = [subject for member in record.members for subject in _found(member, find)]
        yield Case.model_validate({**dict(record), "members": members})
    else:
        yield record


def _found(subject: Subject, find: Find | None) -> Sequence[Subject]:
    if find is None or subject.kind is None or subject.value is None or subject.reporter is not None:
        return [subject]
    ids = find(subject.kind, subject.value)
    if not ids:
        raise Rejected(*_UNKNOWN)
    return [Subject(ref=id_) for id_ in ids]
