"""Merkle trees of RFC 6962, with proofs that are made and checked, and their tiles (C2SP tlog-tiles)."""

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from schemas.tlog import BadFormat, BadProof

# The root of the tree without leaves.
EMPTY_ROOT = sha256().digest()
HASH = 32
# A path from a leaf to the root has so many hashes at most, in a tree of any size that can be.
LONGEST_PROOF = 63

Nodes = Callable[[int, int], bytes]
"""Return the hash of the complete subtree of 2**height leaves that begins at leaf index × 2**height."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node."""
    return sha256(b"\x01" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root of the subtree over as many hashes as a power of two."""
    level = hashes
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def root(nodes: Nodes, size: int) -> bytes:
    """Return the root of the tree of the first ``size`` leaves."""
    return _range_root(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Return the hashes from the leaf's sibling to the root's child. Raises ``ValueError`` outside of the tree."""
    if not 0 <= index < size:
        raise ValueError("the tree has no such leaf")
    proof = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _largest_power(end - start)
        if index < middle:
            proof.append(_range_root(nodes, middle, end))
            end = middle
        else:
            proof.append(_range_root(nodes, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """Return the hashes that show that the tree of ``new`` leaves begins with that of ``old``.

    Raises ``ValueError`` unless 0 < old ≤ new: from the tree without leaves nothing follows.
    """
    if not 0 < old <= new:
        raise ValueError("no proof leads from the one size to the other")
    proof = []
    start, end = 0, new
    while old != end:
        middle = start + _largest_power(end - start)
        if old <= middle:
            proof.append(_range_root(nodes, middle, end))
            end = middle
        else:
            proof.append(_range_root(nodes, start, middle))
            start = middle
    if start:
        proof.append(_range_root(nodes, start, end))
    return proof[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Check that the tree of ``size`` leaves and this root has a leaf of this hash at ``index``.

    By RFC 9162 §2.1.3.2. Raises ``BadProof``.
    """
    if not 0 <= index < size or len(proof) > LONGEST_PROOF:
        raise BadProof("the proof is of another tree: the index is outside of it")
    at, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise BadProof("the proof of inclusion is too long")
        if at & 1 or at == last:
            computed = node_hash(sibling, computed)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        at, last = at >> 1, last >> 1
    if last or computed != root_hash:
        raise BadProof("the proof of inclusion does not lead to the root")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of ``new`` leaves begins with the tree of ``old`` leaves, by their roots.

    By RFC 9162 §2.1.4.2. Nothing follows from a tree without leaves. Raises ``BadProof``.
    """
    if not 0 < old <= new or len(proof) > LONGEST_PROOF:
        raise BadProof("no proof leads from the one size to the other")
    if old == new:
        if proof or old_root != new_root:
            raise BadProof("two roots of one size differ")
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise BadProof("the proof of consistency is empty")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    if _roots(at, last, path) != (old_root, new_root):
        raise BadProof("the larger tree does not begin with the smaller one")


def _roots(at: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the roots of the smaller and of the larger tree that a path leads to. Raises ``BadProof``."""
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise BadProof("the proof of consistency is too long")
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise BadProof("the proof of consistency is too short")
    return old, new


def complete_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield height and index of the complete subtrees that a range of a tree consists of, from the left."""
    while start < end:
        height = (end - start).bit_length() - 1
        if start:
            height = min(height, (start & -start).bit_length() - 1)
        yield height, start >> height
        start += 1 << height


def _range_root(nodes: Nodes, start: int, end: int) -> bytes:
    hashes = [nodes(height, index) for height, index in complete_subtrees(start, end)]
    computed = hashes[-1]
    for left in reversed(hashes[:-1]):
        computed = node_hash(left, computed)
    return computed


def _largest_power(number: int) -> int:
    """Return the largest power of two below ``number``, which is above 1."""
    return 1 << (number - 1).bit_length() - 1


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
