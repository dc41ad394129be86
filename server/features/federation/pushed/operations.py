"""Take the heads that a peer sends if this hub does not read from it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from schemas.partner import Partner
from server.features.federation import heads, origins
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import PROGRAMS
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store.database.engine import Tx


class HeadsReceived(NamedTuple):
    """The number of heads that were accepted, the refused ones by reason, and the origins with incomplete sets."""

    accepted: int
    refused: Counter[str]
    incomplete: Sequence[str]


class ReceiveHeads(Operation[HeadsReceived]):
    """Take heads that a peer sends after its hub reports."""

    name: ClassVar[str] = "peer heads receive"
    rights: ClassVar[frozenset[str]] = PROGRAMS
    verb: ClassVar[str] = "RECEIVE"
    what: ClassVar[str] = "heads"

    partner: Partner = Field(description="the partner as which the peer reads")
    peer: PeerHub = Field(description="the peer")
    heads: Sequence[Any] = Field(description="the signed heads")

    def acts_for(self) -> str | None:
        """Return the partner."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> HeadsReceived:
        """Store the newer heads, and note a set that they do not sign: it is not completed automatically."""
        taken = heads.take_heads(hub, tx, self.peer, self.heads)
        incomplete = heads.unmatched(tx, taken)
        if not self.peer.url:
            for origin, stream in incomplete:
                origins.note_gap(tx, self.peer.name, origin, stream)
        known = origins.all_origins(tx)
        named = sorted({known[origin].identity or origin for origin, _ in incomplete})
        return HeadsReceived(len(taken.newest), taken.refused, named)

    def entries(self, result: HeadsReceived) -> Iterable[TrailEntry]:
        """Return the entry with the number of heads."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, objects=result.accepted)]
