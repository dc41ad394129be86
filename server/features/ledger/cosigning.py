"""Store cosignatures of this hub's logs, and the checkpoints of other hubs that this hub cosigns."""

import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from schemas.tlog.notes import NoteSignature, SignedNote
from schemas.tlog.proofs import Checkpoint, CheckpointAddition
from server.store import Store, feed_state
from server.store.ledger import heads, witnesses

# No feed has such a name.
_LEASE = ":witnesses"
_LEASE_SECONDS = 60.0


def keep(
    store: Store,
    collection: int,
    size: int,
    note: SignedNote,
    lines: Sequence[NoteSignature],
    signed: Iterable[tuple[str, int | None]],
    *,
    in_passing: bool = False,
) -> None:
    """Store cosignatures of a checkpoint, with the names and clocks (seconds) of their witnesses."""
    with store.begin(in_passing=in_passing) as tx:
        heads.cosign(tx, collection, size, note, lines)
        for name, at in signed:
            witnesses.note_cosigned(tx, name, collection, size, at)


def follow(store: Store, hub: str, checkpoint: Checkpoint, addition: CheckpointAddition) -> None:
    """Record a checkpoint of another hub before this hub cosigns it. Raises ``OutOfDate`` and ``BadProof``."""
    with store.begin() as tx:
        witnesses.follow(tx, hub, checkpoint, addition.old, addition.hashes)


@contextmanager
def asking(store: Store) -> Iterator[bool]:
    """Yield whether this process may ask the witnesses now: of all processes of a hub, one asks at a time."""
    with store.begin(in_passing=True) as tx:
        lease = feed_state.acquire_lease(tx, _LEASE, f"{socket.gethostname()}:{os.getpid()}", _LEASE_SECONDS)
    try:
        yield lease is not None
    finally:
        if lease is not None:
            with store.begin(in_passing=True) as tx:
                feed_state.release_lease(tx, lease)
