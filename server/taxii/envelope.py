"""Envelopes: the objects of a body, each as the bytes it came in, and pages of stored bytes."""

import io
from collections.abc import Iterator, Sequence
from typing import IO

import msgspec

from server.taxii.errors import TaxiiError
from server.taxii.scanner import Scanner, half_a_character, has_lone_surrogate, not_json, too_many

# A body up to here is read at once.
SHORT = 4 * 1024 * 1024
# Each element of a list that is read at once takes some hundred bytes, however short it is.
_MOST_COMMAS = 200_000


class _Envelope(msgspec.Struct):
    objects: msgspec.Raw = msgspec.Raw(b"[]")


_envelopes = msgspec.json.Decoder(_Envelope)
_lists = msgspec.json.Decoder(list[msgspec.Raw])


class Envelope:
    """The objects of one body, counted before any of them is looked at.

    A long body stays in its file and is gone through as often as its objects are asked for. An empty object stands for
    one that is too long to be read. Raises ``TaxiiError`` as ``split`` does.
    """

    def __init__(self, body: IO[bytes], length: int, most: int) -> None:
        """Read ``body``, ``length`` bytes, with at most so many objects; it stays open as long as this is used."""
        self._body = body
        self._most = most
        self._all = split(body.read(), most) if length <= SHORT else None
        self.count = len(self._all) if self._all is not None else self._counted()

    @property
    def is_short(self) -> bool:
        """Tell whether all objects are in memory."""
        return self._all is not None

    def __iter__(self) -> Iterator[bytes]:
        """Go through the objects, from the first one."""
        if self._all is not None:
            return iter(self._all)
        self._body.seek(0)
        return iter(Scanner(self._body, self._most))

    def _counted(self) -> int:
        count = sum(1 for _ in self)
        if not count:
            raise _empty()
        return count


def split(body: bytes, most: int) -> list[bytes]:
    """Take an envelope apart without touching its objects, of which there are at most so many.

    An object that is nested too deeply is still its own bytes, to be refused alone. Raises ``TaxiiError`` 400 for what
    is no JSON in UTF-8, NaN and halves of characters included, 413 for too many objects, and 422 for a JSON object
    whose ``objects`` is not a list of at least one (TAXII 2.1 §2).
    """
    if body.count(b",") > _MOST_COMMAS:
        return _scan(body, most)
    try:
        if not body.isascii():
            body.decode()
        objects = [bytes(raw) for raw in _lists.decode(_envelopes.decode(body).objects)]
    except UnicodeDecodeError as error:
        raise not_json("The body is not UTF-8.") from error
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _scan(body, most)
    if has_lone_surrogate(body):
        raise half_a_character()
    if len(objects) > most:
        raise too_many(most)
    if not objects:
        raise _empty()
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


def _scan(body: bytes, most: int) -> list[bytes]:
    """Take an envelope apart where the quick way fails: it is nested deeply, long, or no envelope."""
    objects = list(Scanner(io.BytesIO(body), most))
    if has_lone_surrogate(body):
        raise half_a_character()
    if not objects:
        raise _empty()
    return objects


def _empty() -> TaxiiError:
    return TaxiiError(422, "The envelope has no objects; an empty list stands for nothing in TAXII.")
