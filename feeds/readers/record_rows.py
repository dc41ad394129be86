"""Files of records (sightings, outcomes, …) as rows: tables and JSON, with columns under the records' own names."""

import io
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, BinaryIO, NamedTuple

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.readers import streams, table
from feeds.readers.columns.word_tables import plain
from feeds.readers.rows import NO_NOTES, Note, Notes, Unreadable, shown_name
from feeds.readers.source import HEAD, Source, decode, with_head
from schemas import kinds, tabular
from schemas.fields import SHARING_COLUMNS

FORMATS = ("csv", "json", "jsonl")
# Names of the lists of records in documents.
_LISTS = frozenset({*(f"{name}s" for name in tabular.RECORDS), "records", "data", "items", "objects", "results"})


class RecordRow(NamedTuple):
    """One record as written, by the names that records use; from JSON with its lists and objects unchanged.

    A STIX object is in ``stix``, unchanged. ``raw`` is the beginning of the text; ``notes`` list the unread columns.
    """

    line: int
    raw: str
    fields: Mapping[str, Any]
    stix: Mapping[str, Any] | None = None
    notes: Notes = NO_NOTES


def rows(stream: BinaryIO, format: str | None = None) -> Iterator[RecordRow | Unreadable]:
    """Yield the records of ``stream`` in order. Columns that no record has are noted.

    Raises ``UnknownFormat`` for formats other than CSV and JSON, and ``UnreadableFile``.
    """
    if format is not None and format not in FORMATS:
        raise UnknownFormat(f"records are read from {', '.join(FORMATS)}; not from {format}")
    source = Source(stream)
    if format != "csv" and source.head.lstrip()[:1] in (b"{", b"["):
        yield from _of_json(source)
    else:
        yield from _of_table(source)


def detect_records(stream: BinaryIO, format: str | None = None) -> tuple[bool, BinaryIO]:
    """Return whether ``stream`` contains records, by the column ``record`` of its first row, and the whole stream.

    Otherwise a file of outcomes would be read as reports, and accuse the values that it clears.
    """
    if format is not None and format not in FORMATS:
        return False, stream
    head = b""
    while len(head) < HEAD and (block := stream.read(HEAD - len(head))):
        head += block
    try:
        first = next((row for row in rows(io.BytesIO(head), format) if isinstance(row, RecordRow)), None)
    except (UnreadableFile, UnknownFormat, ValueError, EOFError):
        first = None  # the reader of the whole file raises the error
    name = first.fields.get("record") if first else None
    return isinstance(name, str) and name.strip().lower() in tabular.RECORDS, with_head(head, stream)


def _of_json(source: Source) -> Iterator[RecordRow | Unreadable]:
    for item in streams.items(source, _LISTS):
        if isinstance(item, streams.MalformedLine):
            yield item.refused("object")
        elif not isinstance(item.value, dict):
            yield Unreadable.of(
                item.number, streams.raw_text(item.value), "not-a-record", "a record is an object with columns"
            )
        elif isinstance(item.value.get("type"), str) and "--" in str(item.value.get("id")):
            yield RecordRow(item.number, streams.raw_text(item.value), {}, item.value)
        else:
            yield RecordRow(item.number, streams.raw_text(item.value), _named(item.value), notes=_unread(item.value))


def _of_table(source: Source) -> Iterator[RecordRow | Unreadable]:
    delimiter = table.delimiter_of(decode(source.head[:HEAD])) or ","
    for record in table.records_by_name(source, delimiter):
        if isinstance(record, Unreadable):
            yield record
        else:
            line, cells = record
            yield RecordRow(line, ", ".join(filter(None, cells.values())), _named(cells), notes=_unread(cells))


def _named(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields under the records' own names; the field's own name takes precedence over other columns."""
    fields: dict[str, Any] = {}
    for name, value in columns.items():
        for own in _own(name) if value not in (None, "") else ():
            if own not in fields or plain(name) == plain(own):
                fields[own] = value
    return fields


def _unread(columns: Mapping[str, Any]) -> Notes:
    """Note the filled columns that no record has."""
    unread = [(name, place) for place, (name, value) in enumerate(columns.items()) if value not in (None, "")]
    return _noted(tuple((name, place) for name, place in unread if not _own(name)))


@lru_cache(maxsize=4096)
def _noted(columns: tuple[tuple[str, int], ...]) -> Notes:
    return Notes([Note("column", shown_name(name, place)) for name, place in columns]) if columns else NO_NOTES


@lru_cache(maxsize=4096)
def _own(name: str) -> tuple[str, ...]:
    """Return the possible fields of a column with that name: a record has only one of several."""
    return _names().get(plain(name), ())


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    table = files(f"{__package__}.columns").joinpath("columns.toml").read_text("utf-8")
    aliases: dict[str, list[str]] = tomllib.loads(table)["records"]
    names: dict[str, tuple[str, ...]] = {}
    for own, others in aliases.items():
        for alias in others:
            names[plain(alias)] = (*names.get(plain(alias), ()), own)
    inputs = {column for kind in kinds.every().values() for column in kind.columns}
    fields = {field for model in tabular.RECORDS.values() for field in model.model_fields} - {"reporter"}
    return names | {
        plain(own): (own,)
        for own in {*inputs, *tabular.SUBJECT_COLUMNS, *SHARING_COLUMNS.names, "sha256", "record", *fields}
    }
