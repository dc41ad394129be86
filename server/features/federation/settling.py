"""Complete sets: whether the stored hub reports of a stream are those that its newest head signs."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, select, update

from schemas.hub_head import HubHead, read_head
from schemas.hub_report import key_ref
from server.features.federation import origins, stored
from server.features.federation.origins import Origin
from server.features.federation.tables import hub_heads
from server.release.peers import PeerHub
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.store.tables import columns_of


class StoredHead(NamedTuple):
    """The newest head of a stream, as received; ``completed`` is the number of the last head with a complete set."""

    origin: str
    stream: str
    number: int
    body: bytes
    peer: str
    received: int
    completed: int = 0

    @property
    def head(self) -> HubHead:
        """Return its content."""
        return read_head(self.body).head


class Retired(NamedTuple):
    """The id of the key that replaced all others of its origin, and the number of the newest head that it signed.

    A thief of the old key has no use for it: what it signs under a number up to that is dropped by the next head.
    """

    key_id: str
    number: int

    def is_retired(self, key_id: str, number: int) -> bool:
        """Return whether a key may no longer sign this number."""
        return key_id != self.key_id and number > self.number


def head_of(tx: Tx, origin: str, stream: str) -> StoredHead | None:
    """Return the newest head of a stream."""
    row = tx.execute(_ASKED.where(_c.origin == origin, _c.stream == stream)).first()
    return None if row is None else StoredHead._make(row)


def heads(tx: Tx) -> list[StoredHead]:
    """Return the newest heads of all streams."""
    return [StoredHead._make(row) for row in tx.execute(_ASKED.order_by(_c.origin, _c.stream))]


def completed(tx: Tx, origin: str) -> dict[str, int]:
    """Return by stream the number of the last head whose set was complete here."""
    asked = select(_c.stream, _c.completed).where(_c.origin == origin)
    return {row[0]: row[1] for row in tx.execute(asked)}


def is_complete(tx: Tx, found: StoredHead) -> bool:
    """Return whether the stored reports, without those above the head's number, are the set that the head signs."""
    head = found.head
    here = stored.of_stream(tx, found.origin, found.stream, up_to=found.number)
    return (here.reports, here.digest) == (head.reports, head.digest)


def settle(tx: Tx, origin: str, stream: str) -> bool:
    """Note whether the set of a stream is complete; objects that are not newer than its head are ignored from then on.

    The caller has locked the origin.
    """
    found = head_of(tx, origin, stream)
    if found is None or not is_complete(tx, found):
        return False
    if found.completed < found.number:
        tx.execute(update(hub_heads).where(_c.origin == origin, _c.stream == stream).values(completed=found.number))
    origins.close_gaps(tx, origin, stream)
    return True


def retired(origin: Origin, found: StoredHead | None) -> Retired | None:
    """Return which keys of an origin are retired: all but its next key, once that signed the newest head."""
    following = origin.successor
    if following is None or found is None or found.head.key != key_ref(following):
        return None
    return Retired(following.id.hex(), found.number)


def forget(tx: Tx, origin: str, *, is_known: bool) -> None:
    """Forget the sets of an origin. The heads of a known one stay, so that other hubs cannot deliver it again."""
    mine = _c.origin == origin
    tx.execute(update(hub_heads).where(mine).values(completed=_c.number) if is_known else delete(hub_heads).where(mine))


def is_over(peer: PeerHub, found: Iterable[StoredHead], heard: int | None, since: int, at: int) -> bool:
    """Return whether an origin closed, or has been silent for too long, at a moment (microseconds).

    ``found`` are its heads. ``heard`` is when the last one arrived, None before the first; then ``since`` counts.
    """
    if at - (since if heard is None else heard) > peer.forget_after.total_seconds() * 1_000_000:
        return True
    ends = (head.head.ends for head in found)
    return any(end is not None and micros(end) <= at for end in ends)


_c = hub_heads.c
_ASKED = select(*columns_of(StoredHead, hub_heads))
