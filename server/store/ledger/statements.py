"""Statements of the hub about a collection, in its ledger: the set for private matching that it serves.

With them a partner that matches privately can verify that all partners got the same set and the same key.
"""

from typing import Any, NamedTuple

import msgspec
import orjson
from sqlalchemy import BigInteger, bindparam, insert, select

from schemas.tlog.entries import EntryKind, canonical
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.ledger.growth import Growth
from server.store.ledger.tables import ledger_statements, ledger_trees
from server.store.matching.match_tables import match_sets


class HubStatement(NamedTuple):
    """A statement about a collection (by number): its subject, and the canonical text."""

    collection: int
    about: str
    body: bytes


class StoredStatement(NamedTuple):
    """A statement in a tree: the index of its entry, and its content."""

    entry: int
    says: dict[str, Any]


def due(tx: Tx) -> list[HubStatement]:
    """Return the missing statements for collections with trees: sets with a changed version."""
    found = []
    for collection, epoch, public, version, size, sha256 in tx.execute(_SETS):
        says = {
            "match": {
                "epoch": epoch,
                "public_key_sha256": bytes(public).hex(),
                "version": version,
                "size": size,
                "tags_sha256": bytes(sha256).hex(),
            }
        }
        statement = HubStatement(collection, f"match {epoch}", canonical(orjson.dumps(says)))
        given = {"of_collection": collection, "of_about": statement.about}
        if tx.execute(_LAST, given).scalar() != statement.body:
            found.append(statement)
    return found


def add(tx: Tx, tree: Growth, statement: HubStatement) -> None:
    """Add a statement to a tree, which is written in the same transaction."""
    entry = tree.add([(EntryKind.STATEMENT, max(now(), tree.last_added), statement.body)])
    row = {"collection": tree.collection, "entry": entry, "about": statement.about, "body": statement.body}
    tx.execute(insert(ledger_statements).values(**row))


def between(tx: Tx, collection: int, first: int, end: int) -> list[StoredStatement]:
    """Return the statements from index ``first`` to before ``end``."""
    given = {"of_collection": collection, "first": first, "end": end}
    return [StoredStatement(row[0], msgspec.json.decode(row[1])) for row in tx.execute(_BETWEEN, given)]


_s, _m = ledger_statements.c, match_sets.c
_LAST = (
    select(_s.body)
    .where(_s.collection == bindparam("of_collection"), _s.about == bindparam("of_about"))
    .order_by(_s.entry.desc())
    .limit(1)
)
_SETS = (
    select(_m.collection, _m.epoch, _m.public, _m.version, _m.size, _m.sha256)
    .join_from(match_sets, ledger_trees, ledger_trees.c.collection == _m.collection)
    .where(_m.version > 0)
    .order_by(_m.collection, _m.epoch)
)
ANY_SET = select(_m.collection).where(_m.version > 0).limit(1)
_BETWEEN = (
    select(_s.entry, _s.body)
    .where(_s.collection == bindparam("of_collection"))
    .where(_s.entry >= bindparam("first", type_=BigInteger), _s.entry < bindparam("end", type_=BigInteger))
    .order_by(_s.entry)
)
