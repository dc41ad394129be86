"""Decisions on an origin that need two persons: count it again after a contradiction, and accept its new key."""

from typing import Any

from sqlalchemy import select, update

from schemas.tlog.notes import VerifierKey
from server.features.federation import origins, pending
from server.features.federation.origins import CONTRADICTS, NEW_KEY
from server.features.federation.tables import hub_contradictions
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store import audit
from server.store.database.engine import Tx
from server.store.database.times import now, stamp
from server.store.proposals.proposals import Effect

_contradiction = hub_contradictions.c


class NothingToDecide(LookupError):
    """The origin has no open contradiction, or announces no key that waits."""


def of_peer(peer: PeerHub) -> dict[str, Any]:
    """Return the arguments of a decision on a peer."""
    return {"peer": peer.name, "origin": peer.origin}


def open_contradictions(tx: Tx, origin: str) -> list[tuple[int, str, int]]:
    """Return the open contradictions of an origin: number, peer that delivered it, and when (microseconds)."""
    asked = select(_contradiction.number, _contradiction.peer, _contradiction.received)
    mine = asked.where(_contradiction.origin == origin, _contradiction.decided.is_(None))
    return [(row[0], row[1], row[2]) for row in tx.execute(mine.order_by(_contradiction.number))]


def count_again(tx: Tx, origin: str) -> None:
    """Decide all open contradictions of an origin, so that it counts. Raises ``NothingToDecide``."""
    origins.lock(tx, [origin])
    mine = (_contradiction.origin == origin, _contradiction.decided.is_(None))
    if not tx.execute(update(hub_contradictions).where(*mine).values(decided=now())).rowcount:
        raise NothingToDecide(f"{origin}: no contradiction of this origin is open")
    origins.set_word(tx, origin, CONTRADICTS, on=False)
    pending.note_origin(tx, origin)


def waiting_key(tx: Tx, origin: str) -> VerifierKey | None:
    """Return the new key that an origin announces and that waits for a decision, or None."""
    found = origins.all_origins(tx).get(origin)
    if found is None or NEW_KEY not in found.words or not found.next_key:
        return None
    return VerifierKey.parse(found.next_key)


def accept_key(tx: Tx, origin: str) -> None:
    """Accept the key that an origin announces. Raises ``NothingToDecide``."""
    origins.lock(tx, [origin])
    if waiting_key(tx, origin) is None:
        raise NothingToDecide(f"{origin}: no new key of this origin waits for a decision")
    origins.set_word(tx, origin, NEW_KEY, on=False)


def _effects_of_counting(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    found = open_contradictions(tx, arguments["origin"])
    if not found:
        raise NothingToDecide(f"{arguments['peer']}: no contradiction of this peer is open")
    lines = [Effect("peer-counts-again", {"peer": arguments["peer"]})]
    lines += [Effect("peer-contradiction", {"number": number, "received": stamp(at)}) for number, _, at in found[:20]]
    return Effects(lines, [number for number, _, _ in found])


def _count_again(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> list[Effect]:
    count_again(tx, arguments["origin"])
    audit.record_act(tx, signatures.confirmed_by, "DECIDE", "peer", reference=arguments["origin"])
    return [Effect("peer-counts-again", {"peer": arguments["peer"]})]


def _effects_of_key(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    key = waiting_key(tx, arguments["origin"])
    if key is None:
        raise NothingToDecide(f"{arguments['peer']}: no new key of this peer waits for a decision")
    line = Effect("peer-key", {"peer": arguments["peer"], "key": str(key)})
    return Effects([line], str(key))


def _accept_key(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> list[Effect]:
    key = waiting_key(tx, arguments["origin"])
    accept_key(tx, arguments["origin"])
    audit.record_act(tx, signatures.confirmed_by, "CONFIRM-KEY", "peer", reference=arguments["origin"])
    return [Effect("peer-key", {"peer": arguments["peer"], "key": str(key)})]


COUNT_AGAIN = DualControlAction("count-peer-again", _effects_of_counting, _count_again)
ACCEPT_KEY = DualControlAction("accept-peer-key", _effects_of_key, _accept_key)
