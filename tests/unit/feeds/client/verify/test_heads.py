"""A verified head proves entries through their tiles, and rejects entries that the hub's tiles do not support."""

import hashlib

import pytest

from feeds.client.verify.heads import LogHead
from schemas.tlog import BadProof, trees
from schemas.tlog.proofs import Checkpoint
from schemas.tlog.trees import TileNodes, TilePath
from tests.ledger_trees import memory_nodes


def head_of(size: int, flipped: int | None = None) -> tuple[LogHead, list[bytes]]:
    """Return a log's head, a hub that serves one entry hash with a flipped bit, and the correct hashes."""
    entries = [hashlib.sha256(bytes([number % 256, number // 256])).digest() for number in range(size)]
    forest = memory_nodes(entries)
    root = trees.root(forest, size)

    def read(path: TilePath) -> bytes:
        height = trees.HEIGHT * (path.level or 0)
        first = path.number * trees.WIDTH
        hashes = [forest(height, first + number) for number in range(path.width)]
        if height == 0 and flipped is not None and first <= flipped < first + path.width:
            hashes[flipped - first] = bytes(32)
        return b"".join(hashes)

    return LogHead(Checkpoint("hub.example/log/1", size, root), b"", TileNodes(read, size), (), 0), [
        trees.leaf_hash(entry) for entry in entries
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 200, 256, 257, 300, 511, 700])
def test_every_entry_is_proven_and_no_other_hash(size: int) -> None:
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
def test_entry_beyond_the_head_is_rejected(index: int) -> None:
    head, leaves = head_of(3)
    with pytest.raises(BadProof):
        head.has(index, leaves[0])
