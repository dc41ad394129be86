"""Mapping in several processes: this one reads the file and joins, in order, what the others map and write."""

from array import array
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from hashlib import blake2b
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple

import orjson

from feeds import formats
from feeds.errors import UnreadableFile
from feeds.mapping.dedup import SeenValues
from feeds.mapping.options import Options
from feeds.mapping.output import StixWriter
from feeds.mapping.rows import Counts, Mapped, Reject, case_of, map_groups
from feeds.readers.columns.conventions import settled
from feeds.readers.columns.notes import Tally
from feeds.readers.lines import line_runs
from feeds.readers.rows import FileRow, Unreadable
from feeds.readers.source import Source
from mappers.templates import Writer
from schemas.report import Report
from schemas.vocabulary import Tlp

_ROWS = 4_000
_LEVELS = list(Tlp)
# Pieces in work or waiting to be written, for each process.
_PENDING = 3


class _Lines(NamedTuple):
    """Some lines of a file, and the number of the first."""

    first: int
    text: str


_Work = _Lines | list[FileRow]


class _MappedPiece(NamedTuple):
    """The outcome of some rows: parts of bytes in a file, and the rejects.

    A part holds the objects of one report, with the digest of its value, its length and the index of its TLP level in
    ``Tlp``. A part whose number is in ``cases`` holds the case of that many reports before it.
    """

    digests: bytes
    lengths: bytes
    levels: bytes
    cases: dict[int, int]
    file: Path
    rejects: list[Reject]
    tally: Tally


class _Mapper:
    """The work of one process on one file."""

    def __init__(self, name: str, options: Options, format: str, path: str, separator: bytes, folder: Path) -> None:
        self._name = name
        self._options = options
        self._format = formats.get(format)
        self._path = path
        self._separator = separator
        self._folder = folder

    def __call__(self, number: int, work: _Work) -> _MappedPiece:
        """Map some rows, and write their objects to a new file."""
        rows = self._rows(work) if isinstance(work, _Lines) else iter(work)
        writer, tally = Writer(self._options.profile, self._separator), Tally()
        digests, written, levels, rejects = array("Q"), list[bytes](), bytearray(), list[Reject]()
        cases: dict[int, int] = {}
        for group in map_groups(rows, self._name, self._options, tally):
            reports: list[Report] = []
            for outcome in group:
                if isinstance(outcome, Reject):
                    rejects.append(outcome)
                elif isinstance(outcome.report, Report):
                    reports.append(outcome.report)
                    digests.append(_digest(outcome))
                    written.append(writer.write(outcome.report))
                    levels.append(_LEVELS.index(outcome.report.tlp))
            if len(reports) > 1 and (case := case_of(reports, self._options.profile)):
                cases[len(written)] = len(reports)
                digests.append(0)
                written.append(self._separator.join(map(orjson.dumps, case)))
                levels.append(_LEVELS.index(reports[0].tlp))
        file = self._folder / str(number)
        file.write_bytes(self._separator.join(written))
        lengths = array("Q", map(len, written))
        return _MappedPiece(digests.tobytes(), lengths.tobytes(), bytes(levels), cases, file, rejects, tally)

    def _rows(self, lines: _Lines) -> Iterator[FileRow]:
        for row in self._format.read(Source.of(lines.text), self._path):
            yield row._replace(line=row.line + lines.first - 1)


def map_to(
    sink: StixWriter, stream: BinaryIO, name: str, options: Options, seen: SeenValues, counts: Counts, jobs: int
) -> Iterator[Reject]:
    """Map ``stream`` as ``map_stream`` does, in ``jobs`` processes, into ``sink`` and ``counts``; yield the rejects.

    ``seen`` holds digests of this module's, and is for no other function. Raises as ``map_stream`` does.
    """
    format_, source, path = formats.opened(stream, name=name, format=options.format, kind=options.kind)
    with TemporaryDirectory(prefix="scamfeed-map-") as folder, ProcessPoolExecutor(jobs) as pool:
        mapper = _Mapper(name, options, format_.name, path, sink.separator, Path(folder))
        waiting: deque[Future[_MappedPiece]] = deque()
        failure: UnreadableFile | None = None
        pieces = (
            _lines(source) if format_.lines else _batches(settled(format_.read(source, path), options.conventions()))
        )
        for number in count():
            try:
                work = next(pieces, None)
            except UnreadableFile as error:
                # The rows before the failure are mapped all the same.
                work, failure = None, error
            if work is not None:
                waiting.append(pool.submit(mapper, number, work))
            while waiting and (work is None or len(waiting) > jobs * _PENDING):
                yield from _write(waiting.popleft().result(), sink, seen, counts)
            if work is None:
                break
        if failure:
            raise failure


def _write(piece: _MappedPiece, sink: StixWriter, seen: SeenValues, counts: Counts) -> Iterator[Reject]:
    """Write the new parts of ``piece``, and count all of them."""
    digests, lengths = array("Q", piece.digests), array("Q", piece.lengths)
    new: list[bool] = []
    for place, digest in enumerate(digests):
        # A case is written where one of its reports is new, behind the last of them.
        new.append(any(new[place - piece.cases[place] :]) if place in piece.cases else seen.add_digest(digest))
    written = piece.file.read_bytes()
    piece.file.unlink()
    for levels, span in _spans_of_levels(new, piece.levels):
        between = len(sink.separator)
        begin = sum(lengths[: span.start]) + span.start * between
        end = begin + sum(lengths[span]) + max(0, len(range(*span.indices(len(new)))) - 1) * between
        part = written[begin:end]
        if not all(new[span]):
            part = sink.separator.join(_cut(part, lengths[span], new[span], between))
        sink.append(levels, part)
    reports = len(new) - len(piece.cases)
    mapped = sum(new) - sum(new[place] for place in piece.cases)
    counts.read += reports + len(piece.rejects)
    counts.mapped += mapped
    counts.duplicates += reports - mapped
    counts.tally.take(piece.tally)
    for reject in piece.rejects:
        counts.rejected[reject.reason] += 1
        yield reject


def _spans_of_levels(new: list[bool], levels: bytes) -> Iterator[tuple[list[Tlp], slice]]:
    """Cut the parts where a TLP level occurs first: its marking has to be written before the objects that bear it."""
    begun: set[int] = set()
    start, current = 0, list[Tlp]()
    for place, level in enumerate(levels):
        if new[place] and level not in begun:
            begun.add(level)
            if place > start:
                yield current, slice(start, place)
            start, current = place, [_LEVELS[level]]
    yield current, slice(start, len(new))


def _cut(written: bytes, lengths: "array[int]", new: list[bool], between: int) -> Iterator[bytes]:
    """Yield the parts that are new."""
    at = 0
    for length, is_new in zip(lengths, new, strict=True):
        if is_new:
            yield written[at : at + length]
        at += length + between


def _lines(source: Source) -> Iterator[_Work]:
    for run in line_runs(source):
        yield [run] if isinstance(run, Unreadable) else _Lines(run[0], "\n".join(run[1]))


def _batches(rows: Iterator[FileRow]) -> Iterator[_Work]:
    """Yield rows in batches; the rows before a failure are yielded before it is raised."""
    batch: list[FileRow] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) >= _ROWS and row.place >= row.values:
                yield batch
                batch = []
    except UnreadableFile:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _digest(mapped: Mapped) -> int:
    """Return a 64-bit digest of a value of a kind, the same in every process."""
    kind, value = mapped.key
    return int.from_bytes(blake2b(f"{kind}\0{value}".encode(), digest_size=8).digest(), "little")
