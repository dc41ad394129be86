"""Sources: the bytes of a file from any stream, its beginning known, unpacked, in UTF-8 or an 8-bit encoding."""

import codecs
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import PurePath
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, Self, cast
from unicodedata import category, normalize

from isal import isal_zlib
from isal.igzip import BadGzipFile, IGzipFile

from feeds.errors import UnreadableFile
from feeds.readers.rows import MAX_LINE, MAX_RAW, FileRow, Unreadable

HEAD = 65_536
UTF_8 = "utf-8"
# Yields the rows of a file inside a document, by its content and its name. Raises ``UnreadableFile``.
ReadInside = Callable[[BinaryIO, str], Iterable[FileRow]]
_BLOCK = 262_144
# Lists and tables of values compress to a fifth of their size, at best to a thirtieth.
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
# Unicode's categories of characters that no text has: controls, surrogates, private and unassigned ones.
_NO_TEXT = frozenset(("Cc", "Cs", "Co", "Cn"))
# Binary files that a format can read.
_PACKED = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: set its format (--format excel), or unpack it",
    b"PAR1": "a Parquet file: set its format (--format parquet)",
    b"%PDF": "a PDF document: set its format (--format pdf)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook or a message of Outlook: set its format (--format workbook, outlook)",
}
_BINARIES = {
    b"SQLite format 3": "a SQLite database: save its table as CSV",
    b"BZh": "compressed with bzip2: unpack it, or use gzip",
    b"\xfd7zXZ": "compressed with xz: unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: unpack it, or use gzip",
    _GZIP: "compressed twice: unpack it once",
}
# isal's stubs take this class for one of its instances.
_BadDeflate = cast("type[Exception]", isal_zlib.error)
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
# Three letters of the Thai half of TIS-620 in a row; Western texts hardly ever have three accented letters in a row.
_THAI = re.compile(rb"[\xa1-\xda\xdf-\xfb]{3}")
# Vietnamese in Windows-1258: a vowel of its own and a tone beside an ASCII letter. It never has four such letters in a
# row, and other Latin texts have no such pair.
_TONED = rb"[\xc2\xca\xd4\xc3\xd5\xdd\xe2\xea\xf4\xe3\xf5\xfd][\xcc\xd2\xde\xec\xf2]"
_VIETNAMESE = re.compile(rb"[A-Za-z]%b|%b[A-Za-z]" % (_TONED, _TONED))
_LONG_THAI = re.compile(rb"[\xa1-\xda\xdf-\xfb]{4}")


class Source:
    """A stream that is read once, from its beginning; it need not support seeking.

    ``head`` is its beginning. Gzip is recognised and unpacked. UTF-16 and UTF-32 become UTF-8, so that a line break is
    one byte; a byte order mark is dropped. Memory does not grow with the stream. Excel and Parquet files are not text:
    only ``raw`` and ``spooled`` return their bytes, unchanged. ``guessed`` counts the lines so far that are not in
    UTF-8, by the guessed encoding.
    """

    def __init__(
        self,
        stream: BinaryIO,
        kind: str | None = None,
        name: str = "",
        inside: ReadInside | None = None,
        country: str = "",
    ) -> None:
        """Read the beginning of ``stream``; ``kind`` is the kind of values without one, ``name`` the file's name.

        ``inside`` reads the files that a document contains. ``country`` is the country of values without one. Raises
        ``UnreadableFile`` for files that are neither text nor a format's binary.
        """
        self.kind, self.name, self.inside, self.country = kind, name, inside, country
        self.guessed = Counter[str]()
        head, rest = _read_head(_reads(stream))
        if head.startswith(_GZIP):
            head, rest = _read_head(_unpacked(head, rest))
        for magic, file_type in _BINARIES.items():
            if head.startswith(magic):
                raise UnreadableFile(f"this is not text but {file_type}")
        self._rest = rest
        self._packed = next((file_type for magic, file_type in _PACKED.items() if head.startswith(magic)), None)
        if self._packed:
            self.head = head
            return
        if encoding := _wide(head):
            head, rest = _read_head(_as_utf8(chain((head,), rest), encoding))
        if len(_CONTROLS.findall(head)) * 5 > len(head):
            raise UnreadableFile("this is not text in a known encoding: save it as UTF-8")
        self.head = head.removeprefix(_BOM)
        self._rest = rest

    @property
    def title(self) -> str:
        """Return the file's name without folder and endings; it may name the owner of the values."""
        return PurePath(self.name).name.partition(".")[0]

    @classmethod
    def of(cls, text: str, name: str = "") -> Self:
        """Return a source of lines that were read from another source, with its name."""
        source = cls.__new__(cls)
        source.head, source._rest, source._packed = text.encode(), iter(()), None
        source.kind, source.name, source.inside, source.country = None, name, None, ""
        source.guessed = Counter()
        return source

    def blocks(self) -> Iterator[bytes]:
        """Yield all bytes of a text, block by block; once. Raises ``UnreadableFile`` for binary files."""
        if self._packed:
            raise UnreadableFile(f"this is not text but {self._packed}")
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
            return "\n".join(map(self.decoded, data.splitlines()))

    def decoded(self, line: bytes) -> str:
        """Decode a line, and count its encoding if that had to be guessed."""
        text, encoding = _decoded(line)
        if encoding != UTF_8:
            self.guessed[encoding] += 1
        return text


def decode(data: bytes) -> str:
    """Decode bytes as UTF-8, else as Vietnamese (cp1258) or Thai (cp874) if they look so, else as Windows-1252.

    Other bytes are decoded as Latin-1.
    """
    return _decoded(data)[0]


def _decoded(data: bytes) -> tuple[str, str]:
    """Return the text of some bytes, as ``decode`` does, and the encoding."""
    with suppress(UnicodeDecodeError):
        return data.decode(), UTF_8
    if _VIETNAMESE.search(data) and not _LONG_THAI.search(data):
        with suppress(UnicodeDecodeError):
            return normalize("NFC", data.decode("cp1258")), "cp1258"
    if _THAI.search(data):
        with suppress(UnicodeDecodeError):
            return data.decode("cp874"), "cp874"
    with suppress(UnicodeDecodeError):
        return data.decode("cp1252"), "cp1252"
    return data.decode("latin-1"), "latin-1"


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


class _BlockFile(io.RawIOBase):
    """A file over blocks of bytes, read once; ``read_bytes`` counts the bytes of the blocks so far."""

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


def with_head(head: bytes, stream: BinaryIO) -> BinaryIO:
    """Return a stream whose ``head`` has been read already, from its beginning."""
    return io.BufferedReader(_BlockFile(chain((head,), _reads(stream))), _BLOCK)


def unpacked_limit(packed: int) -> int:
    """Return the most bytes that ``packed`` bytes may unpack to, so that reading is as cheap as sending."""
    return max(_ALWAYS_UNPACKED, packed * _GROWTH)


def _unpacked(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack gzip block by block, up to ``unpacked_limit``: a bomb costs no memory and little time."""
    joined = _BlockFile(chain((head,), rest))
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
    zeros = {"utf-16-be": head[0::2].count(0), "utf-16-le": head[1::2].count(0)}
    fewer, more = sorted(zeros, key=zeros.__getitem__)
    # Blanks, digits and ends of lines have zeros in texts of every script, always in the same half of their bytes.
    if half < 4 or zeros[more] * 20 < half or zeros[fewer] * 20 > zeros[more]:
        return None
    # Text of 8 bits in pairs: in 16 bits, at most some Chinese characters look so.
    narrow = sum(
        _is_printable(first) and _is_printable(second) for first, second in zip(head[0::2], head[1::2], strict=False)
    )
    text = head[: half * 2].decode(more, "replace")
    if narrow * 2 > half:
        return None
    return more if sum(map(_is_no_text, text)) * 100 <= half else None


def _is_printable(byte: int) -> bool:
    return 0x20 <= byte < 0x7F


def _is_no_text(char: str) -> bool:
    return (category(char) in _NO_TEXT and char not in "\t\r\n") or char == "\ufffd"


def _as_utf8(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for block in blocks:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()


_SKIPPED = (
    "line-too-long",
    f"the line is longer than {MAX_LINE} characters; if this is a document, set its format (--format)",
)

_NUL = ("nul-byte", "the line has NUL bytes: it is damaged, or not text")


def line_runs(source: Source) -> Iterator[tuple[int, list[str]] | Unreadable]:
    """Yield runs of lines without their ends, each with the number of its first line (from 1), and unreadable lines.

    Lines end in LF, CRLF or CR. Lines that are too long or contain NUL bytes are unreadable.
    """
    number, rest, dropped = 1, b"", b""
    for block in source.blocks():
        data = rest + block
        if dropped:
            end = _first_break(data)
            if end < 0:
                rest = b""
                continue
            yield Unreadable(number, decode(dropped), *_SKIPPED)
            # The line break stays, so that the dropped line keeps its number.
            data, dropped = data[end:], b""
        end = _last_break(data)
        rest = data[end:]
        if end:
            for run in _runs(number, data[:end], source):
                yield run
                number = run.line + 1 if isinstance(run, Unreadable) else run[0] + len(run[1])
        # In bytes: a character of a known encoding has at most four.
        if len(rest) > 4 * MAX_LINE:
            dropped, rest = rest[:MAX_RAW], b""
    if dropped:
        yield Unreadable(number, decode(dropped), *_SKIPPED)
    elif rest:
        yield from _runs(number, rest, source)


def numbered_lines(source: Source) -> Iterator[tuple[int, str] | Unreadable]:
    """Yield each line with its number, like ``line_runs``."""
    for run in line_runs(source):
        if isinstance(run, Unreadable):
            yield run
        else:
            yield from enumerate(run[1], run[0])


def _first_break(data: bytes) -> int:
    found = [place for place in (data.find(b"\n"), data.find(b"\r")) if place >= 0]
    return min(found, default=-1)


def _last_break(data: bytes) -> int:
    """Return the position after the last complete line break: a CR at the end may lack its LF."""
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, max(len(data) - 1, 0))) + 1


def _split(data: bytes, source: Source) -> list[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # A file joined from others may change its encoding with each line.
        return [source.decoded(line) for line in data.splitlines()]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _runs(number: int, data: bytes, source: Source) -> Iterator[tuple[int, list[str]] | Unreadable]:
    """Cut the lines of ``data`` into runs of readable ones, and single unreadable ones."""
    lines = _split(data, source)
    if b"\0" not in data and max(map(len, lines), default=0) <= MAX_LINE:
        yield number, lines
        return
    start = 0
    for place, line in enumerate(lines):
        fault = _SKIPPED if len(line) > MAX_LINE else _NUL if "\0" in line else None
        if fault:
            if start < place:
                yield number + start, lines[start:place]
            yield Unreadable.of(number + place, line.replace("\0", "�"), *fault)
            start = place + 1
    if start < len(lines):
        yield number + start, lines[start:]
