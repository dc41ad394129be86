"""The parts of a collection's ledger that a reader gets: tiles, openings, and proofs of single objects.

Tiles and entries are the same for all readers of the collection. Salts are given only for visible objects. For objects
withdrawn before its access began, a reader learns that they existed and when, but not their content.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, select

from schemas.tlog import trees
from schemas.tlog.entries import LENGTH, SALT, Opening, Openings
from schemas.tlog.notes import SignedNote
from schemas.tlog.proofs import Checkpoint, LogProof
from schemas.tlog.trees import WIDTH, TileNodes, TilePath
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
    """The object is in the collection, but not yet in a signed checkpoint."""


class _Span(NamedTuple):
    entries: bytes
    salts: bytes


class _Spans:
    """The spans of a tree, each read once."""

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
    """Return a tile of hashes or a bundle of entries, or None if the signed tree has none of that width."""
    if path.width > trees.width_at(tree.noted, path.level or 0, path.number):
        return None
    if path.level:
        hashes = growth.tile_bytes(tx, tree.collection, path.level, path.number)
        return None if hashes is None else hashes[: path.width * trees.HASH]
    row = tx.execute(_SPAN, {"of_collection": tree.collection, "of_number": path.number}).first()
    if row is None:
        return None
    entries = growth.entries_of(row[0])[: path.width]
    return trees.bundle(entries) if path.level is None else b"".join(map(trees.leaf_hash, entries))


def nodes(tx: Tx, tree: Tree, size: int) -> TileNodes:
    """Return the subtrees of a tree at the time when it had ``size`` entries."""
    at_size = tree._replace(noted=max(size, tree.noted))

    def read(path: TilePath) -> bytes:
        return tile(tx, at_size, path) or b""

    return TileNodes(read, size)


def root_at(tx: Tx, tree: Tree, size: int) -> bytes:
    """Return the root of a tree at the time when it had ``size`` entries."""
    return trees.root(nodes(tx, tree, size), size)


def openings(tx: Tx, collection: Collection, tree: Tree, after: int, limit: int, granted: int) -> Openings:
    """Return the signed openings of the entries added after a ``date_added``.

    Entries of objects delisted by ``granted`` (microseconds) are marked as withheld, without their salts. The pages
    cover each entry of an object, or name its removal, so a reader can detect omitted entries. Removals and statements
    are returned with the entries around them.
    """
    query = Query(after, limit, spec_versions=_SPECS, versions=EVERY)
    page = log.manifest(tx, collection, query)
    hidden = _hidden(tx, collection, query, page.records, granted)
    indexes = removals.locate_all(tx, tree.collection, [record.date_added for record in page.records])
    spans = _Spans(tx, tree.collection)
    found: list[Opening] = []
    withheld: list[int] = []
    last, is_whole = after, True
    for record in page.records:
        if record.date_added > tree.sealed:
            is_whole = False
            break
        last = record.date_added
        index = indexes.get(record.date_added)
        if index is None or index >= tree.noted:
            # It has no entry, or a later unsigned one that replaces a removed one.
            continue
        if record.date_added in hidden:
            withheld.append(index)
        else:
            found.append(_opening(spans, index, record))
    is_last = page.next is None or not is_whole
    first = removals.first_after(tx, tree, after)
    end = tree.noted if is_last else min(tree.noted, removals.first_after(tx, tree, last))
    gone = removals.between(tx, tree.collection, first, end)
    found += [_removal(spans, entry, removed) for entry, removed in gone]
    stated = statements.between(tx, tree.collection, first, end)
    found += [_statement(spans, entry, says) for entry, says in stated]
    removing = [removed for _, removed in removals.between(tx, tree.collection, tree.noted, tree.size)]
    return Openings(
        found,
        None if is_last else str(last),
        withheld,
        [index for index in removing if index < tree.noted],
        stamp(collection.granted) if withheld else None,
    )


def _hidden(tx: Tx, collection: Collection, query: Query, records: Sequence[ManifestRecord], granted: int) -> set[int]:
    """Return the ``date_added`` of a page's records that the reader may not see. Later ones are visible."""
    hidden = {record.date_added for record in records if record.date_added <= granted}
    if hidden:
        shown = log.manifest(tx, collection, replace(query, granted=granted))
        hidden -= {record.date_added for record in shown.records}
    return hidden


def proof(tx: Tx, collection: Collection, tree: Tree, id_: str, version: int | None, granted: int) -> LogProof | None:
    """Return the proof that an object is in the ledger, in a given version or the last one; None if it is missing.

    The proof leads to the newest cosigned checkpoint that includes the object, else to the newest one. Raises
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
