"""File formats, one module each, found automatically; without a given format it is recognised from the content."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from io import BytesIO
from time import monotonic
from types import MappingProxyType
from typing import BinaryIO

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.format import Format, Head
from feeds.readers.rows import FileRow
from feeds.readers.source import HEAD, Source, decode, unzip_head
from schemas.discovery import subclasses
from schemas.report import Report

# How deep files inside files are read, how many of one document, and for how long in all.
_DEEPEST, _MOST_INSIDE, _SECONDS_INSIDE = 3, 100, 600
# Added to the score of the content if the ending of the file name fits.
_HINT = 0.1


@cache
def every() -> Mapping[str, Format]:
    """Return all formats by name."""
    classes = subclasses(__name__, __path__, Format)  # type: ignore[type-abstract]  # it yields concrete ones only
    formats = (format() for format in classes)
    return MappingProxyType({format.name: format for format in sorted(formats, key=lambda format: format.name)})


def names() -> list[str]:
    """Return the names of all formats."""
    return list(every())


def get(name: str) -> Format:
    """Return the format called ``name``. Raises ``UnknownFormat`` with the known names."""
    try:
        return every()[name]
    except KeyError:
        raise UnknownFormat(f"there is no format {name!r}; there are: {', '.join(every())}") from None


def read(
    stream: BinaryIO, *, name: str = "", format: str | None = None, kind: str | None = None, country: str = ""
) -> Iterator[FileRow]:
    """Yield the rows of ``stream`` in order, and its unreadable items with the reason.

    Comments and blank lines are skipped. ``name`` is the file's name, which is only a hint. ``format`` is the name of
    the format, for a document with the place of its list (``json:data.items``). ``kind`` is the kind of values without
    one; if no column is known, it also identifies the column with such values. ``country`` is the country of a text's
    numbers and banks, where the text states none. Raises ``UnknownFormat``. Raises ``UnreadableFile`` if the rest of
    the file cannot be read, which may be after some rows.
    """
    reader, source, path = opened(stream, name=name, format=format, kind=kind, country=country)
    return reader.read(source, path)


def opened(
    stream: BinaryIO, *, name: str = "", format: str | None = None, kind: str | None = None, country: str = ""
) -> tuple[Format, Source, str]:
    """Return what is needed to read ``stream``: the format, the source, and the place of the list in a document."""
    word, _, path = (format or "").partition(":")
    reader = get(word) if word else None
    source = Source(stream, kind, name, _Inside(kind, country).read, country)
    return reader or _recognise(_head(source, name)), source, path


class _Inside:
    """Reads the files inside one document, and those inside them, up to a number and a time for all together."""

    def __init__(self, kind: str | None, country: str) -> None:
        self._kind, self._country = kind, country
        self._depth = self._files = 0
        self._until = monotonic() + _SECONDS_INSIDE

    def read(self, stream: BinaryIO, name: str) -> Iterator[FileRow]:
        """Yield the rows of a file. Raises ``UnreadableFile``."""
        self._files += 1
        if self._depth >= _DEEPEST:
            raise UnreadableFile(f"files inside more than {_DEEPEST} files are not read: send the file itself")
        if self._files > _MOST_INSIDE or monotonic() > self._until:
            raise UnreadableFile(
                f"{_MOST_INSIDE} files inside one are read, in {_SECONDS_INSIDE} seconds: send the others alone"
            )
        source = Source(stream, self._kind, name, self.read, self._country)
        self._depth += 1
        try:
            yield from _recognise(_head(source, name)).read(source)
        finally:
            self._depth -= 1


def recognise(head: bytes, name: str = "") -> str:
    """Return the name of a file's format by its beginning (64 KiB or less), gzip or not."""
    try:
        source = Source(BytesIO(unzip_head(head)))
    except UnreadableFile:
        source = Source(BytesIO())
    return _recognise(_head(source, name)).name


def write(format: str, reports: Iterable[Report], out: BinaryIO) -> int:
    """Write those of ``reports`` that the format supports to ``out``, and return their number.

    Raises ``UnknownFormat``, also for a format that is read-only or written as a folder.
    """
    writer = get(format)
    if not writer.writes:
        able = ", ".join(name for name, other in every().items() if other.writes)
        raise UnknownFormat(f"the format {format} can only be read; formats that can be written: {able}")
    if writer.folder:
        raise UnknownFormat(f"the format {format} is a folder: give a target folder")
    return writer.write(reports, out)


def _head(source: Source, name: str) -> Head:
    data = source.head[:HEAD]
    return Head(name, decode(data), complete=len(source.head) < HEAD, magic=data[:8])


def _recognise(head: Head) -> Format:
    def score(format: Format) -> float:
        by_content = format.score(head)
        hinted = by_content > 0 and any(ending in format.endings for ending in head.suffixes)
        return by_content + _HINT if hinted else by_content

    return max(every().values(), key=score)
