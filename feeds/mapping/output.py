"""Write mapped reports to a file, in one process or several: STIX, MISP events, and the rejected rows."""

import sys
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from hashlib import blake2b
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, NamedTuple, Self

import orjson

from feeds import formats
from feeds.errors import UnreadableFile
from feeds.mapping.options import Options
from feeds.mapping.rows import Counts, Duplicate, Mapped, Reject, case_of, map_groups, preface
from feeds.mapping.seen import SeenValues
from feeds.readers.columns.conventions import settled
from feeds.readers.rows import FileRow, Tally, Unreadable
from feeds.readers.source import Source, line_runs
from mappers import ids, indicator, misp
from schemas.report import Report
from schemas.text import encodable
from schemas.vocabulary import Tlp

_PIECES = 2048


@contextmanager
def _open_output(path: Path | None) -> Iterator[tuple[BinaryIO, bool]]:
    """Open ``path``, or standard output; yield it, and whether its name asks for one JSON document."""
    if path is None:
        yield sys.stdout.buffer, False
        return
    with path.open("wb") as out:
        yield out, path.suffix == ".json"


class StixWriter:
    """Writes the objects of mapped reports, each after the objects that it refers to, and each object once.

    ``separator`` are the bytes between two objects.
    """

    def __init__(self, out: BinaryIO, options: Options, *, bundle: bool) -> None:
        """Write to ``out``; ``close`` ends the document."""
        self._out = out
        self._options = options
        self._bundle = bundle
        self._levels: set[Tlp] = set()
        self._prefaced: set[str] = set()
        self._pieces: list[bytes] = []
        # Separates two objects, and already written objects from new ones.
        self.separator, self._before = b",\n" if bundle else b"\n", b""
        if bundle:
            name = ids.in_scamfeed({"reporter": options.reporter, "type": "bundle"})
            self._out.write(b'{"type":"bundle","id":"bundle--' + name.encode() + b'","objects":[')

    @classmethod
    @contextmanager
    def to(cls, path: Path | None, options: Options) -> Iterator[Self]:
        """Open a writer for ``path``, or standard output; ``.json`` is written as a bundle, other names as JSON lines.

        The document is complete even if mapping fails.
        """
        with _open_output(path) as (out, is_document), closing(cls(out, options, bundle=is_document)) as writer:
            yield writer

    def write(self, mapped: Mapped) -> None:
        """Write the objects of one report."""
        if mapped.report.tlp not in self._levels:
            self.append([mapped.report.tlp], b"")
        if mapped.beside:
            self._put(self._new(mapped.beside))
        if isinstance(mapped.report, Report):
            self._keep(indicator.write(mapped.report, self._options.profile, self.separator))
            self._put(mapped.case)
        else:
            self._put(mapped.objects)

    def append(self, levels: Iterable[Tlp], written: bytes) -> None:
        """Write the objects of several reports at TLP ``levels``, as serialised by ``mappers.indicator.write``."""
        for tlp in levels:
            if tlp not in self._levels:
                self._levels.add(tlp)
                self._put(self._new(preface(self._options, {tlp})))
        if written:
            self._keep(written)
            self._flush()

    def close(self) -> None:
        """Write the remaining objects, and the end of the document."""
        self._flush()
        self._out.write(b"]}\n" if self._bundle else self._before)
        self._out.flush()

    def _new(self, objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        new = [obj for obj in objects if obj["id"] not in self._prefaced]
        self._prefaced.update(obj["id"] for obj in new)
        return new

    def _put(self, objects: Iterable[dict[str, Any]]) -> None:
        for obj in objects:
            self._keep(orjson.dumps(obj))

    def _keep(self, written: bytes) -> None:
        self._pieces.append(written)
        if len(self._pieces) >= _PIECES:
            self._flush()

    def _flush(self) -> None:
        if not self._pieces:
            return
        self._out.write(self._before)
        self._out.write(self.separator.join(self._pieces))
        self._before = self.separator
        self._pieces.clear()


class RejectsWriter:
    """Writes rejected rows as JSON lines: file, line, raw, kind, reason, message.

    For ``contributed`` rows, each line has the result too; a row of a sheet, page or attached file has its name.
    """

    def __init__(self, out: BinaryIO | None, *, contributed: bool = False) -> None:
        """Write to ``out``; None discards the rows."""
        self._out = out
        self._left_out = set() if contributed else {"result"}

    @classmethod
    @contextmanager
    def to(cls, path: Path | None, *, contributed: bool = False) -> Iterator[Self]:
        """Open the file of rejects at ``path``; None discards them."""
        if path is None:
            yield cls(None)
            return
        with path.open("wb") as out:
            yield cls(out, contributed=contributed)

    def write(self, reject: Reject) -> None:
        """Write one row."""
        if self._out is not None:
            left_out = {*self._left_out, *(name for name in ("why", "part", "id") if not getattr(reject, name))}
            cells = {name: cell for name, cell in reject._asdict().items() if name not in left_out}
            texts = {name: encodable(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}
            self._out.write(orjson.dumps(texts, option=orjson.OPT_APPEND_NEWLINE))


# Reports per event: MISP reads an event as a whole, and needs minutes for a larger one.
_LARGEST = 10_000


class MispEventWriter:
    """Writes mapped reports as MISP events, each of one TLP level and of at most 10,000 reports."""

    def __init__(self, out: BinaryIO, options: Options, *, document: bool) -> None:
        """Write to ``out``; ``close`` ends the document."""
        self._out = out
        self._reporter = options.reporter
        self._document = document
        self._held: dict[Tlp, list[Report]] = {}
        self._before, self._between = (b'{"response":[', b",\n") if document else (b"", b"\n")

    @classmethod
    @contextmanager
    def to(cls, path: Path | None, options: Options) -> Iterator[Self]:
        """Open a writer for ``path``, or standard output; ``.json`` is written as one document, other names as lines.

        The document is complete even if mapping fails.
        """
        with _open_output(path) as (out, is_document), closing(cls(out, options, document=is_document)) as writer:
            yield writer

    def reject_without_type(
        self, name: str, outcomes: Iterator[Mapped | Duplicate | Reject]
    ) -> Iterator[Mapped | Duplicate | Reject]:
        """Yield the outcomes of a file called ``name``, with a reject for each report that MISP has no type for."""
        for outcome in outcomes:
            if isinstance(outcome, Mapped) and isinstance(outcome.report, Report) and not misp.has_type(outcome.report):
                message = "MISP has no type for this kind: map it for another profile"
                report = outcome.report
                yield Reject(name, outcome.line, report.value, report.kind, "not-in-format", message)
            else:
                yield outcome

    def write(self, mapped: Mapped) -> None:
        """Write one report."""
        assert isinstance(mapped.report, Report)  # noqa: S101 - records are not reports, and not mapped for MISP
        held = self._held.setdefault(mapped.report.tlp, [])
        held.append(mapped.report)
        if len(held) >= _LARGEST:
            self._put(self._held.pop(mapped.report.tlp))

    def close(self) -> None:
        """Write the remaining events, and the end of the document."""
        for held in self._held.values():
            self._put(held)
        self._held.clear()
        if self._document:
            self._out.write((b"" if self._before == self._between else self._before) + b"]}")
        if self._document or self._before:
            self._out.write(b"\n")
        self._out.flush()

    def _put(self, reports: list[Report]) -> None:
        self._out.write(self._before + orjson.dumps(misp.event(reports, f"Scam indicators from {self._reporter}")))
        self._before = self._between


_ROWS = 4_000
_LEVELS = list(Tlp)
# Pieces in work or waiting to be written, per process.
_PENDING = 3


class _Lines(NamedTuple):
    """Some lines of a file, and the number of the first."""

    first: int
    text: str


_Work = _Lines | list[FileRow]


class _MappedPiece(NamedTuple):
    """The outcome of some rows: parts of bytes in a file, and the rejects.

    A part contains the objects of one report, with the digest of its value, its length and the index of its TLP level
    in ``Tlp``. A part whose number is in ``cases`` contains the case of that many reports before it.
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
        rows = self._rows(work) if isinstance(work, _Lines) else iter(work)
        tally = Tally()
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
                    written.append(indicator.write(outcome.report, self._options.profile, self._separator))
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
        for row in self._format.read(Source.of(lines.text, self._name), self._path):
            yield row._replace(line=row.line + lines.first - 1)


def map_to(
    sink: StixWriter, stream: BinaryIO, name: str, options: Options, seen: SeenValues, counts: Counts, jobs: int
) -> Iterator[Reject]:
    """Map ``stream`` like ``map_stream``, in ``jobs`` processes, into ``sink`` and ``counts``; yield the rejects.

    ``seen`` contains digests made by this module, and must not be shared with other functions. Raises like
    ``map_stream``.
    """
    country = options.defaults.get("country", "")
    format_, source, path = formats.opened(stream, name=name, format=options.format, kind=options.kind, country=country)
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
                # The rows before the failure are mapped anyway.
                work, failure = None, error
            if work is not None:
                waiting.append(pool.submit(mapper, number, work))
            while waiting and (work is None or len(waiting) > jobs * _PENDING):
                yield from _write(waiting.popleft().result(), sink, seen, counts)
            if work is None:
                break
        counts.tally.note_guesses(source.guessed)
        counts.tally.document = format_.document
        if failure:
            raise failure


def _write(piece: _MappedPiece, sink: StixWriter, seen: SeenValues, counts: Counts) -> Iterator[Reject]:
    """Write the new parts of ``piece``, and count all of them."""
    digests, lengths = array("Q", piece.digests), array("Q", piece.lengths)
    new: list[bool] = []
    for place, digest in enumerate(digests):
        # A case is written if one of its reports is new, after the last of them.
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
    """Cut the parts at the first one of each TLP level: its marking must be written before objects that refer to it."""
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
    """Yield the new parts."""
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
