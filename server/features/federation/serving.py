"""Heads and complete sets for the hubs that read here."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import orjson
from sqlalchemy import func, select

from schemas.hub_report import OPEN
from schemas.partner import Partner
from server.features.federation import origins, settling, stored
from server.features.federation.desk import erasures
from server.features.federation.settling import StoredHead
from server.features.federation.stored import EMPTY
from server.features.federation.tables import hub_reports
from server.release.hub import Hub
from server.release.peers import PeerHub, peer_reading_as
from server.store import Store, collections
from server.store.database.engine import Tx

# Hub reports in one transaction, and one piece, of a set.
_ROWS = 1_000


class ServedHeads(NamedTuple):
    """The body of the heads resource, and the tag that changes with it."""

    body: bytes
    tag: str


def heads(hub: Hub, tx: Tx, partner: Partner) -> ServedHeads:
    """Return the newest heads of all known origins, unchanged, as a peer may read them.

    ``number`` is the newest number that this hub has of the asking hub. ``collections`` are those to read next.
    """
    reader = peer_reading_as(hub.peers, partner.name)
    served = heads_for(tx, reader)
    direct = collections.find_private(tx, partner.name, "hub-reports")
    resource = {
        "heads": [orjson.Fragment(head.body) for head in served],
        "number": newest_number(tx, reader.origin) if reader is not None else None,
        "retained": erasures.retained(tx, reader.origin) if reader is not None else [],
        "collections": [collections.HUB_REPORTS[0], *([direct.alias] if direct is not None else ())],
    }
    body = orjson.dumps(resource)
    return ServedHeads(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def heads_for(tx: Tx, reader: PeerHub | None) -> list[StoredHead]:
    """Return the newest heads of the open streams, and of this hub's direct stream for a reader."""
    known = origins.all_origins(tx)
    identity = known[reader.origin].identity if reader is not None and reader.origin in known else None
    own = origins.own(tx).origin
    return [
        head
        for head in settling.heads(tx)
        if head.stream == OPEN or (head.origin == own and identity is not None and head.stream == identity)
    ]


def newest_number(tx: Tx, origin: str) -> int | None:
    """Return the newest number of an origin that this hub has, in a hub report or a head."""
    newest = tx.execute(select(func.max(hub_reports.c.number)).where(hub_reports.c.origin == origin)).scalar()
    numbers = [head.number for head in settling.heads(tx) if head.origin == origin]
    return max([*numbers, *([int(newest)] if newest is not None else ())], default=None)


def origin_called(tx: Tx, name: str) -> str | None:
    """Return the origin with that key name or identity, or None."""
    own = origins.own(tx).origin
    found = origins.all_origins(tx)
    if name and (name == own or name in found):
        return name
    from_heads = {head.head.origin: head.origin for head in settling.heads(tx)}
    from_heads |= {one.identity: one.origin for one in found.values() if one.identity}
    return from_heads.get(name)


def is_reader_of(hub: Hub, tx: Tx, partner: Partner, origin: str, stream: str) -> bool:
    """Return whether a direct stream of this hub is the one for the hub that reads as ``partner``."""
    reader = peer_reading_as(hub.peers, partner.name)
    if reader is None or not partner.peer or origin != origins.own(tx).origin:
        return False
    known = origins.all_origins(tx).get(reader.origin)
    return known is not None and known.identity == stream


def set_lines(store: Store, origin: str, stream: str) -> Iterator[bytes]:
    """Yield the hub reports of a stream that are not empty, one per line, in the order of their ids.

    Each piece has its own transaction. A reader notices changes during the reading by the head.
    """
    after = ""
    while True:
        with store.read() as tx:
            found = stored.between(tx, origin, stream, after, None, _ROWS)
        if not found:
            return
        after = found[-1].id
        if lines := [report.body for report in found if report.state != EMPTY and report.body]:
            yield b"\n".join(lines) + b"\n"
