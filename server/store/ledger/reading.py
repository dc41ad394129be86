"""The parts of a collection's ledger that a reader is given: tiles, openings, and proofs of single objects.

Tiles and entries are the same for all who read the collection. Salts are given for what the reader may see alone: of
what was withdrawn before it was let read, it learns that there was something, and when, but not what.
"""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, select

from schemas.ledger import tiles, trees
from schemas.ledger.checkpoints import Checkpoint
from schemas.ledger.entries import LENGTH, SALT, Opening, Openings
from schemas.ledger.notes import SignedNote
from schemas.ledger.proofs import LogProof
from schemas.ledger.tiles import WIDTH, TileNodes, TilePath
from server.store import log
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.database.times import stamp, stix_stamp
from server.store.ledger import growth, heads, removals, statements
from server.store.ledger.growth import Tree
from server.store.ledger.tables import ledger_spans
from server.store.log import ManifestRecord
from server.store.objects.query import EVERY, Query

_SPECS = ("2.0", "2.1")


class NotSealed(LookupError):
    """The object is in the collection, but in no signed checkpoint yet."""


class _Span(NamedTuple):
    entries: bytes
    salts: bytes


class _Spans:
    """The spans of a tree, read once each."""

    def __init__(self, tx: Tx, collection: int) -> None:
        self._tx = tx
        self._collection = collection
        self._known: dict[int, _Span] = {}

    def opening(self, index: int) -> tuple[int, int, bytes]:
        """Return kind, date_added and salt of an entry."""
        number, place = divmod(index, WIDTH)
        span = self._known.get(number)
        if span is None:
            row = self._tx.execute(_SPAN, {"of_collection": self._collection, "of_number": number}).first()
            if row is None:
                raise LookupError("the ledger has no such entry")
            span = self._known[number] = _Span(bytes(row[0]), bytes(row[1]))
        entry = span.entries[place * LENGTH : (place + 1) * LENGTH]
        return entry[0], int.from_bytes(entry[1:9]), span.salts[place * SALT : (place + 1) * SALT]


def tile(tx: Tx, tree: Tree, path: TilePath) -> bytes | None:
    """Return a tile of hashes, or a bundle of entries; None where the signed tree has none that wide."""
    if path.width > tiles.width_at(tree.noted, path.level or 0, path.number):
        return None
    if path.level:
        hashes = growth.tile_bytes(tx, tree.collection, path.level, path.number)
        return None if hashes is None else hashes[: path.width * trees.HASH]
    row = tx.execute(_SPAN, {"of_collection": tree.collection, "of_number": path.number}).first()
    if row is None:
        return None
    entries = growth.entries_of(row[0])[: path.width]
    return tiles.bundle(entries) if path.level is None else b"".join(map(trees.leaf_hash, entries))


def nodes(tx: Tx, tree: Tree, size: int) -> TileNodes:
    """Return the subtrees of a tree as it was when it had ``size`` entries."""
    at_size = tree._replace(noted=max(size, tree.noted))

    def read(path: TilePath) -> bytes:
        return tile(tx, at_size, path) or b""

    return TileNodes(read, size)


def root_at(tx: Tx, tree: Tree, size: int) -> bytes:
    """Return the root of a tree when it had ``size`` entries."""
    return trees.root(nodes(tx, tree, size), size)


def openings(tx: Tx, collection: Collection, tree: Tree, after: int, limit: int, granted: int) -> Openings:
    """Return the openings of what was added after a ``date_added``, as far as it is signed.

    What was withdrawn by ``granted`` (microseconds) is left out. Removals and statements come with what stands around
    them.
    """
    query = Query(after, limit, spec_versions=_SPECS, versions=EVERY, granted=granted)
    page = log.manifest(tx, collection, query)
    places = [record.date_added for record in page.records]
    indexes = removals.locate_all(tx, tree.collection, places)
    spans = _Spans(tx, tree.collection)
    found: list[Opening] = []
    last, is_whole = after, True
    for record in page.records:
        index = indexes.get(record.date_added)
        if record.date_added > tree.sealed or (index is not None and index >= tree.noted):
            is_whole = False
            break
        last = record.date_added
        if index is not None:
            found.append(_opening(spans, index, record))
    is_last = page.next is None or not is_whole
    first = removals.first_after(tx, tree, after)
    end = tree.noted if is_last else min(tree.noted, removals.first_after(tx, tree, last))
    gone = removals.between(tx, tree.collection, first, end)
    found += [_removal(spans, entry, removed) for entry, removed in gone]
    stated = statements.between(tx, tree.collection, first, end)
    found += [_statement(spans, entry, says) for entry, says in stated]
    return Openings(found, None if is_last else str(last))


def proof(tx: Tx, collection: Collection, tree: Tree, id_: str, version: int | None, granted: int) -> LogProof | None:
    """Return the proof that an object is in the ledger, in a version or the last; None of one that is not there.

    It leads to the newest checkpoint that a witness cosigned, where that has it, else to the newest one. Raises
    ``NotSealed``.
    """
    query = Query(ids=(id_,), spec_versions=_SPECS, versions=EVERY, granted=granted)
    records = [
        record
        for record in log.manifest(tx, collection, query).records
        if version is None or _version(record) == stix_stamp(version)
    ]
    if not records:
        return None
    record = records[-1]
    index = removals.locate(tx, tree.collection, record.date_added)
    if index is None and record.date_added <= tree.sealed:
        return None
    if index is None or index >= tree.noted:
        raise NotSealed(id_)
    note = heads.cosigned(tx, tree.collection, index) or tree.note
    checkpoint = Checkpoint.parse(SignedNote.parse(bytes(note)).text)
    opening = _opening(_Spans(tx, tree.collection), index, record)
    return LogProof(
        index,
        tuple(trees.inclusion_proof(nodes(tx, tree, checkpoint.size), index, checkpoint.size)),
        bytes(note),
        opening.extra(),
    )


def _opening(spans: _Spans, index: int, record: ManifestRecord) -> Opening:
    kind, date_added, salt = spans.opening(index)
    return Opening(index, kind, stamp(date_added), salt.hex(), record.id, _version(record))


def _removal(spans: _Spans, entry: int, removed: int) -> Opening:
    kind, date_added, salt = spans.opening(entry)
    return Opening(entry, kind, stamp(date_added), salt.hex(), removed=removed)


def _statement(spans: _Spans, entry: int, says: dict[str, Any]) -> Opening:
    kind, date_added, salt = spans.opening(entry)
    return Opening(entry, kind, stamp(date_added), salt.hex(), statement=says)


def _version(record: ManifestRecord) -> str | None:
    return None if record.version == record.date_added else stix_stamp(record.version)


_s = ledger_spans.c
_SPAN = select(_s.entries, _s.salts).where(
    _s.collection == bindparam("of_collection"), _s.number == bindparam("of_number", type_=BigInteger)
)
