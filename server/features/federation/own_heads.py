"""The heads of this hub's own streams: signed after each change, and once an hour."""

from collections.abc import Mapping

from sqlalchemy import delete, insert, select

from schemas.hub_head import HubHead
from server.features.federation import stored
from server.features.federation.own_state import OwnState
from server.features.federation.tables import hub_heads
from server.features.ledger.keys import LogKey
from server.store.database.engine import Tx
from server.store.database.times import moment, now

# Seconds between two heads without changes.
EVERY = 3600


def sign(tx: Tx, identity: str, state: OwnState, key: LogKey, numbers: Mapping[str, int]) -> None:
    """Sign a head of each of these streams, with their numbers. Raises ``BadSigningKey``."""
    at, origin, announced = now(), key.verifier.name, state.announced
    for stream, number in numbers.items():
        found = stored.of_stream(tx, origin, stream)
        head = HubHead(
            origin=identity,
            stream=stream,
            number=number,
            reports=found.reports,
            digest=found.digest,
            at=moment(at // 1000 * 1000),
            every=EVERY,
            ends=None if state.ends is None else moment(state.ends // 1000 * 1000),
            recovery_key=announced.recovery_key,
            next_key=announced.next_key,
            next_by=announced.next_by,
            next_signature=announced.next_signature,
            next_proof=announced.next_proof,
        )
        row = {"origin": origin, "stream": stream, "number": number, "body": head.sign(key), "peer": ""}
        tx.execute(delete(hub_heads).where(hub_heads.c.origin == origin, hub_heads.c.stream == stream))
        tx.execute(insert(hub_heads).values(**row, received=at, completed=number))


def numbers(tx: Tx, origin: str) -> dict[str, int]:
    """Return the numbers of this hub's newest heads, by stream."""
    asked = select(hub_heads.c.stream, hub_heads.c.number).where(hub_heads.c.origin == origin)
    return {row[0]: row[1] for row in tx.execute(asked)}
