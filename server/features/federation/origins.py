"""Known origins: their trusted keys, the words of their states, and refused objects.

An origin's row is locked by each transaction that changes its reports, before any value is locked.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import delete, insert, or_, select, update

from schemas.hub_report import OPEN
from schemas.tlog import BadFormat
from schemas.tlog.notes import VerifierKey
from server.features.federation.tables import (
    hub_contradictions,
    hub_deliveries,
    hub_gaps,
    hub_heads,
    hub_origins,
    hub_publishing,
    hub_refusals,
)
from server.release.hub import Hub
from server.release.peers import PeerHub, peer_of
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows
from server.store.database.times import now
from server.store.tables import columns_of

logger = logging.getLogger(__name__)

# Contradictions of an origin that wait for a decision; more would tell operators nothing new.
_MOST_OPEN = 20
# Words of an origin's row.
STALE, CONTRADICTS, THROTTLED, NEW_KEY, RESTORED = "stale", "contradicts", "throttled", "new-key", "restored"


class Origin(NamedTuple):
    """A known origin: its identity and keys, the words of its state, and when this hub learned of it."""

    origin: str
    identity: str | None = None
    next_key: str | None = None
    recovery_key: str | None = None
    state: str = ""
    since: int = 0

    @property
    def words(self) -> frozenset[str]:
        """Return the words of its state."""
        return frozenset(self.state.split())

    @property
    def successor(self) -> VerifierKey | None:
        """Return its next key if that was accepted."""
        if not self.next_key or NEW_KEY in self.words:
            return None
        try:
            return VerifierKey.parse(self.next_key)
        except BadFormat:
            return None


class OwnOrigin(NamedTuple):
    """This hub as an origin, and the largest number that it gave; the origin is empty before it publishes."""

    origin: str = ""
    number: int = 0


class Refusals(NamedTuple):
    """The number of refused objects of an origin by one reason, from one peer; ``example`` is the id of one of them."""

    peer: str
    origin: str
    reason: str
    objects: int
    last: int
    example: str


def lock(tx: Tx, names: Iterable[str]) -> dict[str, Origin]:
    """Lock the rows of these origins, adding missing ones, and return them by name."""
    wanted = sorted(set(names))
    _ADD.run(tx, [(name, "", now()) for name in wanted])
    asked = select(*_COLUMNS).where(hub_origins.c.origin.in_(wanted)).order_by(hub_origins.c.origin)
    return {row[0]: Origin._make(row) for row in tx.execute(asked.with_for_update())}


def all_origins(tx: Tx) -> dict[str, Origin]:
    """Return the known origins by name."""
    return {row[0]: Origin._make(row) for row in tx.execute(select(*_COLUMNS))}


def set_word(tx: Tx, origin: str, word: str, *, on: bool = True) -> None:
    """Add a word to the state of a locked origin, or remove it."""
    mine = hub_origins.c.origin == origin
    words = set((tx.execute(select(hub_origins.c.state).where(mine)).scalar() or "").split())
    if (word in words) != on:
        tx.execute(update(hub_origins).where(mine).values(state=" ".join(sorted(words ^ {word}))))


def learn(tx: Tx, found: Origin, **changes: str | None) -> None:
    """Store what a signed object of the origin says about itself, if it is new."""
    if any(getattr(found, name) != value for name, value in changes.items()):
        tx.execute(update(hub_origins).where(hub_origins.c.origin == found.origin).values(**changes))


def trusted_keys(tx: Tx, hub: Hub) -> dict[tuple[str, bytes], VerifierKey]:
    """Return the keys whose signatures count, by name and id: those of the configuration and accepted successors.

    This hub's own key is one: a peer may show it reports that it lost.
    """
    found = [peer.key for peer in hub.peers]
    found += [VerifierKey.parse(key) for key in tx.scalars(select(hub_publishing.c.key))]
    known = (origin for origin in all_origins(tx).values() if peer_of(hub.peers, origin.origin) is not None)
    found += filter(None, (origin.successor for origin in known))
    return {(key.name, key.id): key for key in found}


def own(tx: Tx) -> OwnOrigin:
    """Return this hub as an origin."""
    row = tx.execute(select(hub_publishing.c.key, hub_publishing.c.number)).first()
    return OwnOrigin() if row is None else OwnOrigin(VerifierKey.parse(row.key).name, row.number)


def note_restored(tx: Tx, here: OwnOrigin, number: int) -> None:
    """Note that another hub has a head or a report of this hub's open stream with that number.

    If the number is above that of the stream's newest head, this hub was restored from a backup. It then signs new
    heads, with larger numbers.
    """
    asked = select(hub_heads.c.number).where(hub_heads.c.origin == here.origin, hub_heads.c.stream == OPEN)
    newest = tx.execute(asked).scalar() or 0
    if number > newest:
        logger.warning("hub-restored newest=%d shown=%d", newest, number)
        lock(tx, [here.origin])
        set_word(tx, here.origin, RESTORED)
        tx.execute(update(hub_publishing).values(number=max(number, here.number), signed=0))


def note_deliveries(tx: Tx, peer: str, delivered: Mapping[str, int]) -> None:
    """Count the new reports that a peer delivered, by origin."""
    moment = now()
    _DELIVER.run(tx, [(peer, origin, count, moment) for origin, count in sorted(delivered.items())])


def deliveries(tx: Tx) -> dict[str, dict[str, int]]:
    """Return by origin the peers that delivered reports, with the time of the last (microseconds)."""
    found: dict[str, dict[str, int]] = {}
    for origin, peer, last in tx.execute(select(hub_deliveries.c.origin, hub_deliveries.c.peer, hub_deliveries.c.last)):
        found.setdefault(origin, {})[peer] = last
    return found


def last_heard(tx: Tx) -> dict[str, int]:
    """Return by origin when the newest head of its open stream arrived (microseconds)."""
    asked = select(hub_heads.c.origin, hub_heads.c.received).where(hub_heads.c.stream == OPEN)
    return {row[0]: row[1] for row in tx.execute(asked)}


def is_stale(peer: PeerHub, heard: int | None, since: int, at: int) -> bool:
    """Return whether an origin has been silent for longer than its lease at a moment (microseconds).

    Without any head, its lease begins when this hub first learned of it.
    """
    return at - (since if heard is None else heard) > peer.lease.total_seconds() * 1_000_000


def note_refusals(tx: Tx, peer: str, refused: Mapping[tuple[str, str], tuple[int, str]]) -> None:
    """Count refused objects of a peer, by origin and reason: how many, and the id of one of them."""
    moment = now()
    _REFUSE.run(
        tx,
        [
            (peer, origin, reason, count, moment, example)
            for (origin, reason), (count, example) in sorted(refused.items())
        ],
    )


def all_refusals(tx: Tx) -> list[Refusals]:
    """Return the refused objects by peer, origin and reason."""
    asked = select(hub_refusals).order_by(hub_refusals.c.peer, hub_refusals.c.origin, hub_refusals.c.reason)
    return [Refusals._make(row) for row in tx.execute(asked)]


def note_gap(tx: Tx, peer: str, origin: str, stream: str) -> None:
    """Note that the set which a peer has of a stream is not the set that its newest head signs."""
    _GAP.run(tx, [(peer, origin, stream, now())])


def close_gaps(tx: Tx, origin: str, stream: str, peer: str | None = None) -> None:
    """Forget that the sets of all peers, or of one, were incomplete."""
    mine = [hub_gaps.c.origin == origin, hub_gaps.c.stream == stream]
    if peer is not None:
        mine.append(hub_gaps.c.peer == peer)
    tx.execute(delete(hub_gaps).where(*mine))


def gaps(tx: Tx) -> dict[str, set[str]]:
    """Return by origin the names of the peers whose sets are incomplete."""
    found: dict[str, set[str]] = {}
    for origin, peer in tx.execute(select(hub_gaps.c.origin, hub_gaps.c.peer)):
        found.setdefault(origin, set()).add(peer)
    return found


def note_contradiction(tx: Tx, origin: str, number: int, bodies: tuple[bytes, bytes], peer: str) -> bool:
    """Store two signed bodies with one number, in a fixed order; return whether the pair is new.

    A few open pairs of an origin suffice; further pairs are treated as known.
    """
    mine = hub_contradictions.c.origin == origin
    is_open = or_(hub_contradictions.c.decided.is_(None), hub_contradictions.c.number == number)
    known = set(tx.execute(select(hub_contradictions.c.number).where(mine, is_open).limit(_MOST_OPEN)).scalars())
    if number in known or len(known) == _MOST_OPEN:
        return False
    first, second = sorted(bodies)
    row = {"origin": origin, "number": number, "first": first, "second": second, "peer": peer, "received": now()}
    tx.execute(insert(hub_contradictions).values(**row))
    return True


def contradicting(tx: Tx) -> set[str]:
    """Return the origins with a contradiction that no person has decided."""
    asked = select(hub_contradictions.c.origin).where(hub_contradictions.c.decided.is_(None)).distinct()
    return set(tx.execute(asked).scalars())


_COLUMNS = columns_of(Origin, hub_origins)
_ADD = ManyRows(
    "INSERT INTO hub_origins (origin, state, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    "INSERT INTO hub_origins (origin, state, since) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
    ("text", "text", "bigint"),
)
_REFUSE = ManyRows(
    "INSERT INTO hub_refusals (peer, origin, reason, count, last, example) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (peer, origin, reason) DO UPDATE SET count = hub_refusals.count + excluded.count,"
    " last = excluded.last, example = excluded.example",
    "INSERT INTO hub_refusals (peer, origin, reason, count, last, example) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (peer, origin, reason) DO UPDATE SET count = hub_refusals.count + excluded.count,"
    " last = excluded.last, example = excluded.example",
    ("text", "text", "text", "bigint", "bigint", "text"),
)
_GAP = ManyRows(
    "INSERT INTO hub_gaps (peer, origin, stream, since) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    "INSERT INTO hub_gaps (peer, origin, stream, since) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
    ("text", "text", "text", "bigint"),
)
_DELIVER = ManyRows(
    "INSERT INTO hub_deliveries (peer, origin, reports, last) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (peer, origin) DO UPDATE SET reports = hub_deliveries.reports + excluded.reports,"
    " last = excluded.last",
    "INSERT INTO hub_deliveries (peer, origin, reports, last) SELECT * FROM unnest({arrays})"
    " ON CONFLICT (peer, origin) DO UPDATE SET reports = hub_deliveries.reports + excluded.reports,"
    " last = excluded.last",
    ("text", "text", "bigint", "bigint"),
)
