"""The peers' knowledge of this hub: the receipt between hubs for retractions and erasures."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import select

from server.features.federation.desk.tables import hub_knowledge
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows
from server.store.database.times import now

# Ids of values that a peer still reports itself, in one answer.
MOST_RETAINED = 1_000
_LONGEST_ID = 100


class PeerKnowledge(NamedTuple):
    """The newest number that a peer has of this hub, the ids that it still reports itself, and when it said so."""

    number: int
    retained: frozenset[str]
    at: int


def note(tx: Tx, peer: str, number: int, retained: Sequence[str] = ()) -> None:
    """Store what a peer, by the name in its ``[[peer]]`` table, said in its last answer with heads."""
    body = orjson.dumps(sorted({text[:_LONGEST_ID] for text in retained[:MOST_RETAINED]}))
    _NOTE.run(tx, [(peer, number, body, now())])


def all_knowledge(tx: Tx) -> dict[str, PeerKnowledge]:
    """Return what each peer last said, by name."""
    return {
        row.peer: PeerKnowledge(row.number, frozenset(orjson.loads(row.retained)), row.at)
        for row in tx.execute(select(hub_knowledge))
    }


_NOTE = ManyRows(
    "INSERT INTO hub_knowledge (peer, number, retained, at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (peer) DO UPDATE SET number = excluded.number, retained = excluded.retained, at = excluded.at",
    "INSERT INTO hub_knowledge (peer, number, retained, at) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (peer) DO UPDATE SET number = excluded.number, retained = excluded.retained, at = excluded.at",
    ("text", "bigint", "bytea", "bigint"),
)
