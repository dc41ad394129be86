"""Mapping on several processors: this process reads, others map, and what they write is put together in order."""

from array import array
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from hashlib import blake2b
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple

from feeds import formats
from feeds.format import Row, Unreadable
from feeds.lines import blocks
from feeds.mapping import Counts, Mapped, Options, Reject, map_rows
from feeds.output import Sink
from feeds.seen import Seen
from feeds.source import Source
from mappers.bulk import Writer
from schemas.vocabulary import Tlp

_ROWS = 4_000
# What waits for a processor, or to be written, of each process.
_AHEAD = 3


class _Lines(NamedTuple):
    """Lines of a file, and the number of the first."""

    first: int
    text: str


_Work = _Lines | list[Row | Unreadable]


class _Made(NamedTuple):
    """What became of some rows: a digest and a length for each report, the file of their objects, the rejects."""

    digests: bytes
    lengths: bytes
    levels: list[Tlp]
    file: Path
    rejects: list[Reject]


class _Mapper:
    """What one of the processes does, for one file."""

    def __init__(self, name: str, options: Options, format: str, path: str, separator: bytes, folder: Path) -> None:
        self._name = name
        self._options = options
        self._format = formats.get(format)
        self._path = path
        self._separator = separator
        self._folder = folder

    def __call__(self, number: int, work: _Work) -> _Made:
        """Map some rows, and write their objects to a file of their own."""
        rows = self._rows(work) if isinstance(work, _Lines) else iter(work)
        writer = Writer(self._options.profile, self._separator)
        digests, written, levels, rejects = array("Q"), [], set(), []
        for outcome in map_rows(rows, self._name, self._options):
            if isinstance(outcome, Reject):
                rejects.append(outcome)
                continue
            digests.append(_digest(outcome))
            written.append(writer.write(outcome.report))  # type: ignore[arg-type]  # records are not mapped here
            levels.add(outcome.report.tlp)
        file = self._folder / str(number)
        file.write_bytes(self._separator.join(written))
        lengths = array("Q", map(len, written))
        return _Made(digests.tobytes(), lengths.tobytes(), sorted(levels), file, rejects)

    def _rows(self, lines: _Lines) -> Iterator[Row | Unreadable]:
        for row in self._format.read(Source.of(lines.text), self._path):
            yield row._replace(line=row.line + lines.first - 1)


def map_to(
    sink: Sink, stream: BinaryIO, name: str, options: Options, seen: Seen, counts: Counts, jobs: int
) -> Iterator[Reject]:
    """Map ``stream`` as ``map_stream`` does, with ``jobs`` processes, into ``sink`` and ``counts``; gives the rejects.

    ``seen`` is of files that are mapped in this way alone. Raises as ``map_stream`` does.
    """
    format_, source, path = formats.opened(stream, name=name, format=options.format)
    with TemporaryDirectory(prefix="scamfeed-map-") as folder, ProcessPoolExecutor(jobs) as pool:
        mapper = _Mapper(name, options, format_.name, path, sink.separator, Path(folder))
        waiting: deque[Future[_Made]] = deque()
        failure: formats.UnreadableFile | None = None
        pieces = _lines(source) if format_.lines else _batches(format_.read(source, path))
        for number in count():
            try:
                work = next(pieces, None)
            except formats.UnreadableFile as error:
                # What was read before it is mapped all the same.
                work, failure = None, error
            if work is not None:
                waiting.append(pool.submit(mapper, number, work))
            while waiting and (work is None or len(waiting) > jobs * _AHEAD):
                yield from _kept(waiting.popleft().result(), sink, seen, counts)
            if work is None:
                break
        if failure:
            raise failure


def _kept(made: _Made, sink: Sink, seen: Seen, counts: Counts) -> Iterator[Reject]:
    """Write what is new of what was made, and count all of it."""
    digests, lengths = array("Q", made.digests), array("Q", made.lengths)
    new = [seen.add_digest(digest) for digest in digests]
    written = made.file.read_bytes()
    made.file.unlink()
    if not all(new):
        written = sink.separator.join(_cut(written, lengths, new, len(sink.separator)))
    sink.append(made.levels if any(new) else [], written)
    counts.read += len(new) + len(made.rejects)
    counts.mapped += sum(new)
    counts.duplicates += len(new) - sum(new)
    for reject in made.rejects:
        counts.rejected[reject.reason] += 1
        yield reject


def _cut(written: bytes, lengths: "array[int]", new: list[bool], between: int) -> Iterator[bytes]:
    """Give those pieces that are new."""
    at = 0
    for length, is_new in zip(lengths, new, strict=True):
        if is_new:
            yield written[at : at + length]
        at += length + between


def _lines(source: Source) -> Iterator[_Work]:
    for run in blocks(source):
        yield [run] if isinstance(run, Unreadable) else _Lines(run[0], "\n".join(run[1]))


def _batches(rows: Iterator[Row | Unreadable]) -> Iterator[_Work]:
    """Give rows some at a time; those before a failure come before it."""
    batch: list[Row | Unreadable] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == _ROWS:
                yield batch
                batch = []
    except formats.UnreadableFile:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _digest(mapped: Mapped) -> int:
    """Name a value of a kind in 64 bits, the same in every process."""
    kind, value = mapped.key
    return int.from_bytes(blake2b(f"{kind}\0{value}".encode(), digest_size=8).digest(), "little")
