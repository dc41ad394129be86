"""Lines of a text file, with any line ends and encoding, in memory that does not grow with the file."""

from collections.abc import Iterator

from feeds.readers.rows import MAX_LINE, MAX_RAW, Unreadable
from feeds.readers.source import Source, decode

_SKIPPED = (
    "line-too-long",
    f"the line is longer than {MAX_LINE} characters; if this is a document, name its format (--format)",
)

_NUL = ("nul-byte", "the line has NUL bytes: it is damaged, or not text")


def line_runs(source: Source) -> Iterator[tuple[int, list[str]] | Unreadable]:
    """Yield runs of lines without their ends, each with the number of its first line (from 1), and unreadable lines.

    Lines end in LF, CRLF or CR. Lines that are too long or hold NUL bytes are unreadable.
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
            # The break stays, so that the dropped line keeps its number.
            data, dropped = data[end:], b""
        end = _last_break(data)
        rest = data[end:]
        if end:
            for run in _runs(number, data[:end]):
                yield run
                number = run.line + 1 if isinstance(run, Unreadable) else run[0] + len(run[1])
        # Bytes, of which a character of a known encoding has four at most.
        if len(rest) > 4 * MAX_LINE:
            dropped, rest = rest[:MAX_RAW], b""
    if dropped:
        yield Unreadable(number, decode(dropped), *_SKIPPED)
    elif rest:
        yield from _runs(number, rest)


def numbered_lines(source: Source) -> Iterator[tuple[int, str] | Unreadable]:
    """Yield each line with its number, as ``line_runs`` does."""
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


def _split(data: bytes) -> list[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # A file joined from others may change its encoding with each line.
        return [decode(line) for line in data.splitlines()]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _runs(number: int, data: bytes) -> Iterator[tuple[int, list[str]] | Unreadable]:
    """Cut the lines of ``data`` into runs of readable ones, and single unreadable ones."""
    lines = _split(data)
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
