"""The growth of a tree in memory: entries are added at its end, and changed spans and tiles are written."""

import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, insert, select, update

from schemas.tlog import trees
from schemas.tlog.entries import LENGTH, SALT, EntryKind, digest
from schemas.tlog.proofs import Checkpoint
from schemas.tlog.trees import WIDTH, TileNodes, TilePath
from server.store.database.engine import Tx
from server.store.ledger.tables import ledger_spans, ledger_tiles, ledger_trees


class Tree(NamedTuple):
    """The tree of a collection, as stored in ``ledger_trees``."""

    collection: int
    origin: str
    size: int
    root: bytes
    sealed: int
    last_added: int
    noted: int
    signed: int
    note: bytes


Leaf = tuple[EntryKind, int, bytes]
"""An entry before it gets its salt: its kind, when it was added, and its content."""


@dataclass(slots=True)
class _Span:
    last_added: int
    entries: bytearray = field(default_factory=bytearray)
    salts: bytearray = field(default_factory=bytearray)
    is_stored: bool = False


@dataclass(slots=True)
class _Tile:
    hashes: bytearray = field(default_factory=bytearray)
    is_stored: bool = False


class Growth:
    """A tree that is being extended. Parts of the stored tree are read when needed."""

    def __init__(self, tx: Tx, tree: Tree) -> None:
        """Begin with the stored tree."""
        self._tx: Tx = tx
        self._before = tree
        self.size = tree.size
        self.last_added = tree.last_added
        self._spans: dict[int, _Span] = {}
        self._tiles: dict[tuple[int, int], _Tile] = {}
        self._root: bytes | None = None

    def add(self, leaves: Sequence[Leaf], *, in_order: bool = True) -> int:
        """Add entries with random salts, and return the index of the first.

        Entries that are not ``in_order`` have an older ``date_added`` than those before.
        """
        first = self.size
        salts = os.urandom(SALT * len(leaves))
        entries = []
        for place, (kind, date_added, content) in enumerate(leaves):
            salt = salts[place * SALT : (place + 1) * SALT]
            entries.append(_HEAD(kind, date_added) + digest(salt, content))
        begun = 0
        while begun < len(leaves):
            end = min(len(leaves), begun + WIDTH - self.size % WIDTH)
            if in_order:
                dates = [date for kind, date, _ in leaves[begun:end] if kind <= EntryKind.PUBLISHED_RAW]
                self.last_added = max([self.last_added, *dates])
            self._extend(entries[begun:end], salts[begun * SALT : end * SALT])
            begun = end
        return first

    @property
    def added(self) -> int:
        """Return the number of added entries."""
        return self.size - self._before.size

    def erase(self, index: int) -> None:
        """Erase the salt of a stored or new entry. From now on no object can be proven to belong to it."""
        number, place = divmod(index, WIDTH)
        span = self._span(number)
        span.salts[place * SALT : (place + 1) * SALT] = bytes(SALT)

    def root(self) -> bytes:
        """Return the current root of the tree. It is computed once."""
        if self._root is None:
            self._root = trees.root(TileNodes(self._tile_bytes, self.size), self.size)
        return self._root

    @property
    def checkpoint(self) -> Checkpoint:
        """Return the current head of the tree."""
        return Checkpoint(self._before.origin, self.size, self.root())

    @property
    def collection(self) -> int:
        """Return the number of the collection."""
        return self._before.collection

    def write(self, tx: Tx, sealed: int) -> bool:
        """Write the changes, with the ``date_added`` up to which the log is in the tree.

        Return False, and write nothing, if the stored tree has changed since this one was read.
        """
        before = self._before
        changed = {"size": self.size, "root": self.root(), "sealed": sealed, "last_added": self.last_added}
        claimed = tx.execute(
            update(ledger_trees)
            .where(ledger_trees.c.collection == before.collection, ledger_trees.c.size == before.size)
            .where(ledger_trees.c.sealed == before.sealed)
            .values(**changed)
        )
        if not claimed.rowcount:
            return False
        new_spans, new_tiles = [], []
        for number, span in sorted(self._spans.items()):
            key = {"collection": before.collection, "number": number}
            values = {"last_added": span.last_added, "entries": bytes(span.entries), "salts": bytes(span.salts)}
            if span.is_stored:
                tx.execute(_UPDATE_SPAN, {f"of_{name}": value for name, value in key.items()} | values)
            else:
                new_spans.append(key | values)
        for (level, number), tile in sorted(self._tiles.items()):
            where = {"collection": before.collection, "level": level, "number": number}
            if tile.is_stored:
                given = {f"of_{name}": value for name, value in where.items()}
                tx.execute(_UPDATE_TILE, given | {"hashes": bytes(tile.hashes)})
            else:
                new_tiles.append(where | {"hashes": bytes(tile.hashes)})
        if new_spans:
            tx.execute(insert(ledger_spans), new_spans)
        if new_tiles:
            tx.execute(insert(ledger_tiles), new_tiles)
        return True

    def _extend(self, entries: Sequence[bytes], salts: bytes) -> None:
        """Add entries that fit into one span."""
        number = self.size // WIDTH
        span = self._span(number)
        self._root = None
        span.entries += b"".join(entries)
        span.salts += salts
        span.last_added = self.last_added
        self.size += len(entries)
        if self.size % WIDTH == 0:
            self._fill(1, number, trees.complete_root(leaf_hashes(span.entries)))

    def _fill(self, level: int, index: int, hash_: bytes) -> None:
        """Add the root of a full tile to the tile above."""
        number, place = divmod(index, WIDTH)
        tile = self._tiles.get((level, number))
        if tile is None:
            stored = tile_bytes(self._tx, self._before.collection, level, number) if place else None
            tile = self._tiles[level, number] = _Tile(bytearray(stored or b""), stored is not None)
        tile.hashes += hash_
        if len(tile.hashes) == WIDTH * trees.HASH:
            self._fill(level + 1, number, trees.complete_root(split(tile.hashes)))

    def _span(self, number: int) -> _Span:
        span = self._spans.get(number)
        if span is None:
            stored = None
            if number * WIDTH < self._before.size:
                stored = self._tx.execute(
                    _SPAN, {"of_collection": self._before.collection, "of_number": number}
                ).first()
            if stored is None:
                span = _Span(self.last_added)
            else:
                span = _Span(stored[0], bytearray(stored[1]), bytearray(stored[2]), is_stored=True)
            self._spans[number] = span
        return span

    def _tile_bytes(self, path: TilePath) -> bytes:
        if path.level == 0:
            return b"".join(leaf_hashes(self._span(path.number).entries))
        known = self._tiles.get((path.level or 0, path.number))
        if known is not None:
            return bytes(known.hashes)
        return tile_bytes(self._tx, self._before.collection, path.level or 0, path.number) or b""


def leaf_hashes(entries: bytes | bytearray) -> list[bytes]:
    """Return the hashes of the entries of a span."""
    return [trees.leaf_hash(entry) for entry in entries_of(entries)]


def entries_of(entries: bytes | bytearray) -> list[bytes]:
    """Return the entries of a span, one by one."""
    return [bytes(entries[start : start + LENGTH]) for start in range(0, len(entries), LENGTH)]


def split(hashes: bytes | bytearray) -> list[bytes]:
    """Return the hashes of a tile, one by one."""
    return [bytes(hashes[start : start + trees.HASH]) for start in range(0, len(hashes), trees.HASH)]


def tile_bytes(tx: Tx, collection: int, level: int, number: int) -> bytes | None:
    """Return the stored hashes of a tile of level 1 or more, or None."""
    given = {"of_collection": collection, "of_level": level, "of_number": number}
    found = tx.execute(_TILE, given).first()
    return None if found is None else bytes(found[0])


def load(tx: Tx, numbers: Iterable[int]) -> dict[int, Tree]:
    """Return the existing trees of collections, by number."""
    wanted = sorted(set(numbers))
    found: dict[int, Tree] = {}
    for start in range(0, len(wanted), 500):
        asked = select(ledger_trees).where(ledger_trees.c.collection.in_(wanted[start : start + 500]))
        found |= {row[0]: _tree(row) for row in tx.execute(asked)}
    return found


def tree_of(tx: Tx, number: int) -> Tree | None:
    """Return the tree of a collection, or None."""
    row = tx.execute(_TREE, {"of_collection": number}).first()
    return None if row is None else _tree(row)


def lock(tx: Tx, numbers: Iterable[int]) -> dict[int, Tree]:
    """Return the trees of collections, locked until the transaction ends."""
    asked = select(ledger_trees).where(ledger_trees.c.collection.in_(sorted(set(numbers))))
    asked = asked.order_by(ledger_trees.c.collection).with_for_update()
    return {row[0]: _tree(row) for row in tx.execute(asked)}


def _tree(row: Any) -> Tree:
    return Tree(*row)


# Kind and date_added of an entry.
_HEAD = struct.Struct(">BQ").pack
_c, _t = ledger_spans.c, ledger_tiles.c
_TREE = select(ledger_trees).where(ledger_trees.c.collection == bindparam("of_collection"))
_OF_SPAN = (_c.collection == bindparam("of_collection"), _c.number == bindparam("of_number", type_=BigInteger))
_OF_TILE = (
    *(_t.collection == bindparam("of_collection"), _t.level == bindparam("of_level")),
    _t.number == bindparam("of_number", type_=BigInteger),
)
_SPAN = select(_c.last_added, _c.entries, _c.salts).where(*_OF_SPAN)
_TILE = select(_t.hashes).where(*_OF_TILE)
_UPDATE_SPAN = (
    update(ledger_spans)
    .where(*_OF_SPAN)
    .values(last_added=bindparam("last_added"), entries=bindparam("entries"), salts=bindparam("salts"))
)
_UPDATE_TILE = update(ledger_tiles).where(*_OF_TILE).values(hashes=bindparam("hashes"))
