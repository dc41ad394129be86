"""Envelopes: the objects of a body, each as the bytes it came in, and pages of stored bytes."""

import json
import re
from collections.abc import Sequence

import msgspec

from server.taxii.errors import TaxiiError

_value = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
_SPACE = re.compile(r"[ \t\r\n]*")


class _Envelope(msgspec.Struct):
    objects: msgspec.Raw = msgspec.Raw(b"[]")


_envelopes = msgspec.json.Decoder(_Envelope)
_lists = msgspec.json.Decoder(list[msgspec.Raw])


def split(body: bytes) -> list[bytes]:
    """Take an envelope apart without touching its objects.

    One object that is not quite JSON (NaN) is still its own bytes, to be refused alone. Raises ``TaxiiError`` 400 for
    what is no JSON object at all, and 422 for one whose ``objects`` is not a list of at least one (TAXII 2.1 §2).
    """
    try:
        objects = [bytes(raw) for raw in _lists.decode(_envelopes.decode(body).objects)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        objects = _split_carefully(body)
    if not objects:
        raise TaxiiError(422, "The envelope has no objects; an empty list stands for nothing in TAXII.")
    return objects


def join(bodies: Sequence[bytes], token: str | None) -> bytes:
    """Make an envelope of stored bytes; the last one has no ``next``, and one without objects is empty."""
    if not bodies:
        return b"{}"
    more = b'"more":false' if token is None else b'"more":true,"next":"' + token.encode() + b'"'
    # A page is copied once: what goes round the objects goes on the first and the last of them.
    first = b"{" + more + b',"objects":[' + bodies[0]
    if len(bodies) == 1:
        return first + b"]}"
    return b",".join([first, *bodies[1:-1], bodies[-1] + b"]}"])


def _split_carefully(body: bytes) -> list[bytes]:
    try:
        text = body.decode()
        return _members(text)
    except UnicodeDecodeError as error:
        raise TaxiiError(400, "The body is not UTF-8.") from error
    except RecursionError as error:
        raise TaxiiError(400, "The body is nested too deeply.") from error
    except (ValueError, IndexError) as error:
        raise TaxiiError(400, "The body is not a JSON object.") from error


def _members(text: str) -> list[bytes]:
    """Find the elements of ``objects`` in a JSON object, with the standard library's scanner for the values."""
    objects: list[bytes] = []
    at = _after(text, _skip(text, 0), "{")
    if text[at] == "}":
        return _end(text, at + 1, objects)
    while True:
        if text[at] != '"':
            raise ValueError("no name")
        key, at = _value(text, at)
        at = _after(text, _skip(text, at), ":")
        if key == "objects":
            objects, at = _elements(text, at)
        else:
            _, at = _value(text, at)
        at = _skip(text, at)
        if text[at] == "}":
            return _end(text, at + 1, objects)
        at = _after(text, at, ",")


def _elements(text: str, at: int) -> tuple[list[bytes], int]:
    if text[at] != "[":
        _value(text, at)
        raise TaxiiError(422, "The objects of an envelope are a list.")
    found: list[bytes] = []
    at = _skip(text, at + 1)
    if text[at] == "]":
        return found, at + 1
    while True:
        _, end = _value(text, at)
        found.append(text[at:end].encode())
        at = _skip(text, end)
        if text[at] == "]":
            return found, at + 1
        at = _after(text, at, ",")


def _end(text: str, at: int, objects: list[bytes]) -> list[bytes]:
    if _skip(text, at) != len(text):
        raise ValueError("something follows the object")
    return objects


def _after(text: str, at: int, mark: str) -> int:
    if text[at] != mark:
        raise ValueError(f"no {mark}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
