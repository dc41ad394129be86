"""Envelopes: the objects of a body as their bytes, and pages of stored objects."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import IO

import msgspec

from server.taxii.errors import TaxiiError
from server.taxii.scanner import Scanner, has_lone_surrogate

# A body up to here takes no turn; one up to the other is read at once, as going through it piece by piece takes twice
# as long.
SHORT, READ_AT_ONCE = 4 * 1024 * 1024, 8 * 1024 * 1024
# Each element of a list that is read at once takes some hundred bytes, however short it is.
_MOST_COMMAS = 200_000
# A letter of the name of the list as an escape, which nobody writes who does not hide it.
_SPELLED_LETTER = re.compile(rb"\\u00(?:6[2356fFaA]|7[34])")


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
    """Return the objects of an envelope, at most ``most``, each as its bytes.

    An object that is nested too deeply is still its own bytes, to be refused alone. Raises ``TaxiiError`` 400 for what
    is no JSON in UTF-8, NaN and halves of characters included, 413 for too many objects, and 422 for a JSON object
    whose ``objects`` is not a list of at least one (TAXII 2.1 §2).
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
    """Return an envelope of stored objects; the last one has no ``next``, and one without objects is empty."""
    if not bodies:
        return b"{}"
    more = b'"more":false' if token is None else b'"more":true,"next":"' + token.encode() + b'"'
    # A page is copied once: what goes round the objects goes on the first and the last of them.
    first = b"{" + more + b',"objects":[' + bodies[0]
    if len(bodies) == 1:
        return first + b"]}"
    return b",".join([first, *bodies[1:-1], bodies[-1] + b"]}"])


def _may_have_two_lists(body: bytes) -> bool:
    return body.count(b'"objects"') > 1 or _SPELLED_LETTER.search(body) is not None


def _scan(body: bytes, most: int) -> list[bytes]:
    """Return the objects of an envelope that is nested deeply, long, or no envelope."""
    objects = list(Scanner(io.BytesIO(body), most))
    if has_lone_surrogate(body):
        raise TaxiiError("lone-surrogate")
    if not objects:
        raise TaxiiError("no-objects")
    return objects
