"""Sources: the bytes of a file from any stream, its beginning known, unpacked, in UTF-8 or an 8-bit encoding."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, Self, cast

from isal import isal_zlib
from isal.igzip import BadGzipFile, IGzipFile

from feeds.errors import UnreadableFile

HEAD = 65_536
_BLOCK = 262_144
# Lists and tables of values pack to a fifth of their size, at best to a thirtieth.
_GROWTH = 100
_ALWAYS_UNPACKED = 4 << 20
_GZIP = b"\x1f\x8b"
_BOM = codecs.BOM_UTF8
_WIDE_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Binary files that a format reads.
_PACKED = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: name its format (--format excel), or unpack it",
    b"PAR1": "a Parquet file: name its format (--format parquet)",
}
_BINARIES = {
    b"%PDF": "a PDF document: copy its values into a list",
    b"SQLite format 3": "a SQLite database: save its table as CSV",
    b"BZh": "compressed with bzip2: unpack it, or use gzip",
    b"\xfd7zXZ": "compressed with xz: unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: unpack it, or use gzip",
    b"\xd0\xcf\x11\xe0": "an old or locked Excel workbook, or a Word document: save it anew as .xlsx or CSV",
    _GZIP: "compressed twice: unpack it once",
}
# isal's stubs take this class for one of its instances.
_BadDeflate = cast("type[Exception]", isal_zlib.error)
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
# Three letters of the Thai half of TIS-620 in a row; Western texts hardly ever have three accented letters in a row.
_THAI = re.compile(rb"[\xa1-\xda\xdf-\xfb]{3}")


class Source:
    """A stream that is read once, from its beginning; it need not be able to seek.

    ``head`` is its beginning. Gzip is recognised and unpacked; UTF-16 and UTF-32 become UTF-8, so that a line break
    is one byte; a byte order mark is dropped. Memory does not grow with the stream. Excel and Parquet files are no
    text: only ``raw`` and ``spooled`` return their bytes, unchanged.
    """

    def __init__(self, stream: BinaryIO, kind: str | None = None) -> None:
        """Read the beginning of ``stream``; ``kind`` is the kind of values that do not name theirs.

        Raises ``UnreadableFile`` for files that are neither text nor a format's binary.
        """
        self.kind = kind
        head, rest = _read_head(_reads(stream))
        if head.startswith(_GZIP):
            head, rest = _read_head(_unpacked(head, rest))
        for magic, file_type in _BINARIES.items():
            if head.startswith(magic):
                raise UnreadableFile(f"this is no text but {file_type}")
        self._rest = rest
        self._packed = next((file_type for magic, file_type in _PACKED.items() if head.startswith(magic)), None)
        if self._packed:
            self.head = head
            return
        if encoding := _wide(head):
            head, rest = _read_head(_as_utf8(chain((head,), rest), encoding))
        if len(_CONTROLS.findall(head)) * 5 > len(head):
            raise UnreadableFile("this is no text in any encoding known here: save it as UTF-8")
        self.head = head.removeprefix(_BOM)
        self._rest = rest

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a source of lines that were read from another source."""
        source = cls.__new__(cls)
        source.head, source._rest, source._packed, source.kind = text.encode(), iter(()), None, None
        return source

    def blocks(self) -> Iterator[bytes]:
        """Yield all bytes of a text, block by block; once. Raises ``UnreadableFile`` for binary files."""
        if self._packed:
            raise UnreadableFile(f"this is no text but {self._packed}")
        yield from self.raw()

    def raw(self) -> Iterator[bytes]:
        """Yield all bytes, block by block, of text and binary files; once."""
        if self.head:
            yield self.head
        yield from self._rest

    @contextmanager
    def spooled(self, limit: int) -> Iterator[BinaryIO]:
        """Write all bytes to a temporary file with a name. Raises ``UnreadableFile`` beyond ``limit`` bytes."""
        with NamedTemporaryFile(prefix="scamfeed-") as file:
            size = 0
            for block in self.raw():
                size += len(block)
                if size > limit:
                    raise UnreadableFile(f"this file is larger than {limit >> 20} MiB: split it, or save it as CSV")
                file.write(block)
            file.seek(0)
            yield cast("BinaryIO", file)

    def whole(self, limit: int) -> str:
        """Return all of it as one text. Raises ``UnreadableFile`` beyond ``limit`` bytes."""
        blocks, size = [], 0
        for block in self.blocks():
            blocks.append(block)
            size += len(block)
            if size > limit:
                raise UnreadableFile(
                    f"this document is larger than {limit >> 20} MiB, and has to be read as a whole: "
                    "split it, or save it as JSON lines or CSV, which have no limit"
                )
        data = b"".join(blocks)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return "\n".join(decode(line) for line in data.splitlines())


def decode(data: bytes) -> str:
    """Decode bytes as UTF-8, else as Thai (cp874) where they look so, else as Windows-1252, else as Latin-1."""
    for encoding in ("utf-8", "cp874", "cp1252"):
        if encoding == "cp874" and _THAI.search(data) is None:
            continue
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    return data.decode("latin-1")


def unzip_head(head: bytes) -> bytes:
    """Unpack the beginning of a gzip file as far as it goes; other bytes come back unchanged."""
    if not head.startswith(_GZIP):
        return head
    try:
        return bytes(isal_zlib.decompressobj(31).decompress(head, HEAD))
    except _BadDeflate as error:
        raise UnreadableFile("the gzip data is damaged: fetch the file again") from error


def _reads(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _read_head(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Join blocks until they suffice to recognise a file; pipes return little at a time."""
    head = b""
    for block in blocks:
        head += block
        if len(head) >= HEAD:
            break
    return head, blocks


class _Joined(io.RawIOBase):
    """A file for the gzip reader over blocks; ``read_bytes`` counts the packed bytes handed on."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = memoryview(b"")
        self.read_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
            self.read_bytes += len(self._rest)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def unpacked_limit(packed: int) -> int:
    """Return the most bytes that ``packed`` bytes may unpack to, so that reading costs no more than sending."""
    return max(_ALWAYS_UNPACKED, packed * _GROWTH)


def _unpacked(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack gzip block by block, up to ``unpacked_limit``: a bomb costs no memory and little time."""
    joined = _Joined(chain((head,), rest))
    size = 0
    with IGzipFile(fileobj=joined, mode="rb") as packed:  # type: ignore[no-untyped-call]  # isal annotates it not
        while True:
            try:
                block = packed.read(_BLOCK)
            except (EOFError, BadGzipFile, _BadDeflate) as error:
                raise UnreadableFile("the gzip data is cut off or damaged: fetch the file again") from error
            if not block:
                return
            size += len(block)
            if size > unpacked_limit(joined.read_bytes):
                raise UnreadableFile(
                    f"the gzip data unpacks to more than {_GROWTH} times its size, as no list of values does: "
                    "unpack it and look at it"
                )
            yield block


def _wide(head: bytes) -> str | None:
    """Return the UTF-16 or UTF-32 encoding of a text, by its byte order mark or its zero bytes; None for others."""
    for mark, encoding in _WIDE_BOMS.items():
        if head.startswith(mark):
            return encoding
    half = len(head) // 2
    if half < 4:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd * 10 > half * 4 and even * 20 < half:
        return "utf-16-le"
    if even * 10 > half * 4 and odd * 20 < half:
        return "utf-16-be"
    return None


def _as_utf8(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for block in blocks:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()
