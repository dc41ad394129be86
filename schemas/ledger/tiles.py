"""Tiles: the hashes of a tree in pieces of 256 that never change, as C2SP tlog-tiles has them."""

import re
from collections.abc import Callable
from typing import NamedTuple

from schemas.ledger.errors import BadFormat
from schemas.ledger.trees import HASH, node_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
_HIGHEST_LEVEL = 63
_PATH = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
_MOST_DIGITS = 18


class TilePath(NamedTuple):
    """The path of a tile below ``tile/``: its level, None for the entries themselves, its number, and its width."""

    level: int | None
    number: int
    width: int = WIDTH

    @classmethod
    def parse(cls, path: str) -> "TilePath":
        """Read a path as ``1/x001/234.p/17``. Raises ``BadFormat``."""
        found = _PATH.fullmatch(path)
        if found is None:
            raise BadFormat("not the path of a tile")
        level = None if found["level"] == "entries" else int(found["level"])
        digits = found["number"].replace("x", "").replace("/", "")
        width = int(found["width"] or WIDTH)
        is_partial = found["width"] is not None
        tile = cls(level, int(digits[-_MOST_DIGITS:]), width)
        # Each tile has one path.
        if (level or 0) > _HIGHEST_LEVEL or (is_partial and width >= WIDTH) or str(tile) != path:
            raise BadFormat("not the path of a tile")
        return tile

    def __str__(self) -> str:
        """Return the path."""
        digits = str(self.number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[start : start + 3] for start in range(0, len(digits), 3)]
        number = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        level = "entries" if self.level is None else self.level
        return f"{level}/{number}" + ("" if self.width == WIDTH else f".p/{self.width}")


def width_at(size: int, level: int, number: int) -> int:
    """Return how many hashes a tile has in a tree of ``size`` leaves; 0 where there is none."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - number * WIDTH))


class TileNodes:
    """The complete subtrees of a tree whose tiles are read as they are needed."""

    def __init__(self, read: Callable[[TilePath], bytes], size: int) -> None:
        """Read the tiles of a tree of ``size`` leaves; ``read`` returns the bytes of one."""
        self._read = read
        self._size = size
        self._known: dict[tuple[int, int], list[list[bytes]]] = {}

    def __call__(self, height: int, index: int) -> bytes:
        """Return the hash of a complete subtree. Raises ``BadFormat`` where a tile is too short for it."""
        level, inside = divmod(height, HEIGHT)
        number, place = divmod(index, WIDTH >> inside)
        tile = self._known.get((level, number))
        if tile is None:
            path = TilePath(level, number, width_at(self._size, level, number))
            tile = self._known[level, number] = [_hashes(self._read(path), path.width)]
        while len(tile) <= inside:
            below = tile[-1]
            tile.append([node_hash(*pair) for pair in zip(below[::2], below[1::2], strict=False)])
        if place >= len(tile[inside]):
            raise BadFormat("the tree has no such subtree")
        return tile[inside][place]


def _hashes(tile: bytes, width: int) -> list[bytes]:
    if len(tile) != width * HASH:
        raise BadFormat("a tile has another length than the tree asks for")
    return [tile[start : start + HASH] for start in range(0, len(tile), HASH)]


def bundle(entries: list[bytes]) -> bytes:
    """Return entries as tlog-tiles bundles them: each after its length in two bytes."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle. Raises ``BadFormat``."""
    entries, start = [], 0
    while start < len(data):
        end = start + 2 + int.from_bytes(data[start : start + 2])
        if start + 2 > len(data) or end > len(data):
            raise BadFormat("a bundle of entries ends in the middle of one")
        entries.append(data[start + 2 : end])
        start = end
    if len(entries) > WIDTH:
        raise BadFormat("a bundle has too many entries")
    return entries
