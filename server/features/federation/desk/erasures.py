"""Erasures across hubs: which peers have this hub's tombstones, and which values this hub still reports itself."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import exists, select

from server.features.federation.desk import knowledge
from server.features.federation.desk.knowledge import MOST_RETAINED
from server.features.federation.desk.tables import hub_erasures, hub_retained
from server.features.federation.stored import EMPTY
from server.features.federation.tables import hub_reports
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows
from server.store.erased import ErasureRecord

WAITING, ERASED, STILL_REPORTED = "waiting", "erased", "still-reported-here"
_report = hub_reports.c


class PeerErasure(NamedTuple):
    """The state of an erasure at a peer: it waits, it was carried out, or the peer's own partners report the value.

    ``at`` is when the peer last said something about this hub (microseconds), None before.
    """

    peer: str
    state: str
    at: int | None


def note(tx: Tx, erasure: str, ids: Iterable[str]) -> None:
    """Store the ids of the hub reports that an erasure replaces by tombstones."""
    _NOTE.run(tx, [(erasure, id_) for id_ in sorted(set(ids))])


def keep(tx: Tx, origin: str, id_: str, subject: str) -> None:
    """Store that this hub's own partners report a value that an origin erased."""
    _KEEP.run(tx, [(origin, id_, subject)])


def retained(tx: Tx, origin: str) -> list[str]:
    """Return the ids of an origin's erased hub reports whose values this hub still reports itself."""
    own = exists().where(_report.subject == hub_retained.c.subject, _report.peer == "", _report.state != EMPTY)
    asked = select(hub_retained.c.id).where(hub_retained.c.origin == origin, own)
    return list(tx.execute(asked.order_by(hub_retained.c.id).limit(MOST_RETAINED)).scalars())


def at_peers(hub: Hub, tx: Tx, records: Iterable[ErasureRecord]) -> dict[str, list[PeerErasure]]:
    """Return by erasure what each peer has of it; those of values without a hub report are left out."""
    ids: dict[str, set[str]] = {}
    for erasure, id_ in tx.execute(select(hub_erasures.c.erasure, hub_erasures.c.id)):
        ids.setdefault(erasure, set()).add(id_)
    if not ids:
        return {}
    numbers: dict[str, int] = {}
    wanted = sorted(set().union(*ids.values()))
    asked = select(_report.id, _report.number).where(_report.peer == "", _report.id.in_(wanted))
    for id_, number in tx.execute(asked):
        numbers[id_] = max(number, numbers.get(id_, 0))
    known = knowledge.all_knowledge(tx)
    return {
        record.id: [
            _of_peer(peer.name, known.get(peer.name), ids[record.id], _published(record, ids[record.id], numbers))
            for peer in hub.peers
        ]
        for record in records
        if record.id in ids
    }


def _published(record: ErasureRecord, ids: Iterable[str], numbers: dict[str, int]) -> int | None:
    """Return the number from which on a peer has all tombstones; None if one is still to be published.

    Old tombstones are deleted here; then any number after the erasure shows that the peer has them.
    """
    found = [numbers.get(id_, record.begun + 1) for id_ in ids]
    return max(found) if all(number > record.begun for number in found) else None


def _of_peer(name: str, known: knowledge.PeerKnowledge | None, ids: set[str], number: int | None) -> PeerErasure:
    if known is None or number is None or known.number < number:
        return PeerErasure(name, WAITING, None if known is None else known.at)
    return PeerErasure(name, STILL_REPORTED if ids & known.retained else ERASED, known.at)


_NOTE = ManyRows(
    "INSERT INTO hub_erasures (erasure, id) VALUES (?, ?) ON CONFLICT DO NOTHING",
    "INSERT INTO hub_erasures (erasure, id) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
    ("text", "text"),
)
_KEEP = ManyRows(
    "INSERT INTO hub_retained (origin, id, subject) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    "INSERT INTO hub_retained (origin, id, subject) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
    ("text", "text", "text"),
)
