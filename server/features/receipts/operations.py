"""Confirm receipts for withdrawn objects."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from mappers import records
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import Outcome, Subject
from schemas.vocabulary import OutcomeWord, Tlp
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import PARTNER_WRITERS
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.results import Results
from server.store import retractions
from server.store.database.engine import Tx
from server.store.item import Item


class ConfirmReceipts(Operation[Results]):
    """State what a partner did about revoked objects; each statement closes the receipt of its object."""

    name: ClassVar[str] = "receipts confirm"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS
    verb: ClassVar[str] = "RECEIPT"
    what: ClassVar[str] = "receipts"

    partner: Partner
    ids: tuple[str, ...] = Field(description="the ids of the withdrawn objects")
    outcome: OutcomeWord = Field(description="what the partner did about all of them")

    def acts_for(self) -> str | None:
        """Return the partner that confirms."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Results:
        """Contribute an outcome for each object. Raises ``Rejected`` if a receipt is not open."""
        if not retractions.are_open(tx, self.partner.name, self.ids):
            raise Rejected("receipt-not-open", "one of these receipts is not open")
        return contribute(hub, tx, self.partner, [self._outcome(id_) for id_ in self.ids], actor.sender)

    def entries(self, result: Results) -> Iterable[TrailEntry]:
        """Return one entry with the number of confirmed receipts."""
        objects = len(self.ids) - len(result.failed)
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, objects=objects)]

    def _outcome(self, id_: str) -> Item:
        outcome = Outcome(
            reporter=self.partner.name,
            reported_at=timestamp.now(),
            tlp=Tlp.AMBER_STRICT,
            of=Subject(ref=id_),
            outcome=self.outcome,
        )
        return Item.of(records.to_stix(outcome)[0])
