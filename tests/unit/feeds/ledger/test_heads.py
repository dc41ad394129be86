"""A head that was checked proves entries by their tiles, and none that the tiles of a hub do not lead to."""

import hashlib

import pytest

from feeds.ledger.heads import LogHead
from schemas.ledger import tiles, trees
from schemas.ledger.checkpoints import Checkpoint
from schemas.ledger.errors import BadProof
from schemas.ledger.tiles import TileNodes, TilePath
from tests.ledger_trees import memory_nodes


def head_of(size: int, flipped: int | None = None) -> tuple[LogHead, list[bytes]]:
    """Return the head of a log, at a hub that serves one hash of its entries with another bit, and the right hashes."""
    entries = [hashlib.sha256(bytes([number % 256, number // 256])).digest() for number in range(size)]
    forest = memory_nodes(entries)
    root = trees.root(forest, size)

    def read(path: TilePath) -> bytes:
        height = tiles.HEIGHT * (path.level or 0)
        first = path.number * tiles.WIDTH
        hashes = [forest(height, first + number) for number in range(path.width)]
        if height == 0 and flipped is not None and first <= flipped < first + path.width:
            hashes[flipped - first] = bytes(32)
        return b"".join(hashes)

    return LogHead(Checkpoint("hub.example/log/1", size, root), b"", TileNodes(read, size), (), 0), [
        trees.leaf_hash(entry) for entry in entries
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 200, 256, 257, 300, 511, 700])
def test_every_entry_is_proven_and_no_other_hash_in_its_place(size: int) -> None:
    head, leaves = head_of(size)
    assert all(head.has(index, leaf) for index, leaf in enumerate(leaves))
    assert not any(head.has(index, leaf) for index, leaf in enumerate([*leaves[1:], bytes(32)]))


@pytest.mark.parametrize("size", [2, 3, 256, 257, 300, 700])
def test_a_tile_with_a_wrong_hash_proves_none_of_its_entries(size: int) -> None:
    for flipped in range(0, size, 17):
        for asked in {flipped // 256 * 256, min(size - 1, flipped // 256 * 256 + 7), flipped}:
            head, leaves = head_of(size, flipped)
            with pytest.raises(BadProof):
                head.has(asked, leaves[asked])


@pytest.mark.parametrize("index", [-1, 3, 1 << 40])
def test_an_entry_beyond_the_head_is_no_entry(index: int) -> None:
    head, leaves = head_of(3)
    with pytest.raises(BadProof):
        head.has(index, leaves[0])
