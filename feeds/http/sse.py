"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), read from an open answer."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class TooLarge(Exception):
    """An event is larger than it may be."""


class ServerSentEvent(NamedTuple):
    """One event: its type, what it says, and the id that the stream had then."""

    type: str
    data: str
    id: str


def read_events(chunks: Iterable[bytes], most: int) -> Iterator[ServerSentEvent]:
    """Give the events in ``chunks`` as they come; one that is cut off by the end is none.

    Raises ``TooLarge`` where one is of more than ``most`` bytes.
    """
    data: list[str] = []
    type_, id_, size = "", "", 0
    for line in _lines(chunks, most):
        size += len(line)
        if size > most:
            raise TooLarge
        if not line:
            if data or type_:
                yield ServerSentEvent(type_ or "message", "\n".join(data), id_)
            type_, data, size = "", [], 0
            continue
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            type_ = value
        elif name == "id" and "\0" not in value:
            id_ = value


def _lines(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Give lines without their ends, which may be CR, LF or both; the last is none unless it ends."""
    rest, first = bytearray(), True
    after_cr = False
    for chunk in chunks:
        if after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        after_cr = chunk.endswith(b"\r") if chunk else after_cr
        rest += chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if len(rest) > most and b"\n" not in rest:
            raise TooLarge
        *whole, last = bytes(rest).split(b"\n")
        rest = bytearray(last)
        for line in whole:
            yield line.removeprefix(b"\xef\xbb\xbf") if first else line
            first = False
