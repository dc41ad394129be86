"""The envelope of a POST: a scanner that splits JSON without parsing it, and the objects of the body one by one."""

import codecs
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import IO

import msgspec

from server.web.taxii.errors import TaxiiError

# Bytes read at once, and the longest object that is kept.
_WINDOW = 1024 * 1024
LARGEST_OBJECT = 4 * 1024 * 1024
# Limit on brackets in all objects together, against senseless nesting.
_MOST_BRACKETS = 2_000_000

_BLANK = re.compile(rb"[ \t\r\n]*+")
# Up to the next bracket, or to a string that continues after the window.
_FLAT = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_TEXT = re.compile(rb"(?:[^\"\\]++|\\.)*+", re.DOTALL)
_SCALAR = re.compile(rb"[^ \t\r\n,:\"\[\]{}]*+")
_QUOTE, _OPENING = ord('"'), frozenset(b"[{")

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}(?P<second>\\u[dD][c-fC-F][0-9a-fA-F]{2})?|(?P<alone>u[dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def has_lone_surrogate(text: bytes) -> bool:
    r"""Return whether JSON text escapes half of a character (``\ud83d`` without its other half), which is invalid."""
    # Most texts have no escape at all, which is checked fast.
    if b"\\" not in text or (b"\\ud" not in text and b"\\uD" not in text):
        return False
    for escape in _ESCAPE.finditer(text):
        if escape["alone"] or (escape[0][1:2] == b"u" and len(escape[0]) == 6 and escape["second"] is None):
            return True
    return False


class Scanner:
    """The objects of an envelope in order, each as bytes, from a stream of the body.

    Empty bytes represent an object longer than ``LARGEST_OBJECT``. Objects are separated, not checked: the text between
    the brackets may still be invalid JSON. Raises ``TaxiiError`` 400 for a body that is not a JSON object, 413 for more
    than ``most`` objects, 422 for one without a list of objects.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        """Read ``stream`` from its current position."""
        self._stream = stream
        self._most = most
        self._buffer = b""
        self._at = 0
        # Start of the part of the buffer that must be kept.
        self._kept = 0
        self._brackets = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")()

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the objects."""
        self._step("{")
        found = False
        mark = self._peek()
        while mark != "}":
            if mark != '"':
                raise TaxiiError("not-an-object")
            name = self._name()
            self._step(":")
            if name == "objects":
                if found:
                    raise TaxiiError("two-lists")
                found = True
                yield from self._objects()
            else:
                self._checked()
            mark = self._peek()
            if mark == ",":
                self._at += 1
                if self._peek() == "}":
                    raise TaxiiError("not-an-object")
                mark = self._peek()
            elif mark != "}":
                raise TaxiiError("not-an-object")
        self._at += 1
        if self._peek():
            raise TaxiiError("not-an-object")

    def _objects(self) -> Iterator[bytes]:
        if self._peek() != "[":
            self._checked()
            raise TaxiiError("not-a-list")
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        count = 0
        while True:
            count += 1
            if count > self._most:
                raise TaxiiError("too-many-objects", most=self._most)
            yield self._value()
            mark = self._peek()
            if mark not in (",", "]"):
                raise TaxiiError("not-an-object")
            self._at += 1
            if mark == "]":
                return

    def _name(self) -> str:
        name = self._checked()
        if not isinstance(name, str):
            raise TaxiiError("not-an-object")
        return name

    def _checked(self) -> object:
        """Read another value than the objects, which must be JSON too."""
        raw = self._value()
        if has_lone_surrogate(raw):
            raise TaxiiError("lone-surrogate")
        try:
            return json.loads(raw, parse_int=str, parse_float=str, parse_constant=_refuse)
        except RecursionError as error:
            raise TaxiiError("too-deep") from error
        except ValueError as error:
            raise TaxiiError("not-an-object") from error

    def _value(self) -> bytes:
        """Skip a value of any sort and return its bytes, empty if there are too many to keep."""
        mark = self._peek()
        self._kept = self._at
        if mark == '"':
            self._at += 1
            self._string()
        elif mark in ("[", "{"):
            self._nested()
        else:
            self._scalar()
        raw = b"" if self._lost() or self._at - self._kept > LARGEST_OBJECT else self._buffer[self._kept : self._at]
        self._kept = self._at
        return raw

    def _scalar(self) -> None:
        while True:
            self._at = self._end_of(_SCALAR)
            if self._at < len(self._buffer) or not self._more():
                break
        if self._at == self._kept:
            raise TaxiiError("not-an-object")

    def _nested(self) -> None:
        depth = 0
        while True:
            self._at = self._end_of(_FLAT)
            if self._at == len(self._buffer):
                if not self._more():
                    raise TaxiiError("not-an-object")
                continue
            mark = self._buffer[self._at]
            self._at += 1
            if mark == _QUOTE:
                self._string()
                continue
            self._brackets += 1
            depth += 1 if mark in _OPENING else -1
            if depth == 0:
                return
            if self._brackets > _MOST_BRACKETS:
                raise TaxiiError("too-many-brackets")

    def _string(self) -> None:
        while True:
            self._at = self._end_of(_TEXT)
            if self._at < len(self._buffer) and self._buffer[self._at] == _QUOTE:
                self._at += 1
                return
            if not self._more():
                raise TaxiiError("not-an-object")

    def _end_of(self, pattern: re.Pattern[bytes]) -> int:
        match = pattern.match(self._buffer, self._at)
        return self._at if match is None else match.end()

    def _lost(self) -> bool:
        """Return whether the beginning of the value is no longer in the buffer."""
        return self._kept < 0

    def _peek(self) -> str:
        """Skip white space and return the next character, empty at the end."""
        self._kept = self._at
        while True:
            self._at = self._kept = self._end_of(_BLANK)
            if self._at < len(self._buffer):
                return chr(self._buffer[self._at])
            if not self._more():
                return ""

    def _step(self, mark: str) -> None:
        if self._peek() != mark:
            raise TaxiiError("not-an-object")
        self._at += 1

    def _more(self) -> bool:
        """Read on, and drop the bytes that are no longer needed."""
        new = self._stream.read(_WINDOW)
        try:
            self._utf8.decode(new, final=not new)
        except UnicodeDecodeError as error:
            raise TaxiiError("not-utf-8") from error
        if not new:
            return False
        if not self._lost() and self._at - self._kept > LARGEST_OBJECT:
            self._kept = -1
        start = self._at if self._lost() else self._kept
        self._buffer = self._buffer[start:] + new
        self._at -= start
        if not self._lost():
            self._kept = 0
        return True


def _refuse(_name: str) -> None:
    raise ValueError("no number")


# A body up to the first size needs no turn. Up to the second it is read at once, because reading it in pieces takes
# twice as long.
SHORT, READ_AT_ONCE = 4 * 1024 * 1024, 8 * 1024 * 1024
# Each list element takes some hundred bytes when read at once, even a short one.
_MOST_COMMAS = 200_000
# An escaped letter of the list's name, which only senders with something to hide use.
_SPELLED_LETTER = re.compile(rb"\\u00(?:6[2356fFaA]|7[34])")


class _Envelope(msgspec.Struct):
    objects: msgspec.Raw = msgspec.Raw(b"[]")


_envelopes = msgspec.json.Decoder(_Envelope)
_lists = msgspec.json.Decoder(list[msgspec.Raw])


class Envelope:
    """The objects of one body, counted before any of them is checked.

    A long body stays in its file and is read each time its objects are needed. An empty object represents one that is
    too long to be read. Raises ``TaxiiError`` as ``split`` does.
    """

    def __init__(self, body: IO[bytes], length: int, most: int) -> None:
        """Read ``length`` bytes of ``body``, with at most ``most`` objects. Keep ``body`` open while this is used."""
        self._body = body
        self._most = most
        self._all = split(body.read(), most) if length <= READ_AT_ONCE else None
        self.count = len(self._all) if self._all is not None else self._counted()

    @property
    def is_short(self) -> bool:
        """True if all objects are in memory."""
        return self._all is not None

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the objects, from the first one."""
        if self._all is not None:
            return iter(self._all)
        self._body.seek(0)
        return iter(Scanner(self._body, self._most))

    def _counted(self) -> int:
        count = sum(1 for _ in self)
        if not count:
            raise TaxiiError("no-objects")
        return count


def split(body: bytes, most: int) -> list[bytes]:
    """Return the objects of an envelope, at most ``most``, each as bytes.

    An object that is nested too deeply is still returned, to be rejected alone. Raises ``TaxiiError`` 400 for text that
    is not JSON in UTF-8, including NaN and lone surrogates. Raises 413 for too many objects. Raises 422 for a JSON
    object whose ``objects`` is not a list with at least one element (TAXII 2.1 §2).
    """
    if body.count(b",") > _MOST_COMMAS or (len(body) > SHORT and _may_have_two_lists(body)):
        return _scan(body, most)
    try:
        if not body.isascii():
            body.decode()
        objects = [bytes(raw) for raw in _lists.decode(_envelopes.decode(body).objects)]
    except UnicodeDecodeError as error:
        raise TaxiiError("not-utf-8") from error
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _scan(body, most)
    if has_lone_surrogate(body):
        raise TaxiiError("lone-surrogate")
    if len(objects) > most:
        raise TaxiiError("too-many-objects", most=most)
    if not objects:
        raise TaxiiError("no-objects")
    return objects


def join(bodies: Sequence[bytes], token: str | None) -> bytes:
    """Return an envelope of stored objects. The last page has no ``next``; one without objects is empty."""
    if not bodies:
        return b"{}"
    more = b'"more":false' if token is None else b'"more":true,"next":"' + token.encode() + b'"'
    # To copy a page only once, the surrounding text is added to the first and the last object.
    first = b"{" + more + b',"objects":[' + bodies[0]
    if len(bodies) == 1:
        return first + b"]}"
    return b",".join([first, *bodies[1:-1], bodies[-1] + b"]}"])


def _may_have_two_lists(body: bytes) -> bool:
    return body.count(b'"objects"') > 1 or _SPELLED_LETTER.search(body) is not None


def _scan(body: bytes, most: int) -> list[bytes]:
    """Return the objects of an envelope that is deeply nested, long, or invalid."""
    objects = list(Scanner(io.BytesIO(body), most))
    if has_lone_surrogate(body):
        raise TaxiiError("lone-surrogate")
    if not objects:
        raise TaxiiError("no-objects")
    return objects
