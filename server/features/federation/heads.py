"""Receive the heads of other hubs, and complete sets by them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.hub_head import HubHead, SignedHubHead
from schemas.hub_report import OPEN
from schemas.tlog import BadFormat
from schemas.tlog.notes import VerifierKey
from server.features.federation import contradictions, origins, receiving, settling
from server.features.federation.checking import (
    NOT_FOR_US,
    PASSED_ON,
    TOO_MANY,
    Received,
    check_head,
)
from server.features.federation.origins import NEW_KEY, Origin
from server.features.federation.settling import StoredHead
from server.release.hub import Hub
from server.release.peers import PeerHub, peer_of
from server.store import hub_identity
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows
from server.store.database.times import micros, now

# A hub knows at most some hundred others, each with two streams for it.
MOST_HEADS = 1_000


@dataclass
class HeadsTaken:
    """The streams of which a peer has the newest head, and its refused heads by reason."""

    newest: set[tuple[str, str]] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)


def take_heads(hub: Hub, tx: Tx, peer: PeerHub, received: Sequence[Received]) -> HeadsTaken:
    """Store the heads that are newer than the stored ones. A bad head stops no other."""
    keys, own, result = origins.trusted_keys(tx, hub), origins.own(tx), HeadsTaken()
    refused: Counter[tuple[str, str]] = Counter()
    found: list[SignedHubHead] = []
    for one in received[:MOST_HEADS]:
        signed = check_head(keys, one)
        if isinstance(signed, str):
            refused["", signed] += 1
        elif reason := _why_refused(peer, signed, hub_identity.identity(tx)):
            refused[signed.origin, reason] += 1
        else:
            found.append(signed)
    if len(received) > MOST_HEADS:
        refused["", TOO_MANY] += len(received) - MOST_HEADS
    known = origins.lock(tx, {signed.origin for signed in found})
    for signed in sorted(found, key=lambda signed: (signed.head.number, signed.head.at)):
        if signed.origin == own.origin:
            if signed.head.stream == OPEN:
                origins.note_restored(tx, own, signed.head.number)
        elif _take(hub, tx, peer, signed, known[signed.origin]):
            result.newest.add((signed.origin, signed.head.stream))
    origins.note_refusals(tx, peer.name, {key: (count, "") for key, count in refused.items()})
    for (_, reason), count in refused.items():
        result.refused[reason] += count
    return result


def unmatched(tx: Tx, taken: HeadsTaken) -> list[tuple[str, str]]:
    """Return the streams, of those that a peer has the newest head of, whose stored set this head does not sign."""
    return [
        (origin, stream)
        for origin, stream in sorted(taken.newest)
        if (found := settling.head_of(tx, origin, stream)) is not None and not settling.is_complete(tx, found)
    ]


def _why_refused(peer: PeerHub, signed: SignedHubHead, identity: str) -> str | None:
    stream = signed.head.stream
    if stream == OPEN:
        return None
    if stream != identity:
        return NOT_FOR_US
    return None if peer.origin == signed.origin else PASSED_ON


def _take(hub: Hub, tx: Tx, peer: PeerHub, signed: SignedHubHead, known: Origin) -> bool:
    """Store a head if it is newer; return whether it is the newest, also if it was known, of an origin that goes on."""
    head, before = signed.head, settling.head_of(tx, signed.origin, signed.head.stream)
    retired = settling.retired(known, before)
    if retired is not None and signed.key_id != retired.key_id:
        return False
    if before is not None:
        stored_head = before.head
        if (head.number, head.at) < (stored_head.number, stored_head.at):
            return False
        if head.number == stored_head.number:
            other = check_head(origins.trusted_keys(tx, hub), before.body)
            if isinstance(other, SignedHubHead) and contradictions.differ(other, signed):
                receiving.contradict(tx, contradictions.of(other, signed), peer)
                return False
        if head.at == stored_head.at and head.number == stored_head.number:
            return not _is_over(hub, before)
    completed = before.completed if before else 0
    row = (signed.origin, head.stream, head.number, signed.body, peer.name, _heard(hub, signed), completed)
    _STORE.run(tx, [row])
    _learn(hub, tx, head, known)
    settling.settle(tx, signed.origin, head.stream)
    return True


def _heard(hub: Hub, signed: SignedHubHead) -> int:
    """Return the time at which a head counts as heard: now, but at most one lease after its signature.

    Otherwise a relay that delays heads, and delivers one within each lease, would keep an old state current.
    """
    peer = peer_of(hub.peers, signed.origin)
    return now() if peer is None else min(now(), micros(signed.head.at + peer.lease))


def _is_over(hub: Hub, found: StoredHead) -> bool:
    """Return whether the origin of a head closed, or has been silent for so long that its reports were deleted."""
    peer = peer_of(hub.peers, found.origin)
    return peer is None or settling.is_over(peer, [found], found.received, found.received, now())


def _learn(hub: Hub, tx: Tx, head: HubHead, known: Origin) -> None:
    """Store the identity, and the keys that the head announces.

    A next key is accepted if it is also signed by a recovery key of an earlier head; otherwise a person confirms it.
    """
    origins.learn(tx, known, identity=head.origin)
    if head.recovery_key is not None and known.recovery_key is None:
        origins.learn(tx, known, recovery_key=head.recovery_key)
    peer = peer_of(hub.peers, known.origin)
    if peer is None or head.next_key in (None, known.next_key, str(peer.key)):
        return
    accepted = any(
        head.confirms_next(key, _parsed(known.recovery_key)) is not None
        for key in origins.trusted_keys(tx, hub).values()
        if key.name == known.origin
    )
    origins.learn(tx, known, next_key=head.next_key)
    origins.set_word(tx, known.origin, NEW_KEY, on=not accepted)


def _parsed(text: str | None) -> VerifierKey | None:
    try:
        return VerifierKey.parse(text) if text else None
    except BadFormat:
        return None


_STORE = ManyRows(
    "INSERT INTO hub_heads (origin, stream, number, body, peer, received, completed) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (origin, stream) DO UPDATE SET number = excluded.number, body = excluded.body,"
    " peer = excluded.peer, received = excluded.received",
    "INSERT INTO hub_heads (origin, stream, number, body, peer, received, completed)"
    " SELECT * FROM unnest({arrays})"
    " ON CONFLICT (origin, stream) DO UPDATE SET number = excluded.number, body = excluded.body,"
    " peer = excluded.peer, received = excluded.received",
    ("text", "text", "bigint", "bytea", "text", "bigint", "bigint"),
)
