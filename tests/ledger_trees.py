"""Trees with their entries in memory, and the tiles of a tree of a given size."""

from schemas.tlog.trees import HEIGHT, WIDTH, Nodes, TilePath, leaf_hash, node_hash, width_at


def tiles_of(size: int) -> list[TilePath]:
    """Return all hash tiles of a tree."""
    found, level = [], 0
    while hashes := size >> HEIGHT * level:
        found += [TilePath(level, number, width_at(size, level, number)) for number in range(-(-hashes // WIDTH))]
        level += 1
    return found


def memory_nodes(entries: list[bytes]) -> Nodes:
    """Return the subtrees of a tree with its entries in memory."""
    levels = [[leaf_hash(entry) for entry in entries]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(*pair) for pair in zip(below[::2], below[1::2], strict=False)])
    return lambda height, index: levels[height][index]
