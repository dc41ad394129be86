from hashlib import sha256

import pytest
from hypothesis import given, settings, strategies as st

from schemas.tlog import BadFormat, BadProof, trees
from schemas.tlog.trees import TileNodes, TilePath
from tests.ledger_trees import memory_nodes, tiles_of
from tests.searches import examples

# The leaves and roots of the certificate transparency tests.
_LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
_LEAVES.append(bytes(range(0x60, 0x70)))
_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def _naive(entries: list[bytes]) -> bytes:
    """The root as defined by RFC 6962 §2.1."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return sha256(b"\x01" + _naive(entries[:half]) + _naive(entries[half:])).digest()


def _entries(size: int) -> list[bytes]:
    return [number.to_bytes(4) for number in range(size)]


@pytest.mark.parametrize("size", range(9))
def test_roots_match_certificate_transparency(size: int) -> None:
    nodes = memory_nodes(_LEAVES[:size]) if size else memory_nodes([b""])
    assert trees.root(nodes, size).hex() == _ROOTS[size]


def test_every_leaf_is_proven_only_in_its_place() -> None:
    entries = _entries(20)
    nodes = memory_nodes(entries)
    for size in range(1, 21):
        root = _naive(entries[:size])
        assert trees.root(nodes, size) == root
        for index in range(size):
            proof = trees.inclusion_proof(nodes, index, size)
            leaf = trees.leaf_hash(entries[index])
            trees.check_inclusion(leaf, index, size, proof, root)
            for other in {*range(size)} - {index}:
                with pytest.raises(BadProof):
                    trees.check_inclusion(leaf, other, size, proof, root)


def test_only_true_prefixes_are_consistent() -> None:
    entries = _entries(20)
    nodes = memory_nodes(entries)
    other = memory_nodes([b"another", *entries[1:]])
    for new in range(1, 21):
        for old in range(1, new + 1):
            proof = trees.consistency_proof(nodes, old, new)
            old_root, new_root = _naive(entries[:old]), _naive(entries[:new])
            trees.check_consistency(old, new, old_root, new_root, proof)
            with pytest.raises(BadProof):
                trees.check_consistency(old, new, trees.root(other, old), new_root, proof)
            with pytest.raises(BadProof):
                trees.check_consistency(old, new, old_root, trees.root(other, new), proof)


@given(st.data())
@settings(max_examples=examples(80), deadline=None)
def test_large_trees_are_read_from_tiles(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 1_200))
    entries = _entries(size)
    nodes = memory_nodes(entries)
    stored = {tile: _tile(nodes, tile) for tile in tiles_of(size)}
    read = TileNodes(stored.__getitem__, size)
    root = trees.root(read, size)
    assert root == _naive(entries)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    proof = trees.inclusion_proof(read, index, size)
    trees.check_inclusion(trees.leaf_hash(entries[index]), index, size, proof, root)
    trees.check_consistency(old, size, _naive(entries[:old]), root, trees.consistency_proof(read, old, size))
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], bytes([proof[place][0] ^ 1]) + proof[place][1:], *proof[place + 1 :]]
        with pytest.raises(BadProof):
            trees.check_inclusion(trees.leaf_hash(entries[index]), index, size, changed, root)


def _tile(nodes: trees.Nodes, tile: TilePath) -> bytes:
    assert tile.level is not None
    first = tile.number * trees.WIDTH
    return b"".join(nodes(tile.level * trees.HEIGHT, index) for index in range(first, first + tile.width))


def test_empty_tree_proves_nothing() -> None:
    with pytest.raises(BadProof):
        trees.check_consistency(0, 3, trees.EMPTY_ROOT, _naive(_entries(3)), [])
    with pytest.raises(BadProof):
        trees.check_inclusion(trees.EMPTY_ROOT, 0, 0, [], trees.EMPTY_ROOT)


def test_a_tree_of_seventy_thousand_has_the_tiles_that_the_specification_counts() -> None:
    found = tiles_of(70_000)
    full = [(tile.level, tile.width) for tile in found if tile.width == 256]
    assert full.count((0, 256)) == 273
    assert full.count((1, 256)) == 1
    assert [(tile.level, tile.width) for tile in found if tile.width < 256] == [(0, 112), (1, 17), (2, 1)]


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/000", TilePath(0, 0)),
        ("0/x001/x234/067", TilePath(0, 1_234_067)),
        ("1/017.p/17", TilePath(1, 17, 17)),
        ("entries/x001/000.p/255", TilePath(None, 1000, 255)),
    ],
)
def test_paths_are_read_back(path: str, tile: TilePath) -> None:
    assert TilePath.parse(path) == tile
    assert str(tile) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/0",
        "00/000",
        "64/000",
        "0/x000/001",
        "0/001.p/0",
        "0/001.p/256",
        "0/001.p/01",
        "0/000/001",
        "-1/000",
        "0/000/",
        "entries/x00a/000",
        "0/" + "x001/" * 7 + "000",
        "0/٠٠٠",
    ],
)
def test_a_tile_has_one_path(path: str) -> None:
    with pytest.raises(BadFormat):
        TilePath.parse(path)


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_bundles_are_read_back(entries: list[bytes]) -> None:
    data = trees.bundle(entries)
    assert trees.unbundle(data) == entries
    if data:
        with pytest.raises(BadFormat):
            trees.unbundle(data[:-1] if entries[-1] else data + b"\x00")


def test_a_tile_of_another_length_is_refused() -> None:
    nodes = TileNodes(lambda tile: bytes(32 * (tile.width + 1)), 3)
    with pytest.raises(BadFormat):
        trees.root(nodes, 3)
