"""The file formats, one file each, found by being here; recognised by content where not named."""

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

# What a telling file name adds to the score of its content.
_HINT = 0.1


@cache
def every() -> Mapping[str, Format]:
    """Give all formats by name."""
    classes = subclasses(__name__, __path__, Format)  # type: ignore[type-abstract]  # it yields concrete ones only
    formats = (format() for format in classes)
    return MappingProxyType({format.name: format for format in sorted(formats, key=lambda format: format.name)})


def names() -> list[str]:
    """Give the names of all formats."""
    return list(every())


def get(name: str) -> Format:
    """Give the format called ``name``. Raises ``UnknownFormat`` with the names there are."""
    try:
        return every()[name]
    except KeyError:
        raise UnknownFormat(f"there is no format {name!r}; there are: {', '.join(every())}") from None


def read(stream: BinaryIO, *, name: str = "", format: str | None = None, kind: str | None = None) -> Iterator[FileRow]:
    """Give the rows of ``stream`` in their order, and what in it cannot be a row, with the reason.

    Comments and blank lines are neither. ``name`` is the file's, a mere hint; ``format`` names the format, in a
    document with the place of its list: ``json:data.items``; ``kind`` is that of values without one, by which they are
    found where no column is known. Raises ``UnknownFormat``, and ``UnreadableFile`` where
    the file cannot be read (on), which may be after some rows.
    """
    reader, source, path = opened(stream, name=name, format=format, kind=kind)
    return reader.read(source, path)


def opened(
    stream: BinaryIO, *, name: str = "", format: str | None = None, kind: str | None = None
) -> tuple[Format, Source, str]:
    """Give what reads ``stream`` as ``read`` does: the format, the source, and the place in a document."""
    word, _, path = (format or "").partition(":")
    reader = get(word) if word else None
    source = Source(stream, kind)
    return reader or _recognise(_head(source, name)), source, path


def recognise(head: bytes, name: str = "") -> str:
    """Name the format of a file by its beginning (64 KiB or less), gzip or not."""
    try:
        source = Source(BytesIO(unzip_head(head)))
    except UnreadableFile:
        source = Source(BytesIO())
    return _recognise(_head(source, name)).name


def write(format: str, reports: Iterable[Report], out: BinaryIO) -> int:
    """Write those of ``reports`` that the format can say to ``out``, and tell how many these were.

    Raises ``UnknownFormat``, also for a format that is only read, or is written to a folder.
    """
    writer = get(format)
    if not writer.writes:
        able = ", ".join(name for name, one in every().items() if one.writes)
        raise UnknownFormat(f"the format {format} is read, not written; written are: {able}")
    if writer.folder:
        raise UnknownFormat(f"the format {format} is a folder: name where it is to be")
    return writer.write(reports, out)


def _head(source: Source, name: str) -> Head:
    data = source.head[:HEAD]
    return Head(name, decode(data), complete=len(source.head) < HEAD, magic=data[:8])


def _recognise(head: Head) -> Format:
    def score(one: Format) -> float:
        found = one.score(head)
        return found + _HINT if found > 0 and any(ending in one.endings for ending in head.suffixes) else found

    return max(every().values(), key=score)
