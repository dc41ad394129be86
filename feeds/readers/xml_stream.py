"""XML of any size, piece by piece, without entities: memory grows with the largest piece, not with the file."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from feeds.errors import UnreadableFile

LARGEST_PIECE = 8 << 20
_DEEPEST = 200
_BLOCK = 65_536

Found = TypeVar("Found")


class Gatherer(Generic[Found]):
    """Receives the elements of a document in their order, and collects pieces in ``found``."""

    def __init__(self) -> None:
        """Start with nothing found."""
        self.found: list[Found] = []
        self.depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Receive the beginning of an element from the parser."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UnreadableFile("this XML is nested too deeply")
        self.begin(local(tag), attributes)

    def end(self, tag: str) -> None:
        """Receive the end of an element from the parser."""
        self.depth -= 1
        self.finish(local(tag))

    def data(self, text: str) -> None:
        """Receive text within the element."""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Receive the beginning of an element, by its name without its namespace."""

    def finish(self, name: str) -> None:
        """Receive the end of an element, by its name without its namespace."""

    def close(self) -> None:
        """Receive the end of the document."""


def local(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition("}")[2]


def pieces(blocks: Iterable[bytes], gatherer: Gatherer[Found], encoding: str | None = None) -> Iterator[Found]:
    """Yield the pieces that ``gatherer`` finds in a document, in their order.

    ``encoding`` goes before the encoding that the document declares. Raises ``UnreadableFile``, after the pieces found
    so far, for text that is no XML, defines entities, or has a piece of more than ``LARGEST_PIECE`` bytes.
    """
    parser = DefusedXMLParser(target=gatherer, encoding=encoding)
    size, fault = 0, None
    for block in _small(blocks):
        try:
            parser.feed(block) if block else parser.close()
        except (ParseError, DefusedXmlException, UnreadableFile, ValueError, LookupError) as error:
            fault = error
        if gatherer.found:
            yield from gatherer.found
            gatherer.found.clear()
            size = 0
        size += len(block)
        if fault:
            raise _unreadable(fault) from None
        if size > LARGEST_PIECE:
            raise UnreadableFile(f"a single item is larger than {LARGEST_PIECE >> 20} MiB: split the file")


def _small(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut blocks into small ones; the last one is empty."""
    for block in blocks:
        for start in range(0, len(block), _BLOCK):
            yield block[start : start + _BLOCK]
    yield b""


def _unreadable(error: Exception) -> UnreadableFile:
    if isinstance(error, UnreadableFile):
        return error
    if isinstance(error, DefusedXmlException):
        return UnreadableFile("this XML defines entities or refers to other files: write out what they stand for")
    line = getattr(error, "position", (0, 0))[0]
    return UnreadableFile(f"this is no XML{f' (line {line})' if line else ''}: fetch the file again, it may be cut off")
