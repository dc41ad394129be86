"""Decide reviews, and confirm ends of the own organisation's listings."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import Field

from schemas.partner import Partner
from server.features.reports import delistings
from server.features.reviews import contradictions, held_reports
from server.features.reviews.decisions import ReviewDecision
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import PARTNER_WRITERS
from server.release import review as reviewing
from server.release.ends import colleagues, decide_as_second
from server.release.hub import Hub
from server.store import held_ends, partners
from server.store.database.engine import Tx
from server.store.reviews import ReviewState

MOST_ENDS = 500


class ApproveReviews(ReviewDecision):
    """Release held objects, and decide disputes for the listing."""

    name: ClassVar[str] = "review approve"
    verb: ClassVar[str] = "APPROVE"
    state: ClassVar[ReviewState] = "approved"
    dual_control: ClassVar[str] = (
        "for reports that have authority, of values known as harmless, and of a coerced holder whose account is public "
        "or read by more partners than the setting two_persons_readers allows; always where a provider contradicts "
        "an authority"
    )
    actions: ClassVar[tuple[DualControlAction, ...]] = (*held_reports.ALL, contradictions.DECIDE)


class RejectReviews(ReviewDecision):
    """Keep held objects unreleased, and decide disputes against the listing."""

    name: ClassVar[str] = "review reject"
    verb: ClassVar[str] = "REJECT"
    state: ClassVar[ReviewState] = "rejected"
    dual_control: ClassVar[str] = (
        "for disputed values that are public or read by more partners than the setting two_persons_readers allows; "
        "always where a provider contradicts an authority"
    )
    actions: ClassVar[tuple[DualControlAction, ...]] = (delistings.DELIST, contradictions.DECIDE)


class DecideEnds(Operation[list[str]]):
    """Confirm or reject the ends of listings that another person of the same organisation sent."""

    name: ClassVar[str] = "end decide"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS
    verb: ClassVar[str] = "APPROVE"
    what: ClassVar[str] = "review"

    partner: Partner = Field(description="the partner of the person who decides")
    ids: tuple[str, ...] = Field((), description="the ids of the reviews; none: the oldest that others sent")
    state: Literal["approved", "rejected"] = Field(description="the decision")

    def acts_for(self) -> str | None:
        """Return the partner of the person who decides."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> list[str]:
        """Decide the ends, and return the ids of their reviews. Raises ``LookupError`` and ``SenderDecides``."""
        wanted = decide_as_second(tx, self.partner, actor.name, self.ids or self._others(tx, actor.name))
        if wanted:
            reviewing.decide(hub, tx, wanted, self.state, actor.name, acts_for=self.partner.name)
        return wanted

    def entries(self, result: list[str]) -> Iterable[TrailEntry]:
        """Return none: each review has its own entry."""
        return ()

    def _others(self, tx: Tx, name: str) -> list[str]:
        names = colleagues(partners.load_registry(tx), self.partner)
        found = held_ends.waiting(tx, names, limit=MOST_ENDS)
        return [row.end.review_id for row in found if row.end.sent_by != name]
