"""File formats, one module each, found by being here; a format that is not named is recognised by the content."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from io import BytesIO
from types import MappingProxyType
from typing import BinaryIO

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.format import Format, Head
from feeds.readers.rows import FileRow
from feeds.readers.source import HEAD, Source, decode, unzip_head
from schemas.discovery import subclasses
from schemas.report import Report

# Added to the score of the content where the ending of the file name fits.
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
    """Return the format called ``name``. Raises ``UnknownFormat`` with the names there are."""
    try:
        return every()[name]
    except KeyError:
        raise UnknownFormat(f"there is no format {name!r}; there are: {', '.join(every())}") from None


def read(stream: BinaryIO, *, name: str = "", format: str | None = None, kind: str | None = None) -> Iterator[FileRow]:
    """Yield the rows of ``stream`` in their order, and its unreadable items with the reason.

    Comments and blank lines are skipped. ``name`` is the file's name, which is only a hint. ``format`` names the
    format, in a document with the place of its list (``json:data.items``). ``kind`` is the kind of values without one;
    where no column is known, the column that holds such values is found by it. Raises ``UnknownFormat``, and
    ``UnreadableFile`` where the file cannot be read any further, which may be after some rows.
    """
    reader, source, path = opened(stream, name=name, format=format, kind=kind)
    return reader.read(source, path)


def opened(
    stream: BinaryIO, *, name: str = "", format: str | None = None, kind: str | None = None
) -> tuple[Format, Source, str]:
    """Return what ``read`` reads ``stream`` with: the format, the source, and the place of the list in a document."""
    word, _, path = (format or "").partition(":")
    reader = get(word) if word else None
    source = Source(stream, kind)
    return reader or _recognise(_head(source, name)), source, path


def recognise(head: bytes, name: str = "") -> str:
    """Return the name of a file's format by its beginning (64 KiB or less), gzip or not."""
    try:
        source = Source(BytesIO(unzip_head(head)))
    except UnreadableFile:
        source = Source(BytesIO())
    return _recognise(_head(source, name)).name


def write(format: str, reports: Iterable[Report], out: BinaryIO) -> int:
    """Write those of ``reports`` that the format can hold to ``out``, and return their number.

    Raises ``UnknownFormat``, also for a format that is only read, or is written as a folder.
    """
    writer = get(format)
    if not writer.writes:
        able = ", ".join(name for name, other in every().items() if other.writes)
        raise UnknownFormat(f"the format {format} is read, not written; written are: {able}")
    if writer.folder:
        raise UnknownFormat(f"the format {format} is a folder: name where it is to be")
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
