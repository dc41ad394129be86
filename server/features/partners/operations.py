"""Register partners, change their properties, remove and restore them."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from schemas.partner import FocalFunction, Partner
from server.features.partners import depart, departures, membership, powers
from server.features.partners.access import changes as partner_access
from server.features.partners.grants import CollectionRights
from server.features.partners.issue import IssueAccess
from server.features.partners.membership import Joined
from server.features.partners.properties import Properties, changed_partner
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, DualControlOperation, Operation, Proposed, TrailEntry
from server.operations.rights import ADMINS, APPROVERS, COMMANDS
from server.release.hub import Hub
from server.store import partners, quotas, value_index
from server.store.database.engine import Tx
from server.store.database.times import now


class AddPartner(DualControlOperation[Joined]):
    """Register a partner, and issue its first credentials."""

    name: ClassVar[str] = "partner add"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "ADD"
    what: ClassVar[str] = "partner"
    dual_control: ClassVar[str] = (
        "where the partner is trusted, vouched for, a provider or a peer, has authority, or joins the organisation of "
        "others"
    )
    actions: ClassVar[tuple[DualControlAction, ...]] = (partner_access.ADD,)

    partner: Partner = Field(description="the partner, with its properties")
    collections: CollectionRights = Field(CollectionRights(), description="the collections granted to it")
    focal_point: tuple[FocalFunction, str] | None = Field(None, description="a contact, and the matter that it is for")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person for a partner with powers, or without the limits of a newcomer."""
        is_plain = not self.partner.has_powers and not self.partner.vouched
        if is_plain and not powers.joins_others(tx, self.partner):
            return None
        return Proposed(
            partner_access.ADD, partner_access.for_partner(self.partner, self.collections, self.focal_point)
        )

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Joined:
        """Register the partner. Raises ``NameTaken``, ``BadProperties``, and the errors of ``grants.give``."""
        joined = membership.add(hub, tx, self.partner, self.collections, actor.name)
        if self.focal_point is not None:
            membership.set_focal_point(tx, self.partner, *self.focal_point, actor.name)
        return joined

    def entries(self, result: Joined) -> Iterable[TrailEntry]:
        """Return none: the step has its own entry, also where a proposal is confirmed."""
        return ()


class ChangePartner(DualControlOperation[None]):
    """Change properties of a partner."""

    name: ClassVar[str] = "partner set"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "CHANGE"
    what: ClassVar[str] = "partner"
    dual_control: ClassVar[str] = (
        "where the partner becomes trusted, vouched for or a peer, gets authority or institutions, or joins the "
        "organisation of others; the rest changes at once"
    )
    actions: ClassVar[tuple[DualControlAction, ...]] = (partner_access.GIVE,)

    partner: Partner = Field(description="the partner")
    properties: Properties = Field(description="the properties to change; the others stay")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person for new powers, and change the other properties now."""
        before = partners.get(tx, self.partner.name)
        split = powers.split(tx, before, self.properties)
        if not split.by_two:
            return None
        rest = self.model_copy(update={"properties": split.now})
        return Proposed(partner_access.GIVE, partner_access.for_powers(before, split.by_two), now=rest)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Change the partner. Raises ``UnknownPartner`` and ``BadProperties``."""
        before = partners.get(tx, self.partner.name)
        membership.change(hub, tx, before, changed_partner(before, self.properties), actor.name)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return none: the step has its own entry, also where a proposal is confirmed."""
        return ()


class RemovePartner(DualControlOperation[None]):
    """End the access of a partner; its reports stay, or are retracted."""

    name: ClassVar[str] = "partner remove"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "REMOVE"
    what: ClassVar[str] = "partner"
    texts: ClassVar[tuple[str, ...]] = ("reason",)
    dual_control: ClassVar[str] = (
        "where reports are retracted that are public, or that more partners read than the setting two_persons_readers "
        "allows; the access ends at once"
    )
    actions: ClassVar[tuple[DualControlAction, ...]] = (departures.RETRACT_REPORTS,)

    partner: Partner = Field(description="the partner")
    reason: str | None = Field(None, description="why its reports are retracted; without it they stay")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person for the retraction of reports that many partners read, and end the access now."""
        partner = self._find(tx)
        if (
            self.reason is None
            or depart.is_retracting(tx, partner.name)
            or not departures.is_far_read(tx, partner, hub.most_readers_by_one)
        ):
            return None
        has_left = partner.name in partners.departed_partners(tx)
        arguments = {"partner": partner.name, "reason": self.reason}
        removal = None if has_left else self.model_copy(update={"reason": None})
        return Proposed(departures.RETRACT_REPORTS, arguments, now=removal)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """End the access, and begin the remaining work. Raises ``UnknownPartner``."""
        membership.remove(hub, tx, self._find(tx), self.reason, actor.name)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return none: the step has its own entry, also where a proposal is confirmed."""
        return ()

    def _find(self, tx: Tx) -> Partner:
        """Return the partner, also one that has left where work remains to be done for it."""
        name = self.partner.name
        return partners.get(tx, name, gone=self.reason is not None or name in depart.unfinished(tx))


class RestorePartner(IssueAccess[Joined]):
    """Let a partner that left return, with new credentials."""

    name: ClassVar[str] = "partner restore"
    verb: ClassVar[str] = "RESTORE"
    what: ClassVar[str] = "partner"

    collections: CollectionRights = Field(CollectionRights(), description="the collections granted to it")

    def find(self, tx: Tx) -> Partner:
        """Return the partner, which has left. Raises ``UnknownPartner``."""
        return partners.get(tx, self.partner.name, gone=True)

    def arguments(self, partner: Partner) -> Mapping[str, Any]:
        """Return the arguments of the proposal."""
        return partner_access.for_return(partner, self.collections)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Joined:
        """Restore the partner. Raises ``UnknownPartner``, ``NameTaken``, and the errors of ``grants.give``."""
        return membership.restore(hub, tx, self.find(tx), self.collections, actor.name)


class SetFocalPoints(Operation[None]):
    """Set or remove contacts of a partner, or of the hub."""

    name: ClassVar[str] = "partner focal-point"
    rights: ClassVar[frozenset[str]] = ADMINS
    verb: ClassVar[str] = "FOCAL-POINT"
    what: ClassVar[str] = "partner"

    partner: Partner | None = Field(None, description="the partner; without it, the hub")
    contacts: Mapping[FocalFunction, str | None] = Field(description="the contacts by matter; null removes one")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Set the contacts. Raises ``UnknownPartner``, and ``Rejected`` for the address of a person."""
        partner = None if self.partner is None else partners.get(tx, self.partner.name)
        for function, contact in self.contacts.items():
            membership.set_focal_point(tx, partner, function, contact, actor.name)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return none: each contact has its own entry with the contact before it, also of a new partner."""
        return ()


class SetOwnValues(Operation[list[str]]):
    """Register values as a partner's own, or end that; the result is the changed values."""

    name: ClassVar[str] = "partner own"
    rights: ClassVar[frozenset[str]] = COMMANDS
    verb: ClassVar[str] = "OWN"
    what: ClassVar[str] = "partner"

    partner: Partner = Field(description="the partner")
    subjects: tuple[str, ...] = Field(description="the values, each with its kind: domain:bank.example")
    removes: bool = Field(False, description="the values are no longer its own")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> list[str]:
        """Change the partner's own values. Raises ``UnknownPartner`` and ``OwnedByAnother``."""
        partners.get(tx, self.partner.name, gone=self.removes)
        change = value_index.remove_own_values if self.removes else value_index.add_own_values
        return list(change(tx, self.partner.name, list(self.subjects)))

    def entries(self, result: list[str]) -> Iterable[TrailEntry]:
        """Return an entry with the number of values."""
        verb = "DISOWN" if self.removes else self.verb
        return [TrailEntry(verb, self.what, reference=self.partner.identity, objects=len(result))]


class NotThrottled(LookupError):
    """The partner is not throttled."""


class LiftThrottle(Operation[None]):
    """Lift the throttle of a partner: its next objects are no longer all held for review."""

    name: ClassVar[str] = "partner lift-throttle"
    rights: ClassVar[frozenset[str]] = APPROVERS
    verb: ClassVar[str] = "LIFT"
    what: ClassVar[str] = "throttle"

    partner: Partner = Field(description="the partner")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Lift the throttle. Raises ``NotThrottled``."""
        if not quotas.lift_throttle(tx, self.partner.name, now()):
            raise NotThrottled(f"{self.partner.name}: this partner is not throttled")

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the partner."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, objects=0)]
