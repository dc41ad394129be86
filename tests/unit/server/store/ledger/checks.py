"""The ledger as a reader verifies it: entries against the checkpoint, and objects against their entries."""

import msgspec

from schemas.tlog import trees
from schemas.tlog.entries import EntryKind, Opening
from schemas.tlog.notes import SignerKey
from schemas.tlog.proofs import Checkpoint, open_checkpoint
from schemas.tlog.trees import TileNodes, unbundle
from server.store import Store, log
from server.store.collections import Collection
from server.store.ledger import growth, reading, sealing
from server.store.ledger.growth import Tree
from server.store.objects.query import ALL
from tests.ledger_trees import tiles_of

KEY = SignerKey.make("feed.example.org/log")


def sign(checkpoint: Checkpoint) -> bytes:
    return bytes(checkpoint.sign([KEY]))


def seal(store: Store, most: int = sealing.ROWS) -> int:
    """Seal everything, and return the number of entries."""
    total, more = 0, True
    while more:
        done = sealing.step(store, KEY.name, sign, most)
        total, more = total + done.entries, done.more
    return total


def tree_of(store: Store, collection: Collection) -> Tree:
    with store.read() as tx:
        found = growth.tree_of(tx, collection.number)
    assert found is not None
    return found


def served(store: Store, collection: Collection) -> list[bytes]:
    """Read the entries as a reader, verify them against the checkpoint, and return them."""
    tree = tree_of(store, collection)
    checkpoint, _ = open_checkpoint(tree.note, [KEY.verifier])
    assert checkpoint.size == tree.noted
    with store.read() as tx:
        tiles = {tile: reading.tile(tx, tree, tile) or b"" for tile in tiles_of(checkpoint.size)}
        bundles = [reading.tile(tx, tree, tile._replace(level=None)) or b"" for tile in tiles if tile.level == 0]
    assert trees.root(TileNodes(tiles.__getitem__, checkpoint.size), checkpoint.size) == checkpoint.root
    entries = [entry for bundle in bundles for entry in unbundle(bundle)]
    leaves = b"".join(map(trees.leaf_hash, entries))
    assert leaves == b"".join(tile for path, tile in tiles.items() if path.level == 0)
    return entries


def openings(store: Store, collection: Collection, after: int = -1, limit: int = 7, granted: int = 0) -> list[Opening]:
    """Read all openings, page by page."""
    found: list[Opening] = []
    tree = tree_of(store, collection)
    with store.read() as tx:
        while True:
            page = reading.openings(tx, collection, tree, after, limit, granted)
            found += page.openings
            if page.next is None:
                return found
            after = int(page.next)


def bodies_of(store: Store, collection: Collection) -> list[bytes]:
    with store.read() as tx:
        return log.page(tx, collection, ALL).bodies


def check(store: Store, collection: Collection) -> None:
    """Verify that the entry of each served object opens it, in the order of ``date_added``."""
    entries = served(store, collection)
    opened = [opening for opening in openings(store, collection) if opening.kind <= EntryKind.PUBLISHED_RAW]
    found = bodies_of(store, collection)
    assert [opening.id for opening in opened] == [msgspec.json.decode(body)["id"] for body in found]
    for opening, body in zip(opened, found, strict=True):
        assert opening.entry(body) == entries[opening.index]
