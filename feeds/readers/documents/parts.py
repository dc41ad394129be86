"""The parts of a document: tables, text, attached files, and unreadable parts. They pass between two processes."""

from collections.abc import Iterator

import msgspec

# Lengths of frames are written in this many bytes.
_LENGTH = 4


class Table(msgspec.Struct, tag=True, frozen=True):
    """A table: its rows, each with its line or place in the document, and the sheet or page, or its caption."""

    rows: list[tuple[int, list[str]]]
    part: str = ""


class Text(msgspec.Struct, tag=True, frozen=True):
    """Lines of text, the first one with the number ``line``, and the page that they are on."""

    line: int
    lines: list[str]
    part: str = ""


class Attached(msgspec.Struct, tag=True, frozen=True):
    """A file inside a document; ``place`` is its number there."""

    place: int
    name: str
    data: bytes


class UnreadPart(msgspec.Struct, tag=True, frozen=True):
    """A part that cannot be read: its beginning, a reason code and a message; ``part`` is its name, if it has one."""

    place: int
    raw: str
    reason: str
    message: str
    part: str = ""


class Failed(msgspec.Struct, tag=True, frozen=True):
    """The document as a whole cannot be read; the message states the reason and the way out."""

    message: str


Part = Table | Text | Attached | UnreadPart
_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Part | Failed] = msgspec.msgpack.Decoder(Part | Failed)


def frame(part: Part | Failed) -> bytes:
    """Return a part as bytes, with their number before them."""
    body = _ENCODER.encode(part)
    return len(body).to_bytes(_LENGTH) + body


def frames(data: Iterator[bytes]) -> Iterator[Part | Failed]:
    """Yield the parts in a stream of frames; a frame that is cut off is left out."""
    waiting = bytearray()
    for block in data:
        waiting += block
        start = 0
        while len(waiting) - start >= _LENGTH:
            end = start + _LENGTH + int.from_bytes(waiting[start : start + _LENGTH])
            if end > len(waiting):
                break
            yield _DECODER.decode(memoryview(waiting)[start + _LENGTH : end])
            start = end
        del waiting[:start]
