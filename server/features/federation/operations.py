"""Decide on peers: contradictions, new keys and throttles; announce a restore; retract leftovers."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from pydantic import Field

from server.features.federation import decisions, leftovers, origins, own_state
from server.features.federation.decisions import ACCEPT_KEY, COUNT_AGAIN
from server.features.federation.origins import RESTORED, THROTTLED
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, DualControlOperation, Operation, Proposed, TrailEntry
from server.operations.rights import ADMINS, ANALYSTS, APPROVERS
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.release.retract import Retracted
from server.store.database.engine import Tx


class PeerNotThrottled(LookupError):
    """The peer is not throttled."""


class CountPeerAgain(DualControlOperation[None]):
    """Count a peer again that signed two contradictory hub reports, after its operators explained them."""

    name: ClassVar[str] = "peer decide"
    rights: ClassVar[frozenset[str]] = APPROVERS
    verb: ClassVar[str] = "DECIDE"
    what: ClassVar[str] = "peer"
    dual_control: ClassVar[str] = "always"
    actions: ClassVar[tuple[DualControlAction, ...]] = (COUNT_AGAIN,)

    peer: PeerHub = Field(description="the peer")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person, because the reports of the peer list values again."""
        return Proposed(COUNT_AGAIN, decisions.of_peer(self.peer))

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Decide the contradictions. Raises ``NothingToDecide``."""
        decisions.count_again(tx, self.peer.origin)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the origin."""
        return [TrailEntry(self.verb, self.what, reference=self.peer.origin)]


class AcceptPeerKey(DualControlOperation[None]):
    """Accept the new key that a peer announces, after it was compared through another channel."""

    name: ClassVar[str] = "peer confirm-key"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "CONFIRM-KEY"
    what: ClassVar[str] = "peer"
    dual_control: ClassVar[str] = "always"
    actions: ClassVar[tuple[DualControlAction, ...]] = (ACCEPT_KEY,)

    peer: PeerHub = Field(description="the peer")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person, because reports signed by the key count from then on."""
        return Proposed(ACCEPT_KEY, decisions.of_peer(self.peer))

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Accept the key. Raises ``NothingToDecide``."""
        decisions.accept_key(tx, self.peer.origin)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the origin."""
        return [TrailEntry(self.verb, self.what, reference=self.peer.origin)]


class LiftPeerThrottle(Operation[None]):
    """Lift the throttle of a peer; the reviews of what it sent beyond its limits stay open."""

    name: ClassVar[str] = "peer lift-throttle"
    rights: ClassVar[frozenset[str]] = APPROVERS
    verb: ClassVar[str] = "LIFT"
    what: ClassVar[str] = "throttle"

    peer: PeerHub = Field(description="the peer")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Lift the throttle. Raises ``PeerNotThrottled``."""
        found = origins.lock(tx, [self.peer.origin])[self.peer.origin]
        if THROTTLED not in found.words:
            raise PeerNotThrottled(f"{self.peer.name}: this peer is not throttled")
        origins.set_word(tx, self.peer.origin, THROTTLED, on=False)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the origin."""
        return [TrailEntry(self.verb, self.what, reference=self.peer.origin, objects=0)]


class AnnounceRestore(Operation[None]):
    """Sign a new head of the hub reports that remain after a restore, so that peers replace their copies by these."""

    name: ClassVar[str] = "peer restored"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "RESTORE"
    what: ClassVar[str] = "hub-reports"

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Let the publisher sign new heads. Raises ``NotPublished``."""
        own = origins.own(tx)
        if not own.origin:
            raise own_state.NotPublished("this hub has not published any hub report: there is no head to replace")
        origins.lock(tx, [own.origin])
        origins.set_word(tx, own.origin, RESTORED, on=False)
        own_state.sign_anew(tx)


class RetractLeftovers(Operation[Sequence[Retracted]]):
    """Retract the second-hand reports of values that no first-hand report lists; none counts as wrong."""

    name: ClassVar[str] = "peer leftovers"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "RETRACT"
    what: ClassVar[str] = "report"

    subjects: tuple[str, ...] = Field(max_length=1_000, description="the values, each with its kind")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Sequence[Retracted]:
        """Retract the reports of those values that are still leftovers."""
        return leftovers.retract(hub, tx, self.subjects)

    def entries(self, result: Sequence[Retracted]) -> Iterable[TrailEntry]:
        """Return an entry for each report."""
        return [
            TrailEntry(self.verb, self.what, partner=revoked.partner, reference=revoked.indicator) for revoked in result
        ]
