"""The hub's check of its own ledger: each entry has its object or its removal, and each object has its entry.

Everything is read again: rows are compared with the salted digests of their entries, and entries with the signed root.
So a row that was deleted, changed or inserted by other means is detected without a reader.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, bindparam, select

from schemas.tlog import BadFormat, trees
from schemas.tlog.entries import LENGTH, SALT, Entry, EntryKind, canonical_or_raw, digest
from schemas.tlog.notes import SignedNote
from schemas.tlog.proofs import Checkpoint
from schemas.tlog.trees import WIDTH, TileNodes, TilePath
from server.store.database.engine import Store, Tx
from server.store.item import LATER, OBSERVABLE, OF_VARIANT, RELATIONSHIP
from server.store.ledger import growth, heads, removals
from server.store.ledger.growth import Tree
from server.store.ledger.tables import ledger_spans
from server.store.objects import bodies
from server.store.tables import collections, objects

# Rows read in one snapshot. A long snapshot would prevent the store from clearing its own log.
_ROWS = 2_000
_PLACE = {OBSERVABLE: 1, RELATIONSHIP: 2}


class CheckedTree(NamedTuple):
    """The findings in the tree of one collection.

    ``missing`` entries have neither an object nor a removal; ``altered`` ones have another object; ``foreign`` objects
    have no entry. ``first`` is the index of the first missing or altered entry. ``broken``: the entries or tiles do not
    lead to the signed root.
    """

    collection: int
    size: int
    missing: int = 0
    altered: int = 0
    foreign: int = 0
    broken: bool = False
    first: int | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether the tree has no fault."""
        return not (self.missing or self.altered or self.foreign or self.broken)


def check_all(store: Store) -> list[CheckedTree]:
    """Check the trees of all collections, one after the other, each in its current state."""
    with store.read() as tx:
        numbers = [tree.collection for tree in heads.all_trees(tx)]
    return [found for number in numbers if (found := check(store, number)) is not None]


def check(store: Store, number: int) -> CheckedTree | None:
    """Check the tree of a collection up to its current size. Return None without a tree or a signature."""
    with store.read() as tx:
        tree = growth.tree_of(tx, number)
        if tree is None or tree.noted <= 0:
            return None
        log, part = tx.execute(_LOG, {"of_collection": number}).one()
        broken = not _is_rooted(tx, tree)
    # By index, whether the entry has its object.
    seen = bytearray(tree.size)
    altered: list[int] = []
    foreign, after = 0, -1
    while after < tree.sealed:
        with store.read() as tx:
            given = {"in_log": log, "after": after, "up_to": tree.sealed, "rows": _ROWS}
            rows: Sequence[Any] = tx.execute(_OBJECTS, given).all()
            if len(rows) == _ROWS:
                rows = [row for row in rows if row[0] < rows[-1][0]]
            if not rows:
                break
            after = rows[-1][0]
            wrong, unknown = _compare(tx, tree, part, rows, seen)
        altered += wrong
        foreign += unknown
    with store.read() as tx:
        missing = _without_object(tx, tree, seen)
    first = min([*missing, *altered], default=None)
    return CheckedTree(number, tree.size, len(missing), len(altered), foreign, broken, first)


def _compare(tx: Tx, tree: Tree, part: int, rows: Sequence[Any], seen: bytearray) -> tuple[list[int], int]:
    """Mark the entries of rows as seen. Return entries of other objects, and the number of objects without an entry."""
    unpack = bodies.of(tx).all_of
    things: list[tuple[int, bytes]] = []
    for date_added, bits, along, packed in rows:
        if bits & part:
            contents = unpack(tx, packed)
            parts = OF_VARIANT[part] if along is not None else OF_VARIANT[part][:1]
            things += [(date_added + LATER[bit], contents[_PLACE.get(bit, 0)]) for bit in parts]
    indexes = removals.locate_all(tx, tree.collection, [place for place, _ in things])
    spans: dict[int, tuple[bytes, bytes]] = {}
    altered, foreign = [], 0
    for place, body in things:
        index = indexes.get(place)
        if index is None:
            foreign += 1
            continue
        number, at = divmod(index, WIDTH)
        if number not in spans:
            spans[number] = _span(tx, tree.collection, number)
        entries, salts = spans[number]
        if index < tree.size:
            seen[index] = 1
        if not _is_entry_of(entries[at * LENGTH : (at + 1) * LENGTH], salts[at * SALT : (at + 1) * SALT], body):
            altered.append(index)
    return altered, foreign


def _is_entry_of(data: bytes, salt: bytes, body: bytes) -> bool:
    try:
        entry = Entry.parse(data)
    except BadFormat:
        return False
    content = body if entry.kind == EntryKind.PUBLISHED_RAW else canonical_or_raw(body)[0]
    return entry.digest == digest(salt, content)


def _without_object(tx: Tx, tree: Tree, seen: bytearray) -> list[int]:
    """Return the entries of objects that were not seen and are not removed."""
    missing = []
    for number in range(-(-tree.size // WIDTH)):
        if all(seen[number * WIDTH : (number + 1) * WIDTH]):
            continue
        entries, _ = _span(tx, tree.collection, number)
        for at in range(min(WIDTH, tree.size - number * WIDTH)):
            index = number * WIDTH + at
            kind = entries[at * LENGTH : at * LENGTH + 1]
            if not seen[index] and (not kind or kind[0] <= EntryKind.PUBLISHED_RAW):
                missing.append(index)
    gone = removals.replacements(tx, tree.collection, missing)
    return [index for index in missing if index not in gone]


def _is_rooted(tx: Tx, tree: Tree) -> bool:
    """Return whether the entries and tiles lead to the root of the tree, and the signed head matches."""

    def read(path: TilePath) -> bytes:
        if path.level:
            return (growth.tile_bytes(tx, tree.collection, path.level, path.number) or b"")[: path.width * trees.HASH]
        return b"".join(growth.leaf_hashes(_span(tx, tree.collection, path.number)[0])[: path.width])

    try:
        signed = Checkpoint.parse(SignedNote.parse(bytes(tree.note)).text)
        nodes = TileNodes(read, tree.size)
        for height, index in _full_nodes(tree.size):
            level = height // 8
            below = read(TilePath(level - 1, index))
            if trees.complete_root(growth.split(below)) != nodes(height, index):
                return False
        at_note = trees.root(TileNodes(read, signed.size), signed.size)
        return trees.root(nodes, tree.size) == tree.root and signed == (tree.origin, tree.noted, at_note)
    except (BadFormat, ValueError):
        return False


def _full_nodes(size: int) -> list[tuple[int, int]]:
    """Return height and index of each hash stored above a full tile."""
    found, height = [], 8
    while size >> height:
        found += [(height, index) for index in range(size >> height)]
        height += 8
    return found


def _span(tx: Tx, collection: int, number: int) -> tuple[bytes, bytes]:
    row = tx.execute(_SPAN, {"of_collection": collection, "of_number": number}).first()
    return (b"", b"") if row is None else (bytes(row[0]), bytes(row[1]))


_o, _s = objects.c, ledger_spans.c
_LOG = select(collections.c.log, collections.c.part).where(
    collections.c.number == bindparam("of_collection", type_=Integer)
)
_OBJECTS = (
    select(_o.date_added, _o.parts, _o.observable_high, _o.body)
    .where(_o.collection == bindparam("in_log", type_=Integer))
    .where(_o.date_added > bindparam("after", type_=BigInteger))
    .where(_o.date_added <= bindparam("up_to", type_=BigInteger))
    .order_by(_o.date_added, _o.parts)
    .limit(bindparam("rows", type_=BigInteger))
)
_SPAN = select(_s.entries, _s.salts).where(
    _s.collection == bindparam("of_collection", type_=Integer), _s.number == bindparam("of_number", type_=BigInteger)
)
