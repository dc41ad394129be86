"""Trees whose entries are at hand, and the tiles that a tree of some size has."""

from schemas.ledger.tiles import HEIGHT, WIDTH, TilePath, width_at
from schemas.ledger.trees import Nodes, leaf_hash, node_hash


def tiles_of(size: int) -> list[TilePath]:
    """Return all tiles of hashes of a tree."""
    found, level = [], 0
    while hashes := size >> HEIGHT * level:
        found += [TilePath(level, number, width_at(size, level, number)) for number in range(-(-hashes // WIDTH))]
        level += 1
    return found


def memory_nodes(entries: list[bytes]) -> Nodes:
    """Return the subtrees of a tree whose entries are at hand."""
    levels = [[leaf_hash(entry) for entry in entries]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(*pair) for pair in zip(below[::2], below[1::2], strict=False)])
    return lambda height, index: levels[height][index]
