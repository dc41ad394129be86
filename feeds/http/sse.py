"""Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) from an open answer."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class TooLarge(Exception):
    """An event is larger than allowed."""


class ServerSentEvent(NamedTuple):
    """One event: its type, its data, and the id of the stream then."""

    type: str
    data: str
    id: str


def read_events(chunks: Iterable[bytes], most: int) -> Iterator[ServerSentEvent]:
    """Yield the events in ``chunks``; an event that is cut off by the end is none.

    Raises ``TooLarge`` for one of more than ``most`` bytes.
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
    """Yield lines without their ends (CR, LF or both); a last line without an end is dropped."""
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
