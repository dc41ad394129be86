"""JSON and XML of any size, item by item: memory grows with the largest item, not with the file."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from feeds.errors import UnreadableFile
from feeds.readers.rows import MAX_RAW, Unreadable
from feeds.readers.source import Source, decode

LARGEST_ITEM = 16 << 20

_BLANK = re.compile(r"[ \t\r\n\ufeff]*")
_DECODER = json.JSONDecoder()
# Documents up to this size are decoded at once, larger ones item by item.
_NEAR = 1 << 18
# Length of the longest literal, escape or number that may be truncated at the end of the text read so far.
_MARGIN = 32


class JsonItem(NamedTuple):
    """One item and its number, from 1."""

    number: int
    value: Any


class MalformedLine(NamedTuple):
    """A line of JSON lines that is not JSON."""

    number: int
    raw: str

    def refused(self, item: str) -> Unreadable:
        """Return the line as unreadable; ``item`` is what each line should contain."""
        message = f"the line is not JSON: write one {item} per line"
        return Unreadable.of(self.number, self.raw, "malformed-json", message)


def raw_text(value: object) -> str:
    """Return a value as JSON, or in Python's form if it has none."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return repr(value)


class _Fault(UnreadableFile):
    """The text is not JSON, regardless of the text after it."""


def items(source: Source, lists: frozenset[str], largest: int = LARGEST_ITEM) -> Iterator[JsonItem | MalformedLine]:
    """Yield the items of a document: of its top list, or of its lists under one of the names ``lists``.

    A document without such a list is itself the item. Several documents may follow each other (JSON lines); a malformed
    one then affects only its line. Raises ``UnreadableFile`` if a document is truncated, malformed, or has an item of
    more than ``largest`` characters.
    """
    text, number = _Text(source, largest), 0
    while first := text.peek():
        if number and first == ",":
            text.at += 1
            continue
        try:
            whole = text.whole()
        except _Fault:
            if not number or (raw := text.skip_line()) is None:
                raise
            number += 1
            yield MalformedLine(number, raw)
            continue
        for value in _of_whole(whole[0], lists) if whole else _of_part(text, first, lists):
            number += 1
            yield JsonItem(number, value)


def _of_whole(value: Any, lists: frozenset[str]) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
        return
    members = value.items() if isinstance(value, dict) else ()
    found = [member for name, member in members if name in lists and isinstance(member, list)]
    if found:
        yield from chain.from_iterable(found)
    else:
        yield value


def _of_part(text: "_Text", first: str, lists: frozenset[str]) -> Iterator[Any]:
    """Yield the items of a document of which only a part has been read yet."""
    if first == "[":
        yield from _elements(text)
    elif first == "{":
        yield from _members(text, lists)
    else:
        yield text.value()


def _elements(text: "_Text") -> Iterator[Any]:
    text.at += 1
    while text.peek() != "]":
        yield text.value()
        text.go_on("]")
    text.at += 1


def _members(text: "_Text", lists: frozenset[str]) -> Iterator[Any]:
    text.at += 1
    members: dict[str, Any] = {}
    listed, before = False, text.taken
    while text.peek() != "}":
        name = text.value()
        if not isinstance(name, str) or text.peek() != ":":
            raise text.fault(text.at)
        text.at += 1
        if name in lists and text.peek() == "[":
            listed = True
            yield from _elements(text)
            before = text.taken
            members.clear()
        else:
            members[name] = text.value()
            text.check_size(text.taken - before)
        text.go_on("}")
    text.at += 1
    if not listed:
        yield members


class _Text:
    """The text of a source, partly in memory, and the current position (``at``)."""

    def __init__(self, source: Source, largest: int) -> None:
        self.at = 0
        self._blocks = _texts(source)
        self._held = ""
        self._ended = False
        self._dropped = 0
        self._lines = 1
        self._largest = largest

    @property
    def taken(self) -> int:
        """Return the number of characters before this position."""
        return self._dropped + self.at

    def peek(self) -> str:
        """Skip blanks and return the next character, "" at the end."""
        while True:
            found = _BLANK.match(self._held, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self._held):
                return self._held[self.at]
            if self._ended:
                return ""
            self._more()

    def whole(self) -> tuple[Any] | None:
        """Return the value that begins here, None if it is long."""
        while (found := self._take()) is None and len(self._held) - self.at < _NEAR:
            self._more()
        return found

    def value(self) -> Any:
        """Return the value that begins after blanks, and move behind it."""
        self.peek()
        while (found := self._take()) is None:
            self.check_size(len(self._held) - self.at)
            self._more()
        return found[0]

    def go_on(self, end: str) -> None:
        """Move behind the comma here, which may only be missing before the ``end``."""
        if self.peek() == ",":
            self.at += 1
        elif self.peek() != end:
            raise self.fault(self.at)

    def skip_line(self) -> str | None:
        """Move to the next line and return the beginning of this one, None if there is no next line."""
        end = self._held.find("\n", self.at)
        while end < 0 and not self._ended and len(self._held) - self.at <= self._largest:
            self._more()
            end = self._held.find("\n", self.at)
        if end < 0 and not self._ended:
            return None
        end = len(self._held) if end < 0 else end
        raw = self._held[self.at : min(end, self.at + MAX_RAW)]
        self.at = end
        return raw

    def check_size(self, size: int) -> None:
        """Raise ``UnreadableFile`` if ``size`` exceeds the limit for an item."""
        if size > self._largest:
            raise UnreadableFile(
                f"an item of this document is larger than {self._largest >> 20} MiB: split it, "
                "or save the items as JSON lines"
            )

    def fault(self, place: int) -> UnreadableFile:
        """Return the error for text that is not JSON at ``place``."""
        line = self._lines + self._held.count("\n", 0, place)
        return _Fault(f"this is not a complete JSON document (line {line}, {self._column(place)})")

    def _column(self, place: int) -> str:
        return f"column {place - self._held.rfind(chr(10), 0, place)}" if not self._dropped else "after some items"

    def _take(self) -> tuple[Any] | None:
        try:
            value, end = _DECODER.raw_decode(self._held, self.at)
        except RecursionError:
            raise _Fault("this is not a complete JSON document: its lists are nested too deeply") from None
        except json.JSONDecodeError as error:
            if self._ended or not self._cut_off(error):
                raise self.fault(error.pos) from None
            return None
        except ValueError:
            raise _Fault("this is not a complete JSON document: it has a number of thousands of digits") from None
        if not self._ended and len(self._held) - end < _MARGIN and self._held[end : end + 1] in ("", ".", "e", "E"):
            return None  # the number may continue
        self.at = end
        return (value,)

    def _cut_off(self, error: json.JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._held) - _MARGIN

    def _more(self) -> None:
        """Drop the text before this position, and read as much again as is held, so that items are rarely retried."""
        self._lines += self._held.count("\n", 0, self.at)
        self._dropped += self.at
        parts = [self._held[self.at :]]
        self.at, wanted = 0, len(parts[0])
        for block in self._blocks:
            parts.append(block)
            wanted -= len(block)
            if wanted < 0:
                break
        else:
            self._ended = True
        self._held = "".join(parts)


def _texts(source: Source) -> Iterator[str]:
    """Yield the text block by block; a block that is not UTF-8 is decoded line by line."""
    rest = b""
    for block in source.blocks():
        data = rest + block
        rest = b""
        try:
            yield data.decode()
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data" and error.end == len(data):
                rest = data[error.start :]
                yield data[: error.start].decode()
            else:
                # In files joined from others, each line may have its own encoding.
                yield "".join(map(decode, data.splitlines(keepends=True)))
    if rest:
        yield decode(rest)


LARGEST_PIECE = 8 << 20
_DEEPEST = 200
_BLOCK = 65_536

Found = TypeVar("Found")


class Gatherer(Generic[Found]):
    """Receives the elements of a document in order, and collects pieces in ``found``."""

    def __init__(self) -> None:
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
    """Yield the pieces that ``gatherer`` finds in a document, in order.

    ``encoding`` overrides the encoding declared in the document. Raises ``UnreadableFile``, after the pieces found so
    far, for text that is not XML, defines entities, or has a piece of more than ``LARGEST_PIECE`` bytes.
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
        return UnreadableFile("this XML defines entities or refers to other files: write their content instead")
    line = getattr(error, "position", (0, 0))[0]
    return UnreadableFile(
        f"this is not XML{f' (line {line})' if line else ''}: fetch the file again, it may be truncated"
    )
