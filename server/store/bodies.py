"""The bodies of objects as the log stores them: as they are, or compressed with a dictionary.

The first byte tells which. ``{`` begins an object as it is. Any other number, without its highest bit, is that of the
dictionary that the rest was compressed with; with the highest bit it holds the three objects of a listing and what it
brings along, and the sizes of the first two come before the rest.
"""

import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import files
from weakref import WeakKeyDictionary

import zstandard
from sqlalchemy import select
from sqlalchemy.engine import Dialect

from server.store.engine import Tx
from server.store.tables import dictionaries

# The number of the dictionary that comes with the program. Its bytes never change; a better one has a new number.
BUILT_IN = 1

_AS_IT_IS = 0x7B
_THREE = 0x80
_SIZES = struct.Struct("<HH")
_MOST = 0xFFFF
_HEAD = 1 + _SIZES.size
_COMMA = b","
_LEVEL = 3

_Decompress = Callable[[bytes], bytes]


class Bodies:
    """Packs and unpacks the bodies of one store. Threads may share it."""

    def __init__(self) -> None:
        """Know the dictionary that comes with the program."""
        self._dictionaries = {BUILT_IN: built_in()}
        self._writes_with = BUILT_IN
        self._of_thread = threading.local()
        self._looked = False

    def pack(self, body: bytes) -> bytes:
        """Return a body as it is stored: compressed where that saves space."""
        packed = bytes((self._writes_with,)) + self._compress(body)
        return body if len(packed) >= len(body) and body[:1] == b"{" else packed

    def pack_three(self, bodies: Sequence[bytes]) -> bytes:
        """Return the bodies of a listing, its observable and its relationship as one; see ``fits``."""
        sizes = _SIZES.pack(len(bodies[0]), len(bodies[1]))
        return bytes((_THREE | self._writes_with,)) + sizes + self._compress(b"".join(bodies))

    @staticmethod
    def fits(bodies: Sequence[bytes]) -> bool:
        """Return whether bodies are short enough to be stored as one."""
        return max(map(len, bodies)) <= _MOST

    def first(self, tx: Tx, packed: bytes) -> bytes:
        """Return a body, of a listing that alone."""
        kind = packed[0]
        if kind == _AS_IT_IS:
            return packed
        if kind < _THREE:
            return self._decompressor(tx, kind)(packed[1:])
        return self._decompressor(tx, kind & ~_THREE)(packed[_HEAD:])[: packed[1] | packed[2] << 8]

    def firsts(self, tx: Tx, packed: Iterable[bytes]) -> list[bytes]:
        """Return what ``first`` returns for each body."""
        known: dict[int, _Decompress] = {}
        found: list[bytes] = []
        for body in packed:
            kind = body[0]
            if kind == _AS_IT_IS:
                found.append(body)
                continue
            decompress = known.get(kind)
            if decompress is None:
                decompress = known[kind] = self._decompressor(tx, kind & ~_THREE)
            if kind < _THREE:
                found.append(decompress(body[1:]))
            else:
                found.append(decompress(body[_HEAD:])[: body[1] | body[2] << 8])
        return found

    def all_of(self, tx: Tx, packed: bytes) -> tuple[bytes, ...]:
        """Return the bodies that are stored as one."""
        kind = packed[0]
        if kind < _THREE:
            return (self.first(tx, packed),)
        first, second = _SIZES.unpack_from(packed, 1)
        text = self._decompressor(tx, kind & ~_THREE)(packed[_HEAD:])
        return text[:first], text[first : first + second], text[first + second :]

    def learn(self, tx: Tx) -> None:
        """Read the store's own dictionaries, and write with the last of them from now on."""
        for number, text in tx.execute(_OWN):
            if number not in self._dictionaries:
                self._dictionaries[number] = zstandard.ZstdCompressionDict(text)
            self._writes_with = max(number, self._writes_with)

    @property
    def _compress(self) -> Callable[[bytes], bytes]:
        known: dict[int, Callable[[bytes], bytes]] = self._of_thread.__dict__.setdefault("compress", {})
        if self._writes_with not in known:
            # Neither the number of the dictionary nor a checksum: both are known otherwise.
            known[self._writes_with] = zstandard.ZstdCompressor(
                level=_LEVEL,
                dict_data=self._dictionaries[self._writes_with],
                write_dict_id=False,
                write_checksum=False,
                write_content_size=True,
            ).compress
        return known[self._writes_with]

    def _decompressor(self, tx: Tx, number: int) -> _Decompress:
        known: dict[int, _Decompress] = self._of_thread.__dict__.setdefault("decompress", {})
        found = known.get(number)
        if found is None:
            if number not in self._dictionaries:
                self.learn(tx)
            dictionary = self._dictionaries[number]
            found = known[number] = zstandard.ZstdDecompressor(dict_data=dictionary).decompress
        return found


def of(tx: Tx) -> Bodies:
    """Return the bodies of the store that ``tx`` is a transaction of."""
    found = _known.get(tx.dialect)
    if found is None:
        # Two threads may make one each at first; either serves.
        found = Bodies()
        found.learn(tx)
        _known[tx.dialect] = found
    return found


@cache
def built_in() -> zstandard.ZstdCompressionDict:
    """Return the dictionary that comes with the program."""
    return zstandard.ZstdCompressionDict((files("server.store") / "bodies.dictionary").read_bytes())


# By the dialect, of which each engine has its own.
_known: WeakKeyDictionary[Dialect, Bodies] = WeakKeyDictionary()
_OWN = select(dictionaries.c.number, dictionaries.c.bytes).order_by(dictionaries.c.number)
