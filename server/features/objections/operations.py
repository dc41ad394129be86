"""Receive objections to listings, and decide them."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from schemas.api.statements import ObjectionRequest, UpholdReason
from server.features.objections import decide, receive, records as objections
from server.features.objections.contacts import Contacts
from server.features.objections.decide import DecidedObjections
from server.features.objections.receive import ReceivedObjection
from server.features.objections.working_days import WorkingDays
from server.features.reports.delistings import CLEAR, readership
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, DualControlOperation, Operation, Proposed, TrailEntry
from server.operations.rights import ANALYSTS, ANYBODY
from server.release.hub import Hub
from server.store.database.engine import Tx


class ReceiveObjection(Operation[ReceivedObjection]):
    """Object to a listing; the sender and the address are not stored."""

    name: ClassVar[str] = "objection receive"
    rights: ClassVar[frozenset[str]] = ANYBODY
    verb: ClassVar[str] = "OBJECT"
    what: ClassVar[str] = "objection"

    asked: ObjectionRequest = Field(description="the value, the ground, and perhaps a contact", repr=False)
    days: WorkingDays = Field(description="the working days within which the hub decides")
    contacts: Contacts | None = Field(None, description="the key that encrypts the contact; without it none is stored")
    key: str = Field("", description="the key of a form, by which it is known when it is sent again", repr=False)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> ReceivedObjection:
        """Store the objection. Raises ``Rejected``."""
        return receive.receive(tx, self.asked, self.days, self.contacts, self.key)

    def entries(self, result: ReceivedObjection) -> Iterable[TrailEntry]:
        """Return the entry with the id of the objection."""
        return [TrailEntry(self.verb, self.what, reference=result.id)]


class ReadContact(Operation[None]):
    """Read the contact of the person who objects."""

    name: ClassVar[str] = "objection contact"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "READ"
    what: ClassVar[str] = "objection-contact"

    id: str = Field(description="the id of the objection")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> None:
        """Check that the objection exists; the front end decrypts the contact. Raises ``UnknownObjection``."""
        objections.find(tx, self.id)

    def entries(self, result: None) -> Iterable[TrailEntry]:
        """Return the entry with the id of the objection."""
        return [TrailEntry(self.verb, self.what, reference=self.id)]


class DecideObjection(DualControlOperation[DecidedObjections]):
    """Decide an objection, and with it all open objections about the same value."""

    name: ClassVar[str] = "objection decide"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "DECIDE"
    what: ClassVar[str] = "objection"
    dual_control: ClassVar[str] = (
        "where the decision delists a value that is public, or that more partners read than the setting "
        "two_persons_readers allows"
    )
    actions: ClassVar[tuple[DualControlAction, ...]] = (CLEAR,)

    id: str = Field(description="the id of the objection")
    reason: UpholdReason | None = Field(None, description="why the listing stays; without it the value is delisted")

    def second_person(self, hub: Hub, tx: Tx, actor: Actor) -> Proposed | None:
        """Ask a second person for a delisting that many partners read."""
        if self.reason is not None:
            return None
        subjects = objections.subjects_of(tx, [self.id]).get(self.id, [])
        if not readership(tx, subjects).is_more_than(hub.most_readers_by_one):
            return None
        return Proposed(CLEAR, {"id": self.id})

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> DecidedObjections:
        """Delist the value, or record that it stays listed. Raises ``UnknownObjection`` and ``NotOpen``."""
        if self.reason is None:
            return decide.clear(hub, tx, self.id, actor.name)
        return decide.uphold(tx, self.id, actor.name, self.reason)

    def entries(self, result: DecidedObjections) -> Iterable[TrailEntry]:
        """Return none: each objection that ends has its own entry, also where a proposal or an erasure ends it."""
        return ()
