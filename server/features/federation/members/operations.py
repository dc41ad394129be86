"""Link organisations, register their numbers, and store the comparisons of members with peers."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from pydantic import Field, SecretStr

from schemas.api.overlap import CommonMembers
from schemas.partner import Partner
from server.features.federation.members import comparing, linking, overlaps, registers
from server.features.federation.members.comparing import CommonMember
from server.features.partners import notices
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ADMINS, ANALYSTS, PARTNER_ADMINS, PROGRAMS
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store import partners
from server.store.database.engine import Tx


class NotLinked(LookupError):
    """The organisation is not linked."""


class LinkPartner(Operation[None]):
    """Link an organisation by its secret, so that it counts once at all hubs that have this secret."""

    name: ClassVar[str] = "partner link"
    rights: ClassVar[frozenset[str]] = ADMINS | PARTNER_ADMINS
    verb: ClassVar[str] = "LINK"
    what: ClassVar[str] = "partner"

    partner: Partner = Field(description="a partner of the organisation")
    secret: SecretStr = Field(description="the secret of the organisation, the same at each of its hubs")

    def acts_for(self) -> str | None:
        """Return the partner."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Store the link, and tell the partner. Raises ``UnknownPartner`` and ``BadLinkSecret``."""
        partner = partners.get(tx, self.partner.name)
        linking.link(tx, partner.counts_as, linking.secret_of(self.secret.get_secret_value()))
        _tell(tx, partner, actor, "linked")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the identity of the partner."""
        return [TrailEntry(self.verb, self.what, reference=self.partner.identity)]


class LinkPublicList(Operation[None]):
    """Declare that a partner passes on a public list, so that the list counts once at all hubs that read it."""

    name: ClassVar[str] = "partner link-list"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "LINK"
    what: ClassVar[str] = "partner"

    partner: Partner = Field(description="the partner as which the hub reads the list")
    public_list: str = Field(description="the name of the list, the same at each hub, such as urlhaus")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Store the link. Raises ``UnknownPartner`` and ``BadLinkSecret``."""
        partner = partners.get(tx, self.partner.name)
        linking.link(tx, partner.counts_as, linking.secret_of_list(self.public_list))

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the identity of the partner."""
        return [TrailEntry(self.verb, self.what, reference=self.partner.identity)]


class UnlinkPartner(Operation[None]):
    """End the link of an organisation; at each hub it counts as another organisation again."""

    name: ClassVar[str] = "partner unlink"
    rights: ClassVar[frozenset[str]] = ADMINS | PARTNER_ADMINS
    verb: ClassVar[str] = "UNLINK"
    what: ClassVar[str] = "partner"

    partner: Partner = Field(description="a partner of the organisation")

    def acts_for(self) -> str | None:
        """Return the partner."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """End the link, and tell the partner. Raises ``UnknownPartner`` and ``NotLinked``."""
        partner = partners.get(tx, self.partner.name)
        if not linking.unlink(tx, partner.counts_as):
            raise NotLinked(f"{partner.name}: its organisation is not linked")
        _tell(tx, partner, actor, "unlinked")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the identity of the partner."""
        return [TrailEntry(self.verb, self.what, reference=self.partner.identity)]


class SetRegisterNumber(Operation[bool]):
    """Register or remove a number of an organisation in a register of companies; the result is whether that changed."""

    name: ClassVar[str] = "partner register"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "REGISTER"
    what: ClassVar[str] = "partner"

    partner: Partner = Field(description="a partner of the organisation")
    number: str = Field(description="the number with its register, such as GB:00000006 or LEI:…")
    removes: bool = Field(False, description="the number is no longer its own")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> bool:
        """Store or remove the number. Raises ``UnknownPartner`` and ``Rejected``."""
        organisation = partners.get(tx, self.partner.name).counts_as
        change = registers.remove if self.removes else registers.add
        return change(tx, organisation, registers.normal_number(self.number))

    def entries(self, result: bool) -> Iterable[TrailEntry]:
        """Return the entry with the identity of the partner, if anything changed."""
        return [TrailEntry(self.verb, self.what, reference=self.partner.identity)] if result else []


class StoreOverlap(Operation[None]):
    """Store the members that this hub has in common with a peer."""

    name: ClassVar[str] = "peer overlap"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "COMPARE"
    what: ClassVar[str] = "peer"

    peer: PeerHub = Field(description="the peer")
    common: Sequence[CommonMember] = Field(description="the common members, as the comparison found them")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Store the result in place of the last one."""
        overlaps.store(tx, self.peer.origin, "here", self.common)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the origin of the peer and the number of common members."""
        return [TrailEntry(self.verb, self.what, reference=self.peer.origin, objects=len(self.common))]


class ReceiveOverlap(Operation[int]):
    """Store the common members that a peer found; the result is the number of those that this hub has."""

    name: ClassVar[str] = "peer overlap receive"
    rights: ClassVar[frozenset[str]] = PROGRAMS
    verb: ClassVar[str] = "COMPARE"
    what: ClassVar[str] = "peer"

    partner: Partner = Field(description="the partner as which the peer reads")
    peer: PeerHub = Field(description="the peer")
    told: CommonMembers = Field(description="the common members, as the peer names them")

    def acts_for(self) -> str | None:
        """Return the partner."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> int:
        """Store the members that this hub has."""
        common = comparing.common_told(registers.members(hub, tx), self.told)
        overlaps.store(tx, self.peer.origin, "there", common)
        return len(common)

    def entries(self, result: int) -> Iterable[TrailEntry]:
        """Return the entry with the number of common members."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, objects=result)]


def _tell(tx: Tx, partner: Partner, actor: Actor, code: str) -> None:
    """Tell a partner about a change that operators made."""
    if actor.partner is None:
        notices.add(tx, partner.name, code, {})
