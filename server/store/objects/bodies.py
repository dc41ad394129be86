"""The stored bodies of objects: plain, or compressed with a dictionary.

The first byte is the format. ``{`` begins a plain object. Any other number, without its highest bit, is the number of
the dictionary used. With the highest bit, the rest contains a listing and the two objects that accompany it. The sizes
of the first two then come before the rest.
"""

import struct
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from weakref import WeakKeyDictionary

import zstandard
from sqlalchemy import select
from sqlalchemy.engine import Dialect

from server.store.database.engine import Tx
from server.store.tables import dictionaries

# The number of the built-in dictionary. Its bytes never change; a better one gets a new number.
BUILT_IN = 1

_AS_IT_IS = 0x7B
_THREE = 0x80
_SIZES = struct.Struct("<HH")
_MOST = 0xFFFF
_HEAD = 1 + _SIZES.size
_LEVEL = 3

_Decompress = Callable[[bytes], bytes]


class BodyWriter(NamedTuple):
    """The dictionary for compressing bodies: its number, and when it was made; never for the built-in one."""

    number: int
    made: int
    dictionary: zstandard.ZstdCompressionDict


class Packer:
    """Compresses bodies with one dictionary, for one thread."""

    def __init__(self, writer: BodyWriter) -> None:
        """Compress with the dictionary of ``writer``."""
        self.made = writer.made
        self._number = writer.number
        # Without the number of the dictionary and a checksum: both are stored elsewhere.
        self._compress = zstandard.ZstdCompressor(
            level=_LEVEL,
            dict_data=writer.dictionary,
            write_dict_id=False,
            write_checksum=False,
            write_content_size=True,
        ).compress

    def pack(self, body: bytes) -> bytes:
        """Return a body in its stored form, compressed if that saves space."""
        packed = bytes((self._number,)) + self._compress(body)
        return body if len(packed) >= len(body) and body[:1] == b"{" else packed

    def pack_three(self, bodies: Sequence[bytes]) -> bytes:
        """Return the bodies of a listing, its observable and its relationship as one. See ``fits``."""
        sizes = _SIZES.pack(len(bodies[0]), len(bodies[1]))
        return bytes((_THREE | self._number,)) + sizes + self._compress(b"".join(bodies))


class Bodies:
    """Packs and unpacks the bodies of one store. Thread-safe."""

    def __init__(self) -> None:
        """Begin with the built-in dictionary."""
        self._writer = BodyWriter(BUILT_IN, 0, built_in())
        self._dictionaries = {BUILT_IN: built_in()}
        self._made = {BUILT_IN: 0}
        self._of_thread = threading.local()

    def packer(self, writer: BodyWriter | None = None) -> Packer:
        """Return this thread's packer, for the newest known dictionary or for ``writer``.

        A caller that stores packed bodies must check in the same transaction that the database has the dictionary.
        """
        wanted = writer or self._writer
        known: Packer | None = getattr(self._of_thread, "packer", None)
        if known is None or known.made != wanted.made:
            known = self._of_thread.packer = Packer(wanted)
        return known

    @staticmethod
    def fits(bodies: Sequence[bytes]) -> bool:
        """Return whether bodies are short enough to be stored together."""
        return max(map(len, bodies)) <= _MOST

    def first(self, tx: Tx, packed: bytes) -> bytes:
        """Return a body; for a listing stored with others, only the listing's."""
        kind = packed[0]
        if kind == _AS_IT_IS:
            return packed
        if kind < _THREE:
            return self._decompressor(tx, kind)(packed[1:])
        return self._decompressor(tx, kind & ~_THREE)(packed[_HEAD:])[: packed[1] | packed[2] << 8]

    def firsts(self, tx: Tx, packed: Iterable[bytes], most: int | None = None) -> list[bytes]:
        """Return the result of ``first`` for each body, up to the one that reaches ``most`` bytes."""
        known: dict[int, _Decompress] = {}
        found: list[bytes] = []
        left = sys.maxsize if most is None else most
        for body in packed:
            if left <= 0:
                break
            kind = body[0]
            if kind == _AS_IT_IS:
                found.append(body)
                left -= len(body)
                continue
            decompress = known.get(kind)
            if decompress is None:
                decompress = known[kind] = self._decompressor(tx, kind & ~_THREE)
            unpacked = decompress(body[1:]) if kind < _THREE else decompress(body[_HEAD:])[: body[1] | body[2] << 8]
            found.append(unpacked)
            left -= len(unpacked)
        return found

    def all_of(self, tx: Tx, packed: bytes) -> tuple[bytes, ...]:
        """Return the bodies that are stored together."""
        kind = packed[0]
        if kind < _THREE:
            return (self.first(tx, packed),)
        first, second = _SIZES.unpack_from(packed, 1)
        text = self._decompressor(tx, kind & ~_THREE)(packed[_HEAD:])
        return text[:first], text[first : first + second], text[first + second :]

    def learn(self, tx: Tx) -> BodyWriter:
        """Read the store's own dictionaries, use the newest for writing from now on, and return it."""
        writer = BodyWriter(BUILT_IN, 0, built_in())
        for number, made, text in tx.execute(_OWN):
            if self._made.get(number) != made:
                # If the database lost a dictionary in a failover, another one may have its number.
                self._dictionaries[number] = zstandard.ZstdCompressionDict(text)
                self._made[number] = made
                self._of_thread = threading.local()
            writer = BodyWriter(number, made, self._dictionaries[number])
        self._writer = writer
        return writer

    def _decompressor(self, tx: Tx, number: int) -> _Decompress:
        known: dict[int, _Decompress] = self._of_thread.__dict__.setdefault("decompress", {})
        found = known.get(number)
        if found is None:
            if number not in self._dictionaries:
                self.learn(tx)
            dictionary = self._dictionaries[number]
            found = known[number] = zstandard.ZstdDecompressor(dict_data=dictionary).decompress
        return found


def dictionary_of(packed: bytes) -> int | None:
    """Return the number of the dictionary that a body was compressed with, or None for a plain one."""
    return None if packed[0] == _AS_IT_IS else packed[0] & ~_THREE


def of(tx: Tx) -> Bodies:
    """Return the ``Bodies`` of the store of ``tx``."""
    found = _known.get(tx.dialect)
    if found is None:
        # Two threads may each make one at first. Both work.
        found = Bodies()
        found.learn(tx)
        _known[tx.dialect] = found
    return found


@cache
def built_in() -> zstandard.ZstdCompressionDict:
    """Return the built-in dictionary."""
    return zstandard.ZstdCompressionDict((files(__package__) / "bodies.dictionary").read_bytes())


# By dialect, because each engine has its own.
_known: WeakKeyDictionary[Dialect, Bodies] = WeakKeyDictionary()
_OWN = select(dictionaries.c.number, dictionaries.c.made, dictionaries.c.bytes).order_by(dictionaries.c.made)
