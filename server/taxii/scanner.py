"""A scanner for long envelopes, which keeps no more than one of their objects in memory."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO

from server.taxii.errors import TaxiiError

# What is read at once, and the longest object that is kept whole.
_WINDOW = 1024 * 1024
LARGEST_OBJECT = 4 * 1024 * 1024
# Brackets in all objects together; what has more is nesting for its own sake.
_MOST_BRACKETS = 2_000_000

_BLANK = re.compile(rb"[ \t\r\n]*+")
# Up to the next bracket, or to a string that goes on behind the window.
_FLAT = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_TEXT = re.compile(rb"(?:[^\"\\]++|\\.)*+", re.DOTALL)
_SCALAR = re.compile(rb"[^ \t\r\n,:\"\[\]{}]*+")
_QUOTE, _OPENING = ord('"'), frozenset(b"[{")

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}(?P<second>\\u[dD][c-fC-F][0-9a-fA-F]{2})?|(?P<alone>u[dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def has_lone_surrogate(text: bytes) -> bool:
    r"""Return whether JSON text escapes half of a character (``\ud83d`` without its other half), which is no text."""
    # Most texts have no escape at all, which is quickly seen.
    if b"\\" not in text or (b"\\ud" not in text and b"\\uD" not in text):
        return False
    for escape in _ESCAPE.finditer(text):
        if escape["alone"] or (escape[0][1:2] == b"u" and len(escape[0]) == 6 and escape["second"] is None):
            return True
    return False


class Scanner:
    """The objects of an envelope, one after the other, each as its bytes, from a stream of the body.

    Empty bytes stand for an object longer than ``LARGEST_OBJECT``. Objects are separated, not checked: between the
    brackets of one there may still be no JSON. Raises ``TaxiiError`` 400 for a body that is no JSON object, 413 for
    more than ``most`` objects, 422 for one without a list of objects.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        """Read ``stream`` from where it is."""
        self._stream = stream
        self._most = most
        self._buffer = b""
        self._at = 0
        # Where what has to be kept of the buffer begins.
        self._kept = 0
        self._brackets = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")()

    def __iter__(self) -> Iterator[bytes]:
        """Go through the objects."""
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
        """Read a value beside the objects, which has to be JSON too."""
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
        """Step over a value of any sort and return its bytes, empty where they are too many to be kept."""
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
        """Return whether the beginning of the value is not kept any more."""
        return self._kept < 0

    def _peek(self) -> str:
        """Step over white space and return the mark behind it, empty at the end."""
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
        """Read on, and drop what need not be kept."""
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
