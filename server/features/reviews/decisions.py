"""The decision of several reviews: one person decides some of them, and proposes the others to a second person."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

import orjson
from pydantic import Field

from schemas.errors import Rejected
from server.features.reports.delistings import beside_contradictions
from server.features.reviews.bursts import of_same_burst
from server.features.reviews.contradictions import DECIDE
from server.features.reviews.of_reviews import actions_of, propose_all
from server.operations.dual_control import DualControlAction
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ANALYSTS
from server.release import review as reviewing
from server.release.hub import Hub
from server.store import reviews
from server.store.database.engine import Tx
from server.store.proposals.proposals import Effect, Proposal
from server.store.reviews import Review, ReviewState


class DecidedReviews(NamedTuple):
    """The decided reviews, the open ones with their proposals, and those about values that police hold."""

    done: list[Review]
    left: list[Review]
    proposed: list[Proposal]
    set_aside: list[Review]


class ReviewDecision(Operation[DecidedReviews]):
    """The part that approving and rejecting share."""

    rights: ClassVar[frozenset[str]] = ANALYSTS
    what: ClassVar[str] = "review"
    state: ClassVar[ReviewState]

    ids: tuple[str, ...] = Field((), description="the ids of objects, or their keys")
    rule: str | None = Field(None, description="without ids: all open reviews of this rule")
    partner: str | None = Field(None, description="without ids: all open reviews of this partner's objects")
    note: str | None = Field(None, description="the reason, which is stored with the review")
    proposes: bool = Field(False, description="also propose what a command may decide alone, as the pages do")
    # The digests of open reviews that the person was shown; None also decides reviews again that are not open.
    basis: frozenset[str] | None = None
    # When the person was shown them (microseconds); None also decides reports of a burst that arrived since.
    until: int | None = None
    # Further effects that the person was shown, by review.
    shown: Mapping[str, Effect] = Field(default_factory=dict)

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> DecidedReviews:
        """Decide and propose.

        Raises ``UnknownReview``, ``NotAllowed``, ``TooManyOpen``, ``DualControlRequired``, and ``Rejected`` where
        reviews have changed since they were shown.
        """
        found = self._found(tx)
        aside = reviewing.set_aside(hub, tx, found)
        together = [review for review in found if review not in aside]
        actions = self._needing_second_person(hub, tx, together, actor)
        alone = [review.object_id for review in together if review.object_id not in actions]
        done = reviewing.decide(hub, tx, alone, self.state, actor.name, self.note) if alone else []
        proposed = propose_all(hub, tx, actions, self.state, actor.name, self.note, self.shown)
        return DecidedReviews(done, [review for review in together if review.object_id in actions], proposed, aside)

    def entries(self, result: DecidedReviews) -> Iterable[TrailEntry]:
        """Return none: each review has its own entry, also where a proposal decides it."""
        return ()

    def _found(self, tx: Tx) -> list[Review]:
        ids = self.ids
        if not ids:
            if not self.rule and not self.partner:
                raise ValueError("name the reviews, or a rule or partner whose open reviews are all decided")
            open_ = reviews.all_reviews(tx, "open", self.partner, self.rule, limit=None)
            ids = tuple(review.object_id for review in open_)
        found = {review.object_id: review for id_ in ids for review in [reviewing.find(tx, id_)]}
        if self.basis is not None:
            for review in found.values():
                if review.state != "open" or basis_of(review) not in self.basis:
                    raise Rejected("reviews-changed", "one of the reviews has changed since it was shown")
        others = of_same_burst(tx, found.values(), self.until)
        return [*found.values(), *(review for review in others if review.object_id not in found)]

    def _needing_second_person(
        self, hub: Hub, tx: Tx, found: Sequence[Review], actor: Actor
    ) -> Mapping[str, DualControlAction]:
        """Return the actions to propose, by review.

        A conflict between a provider and an authority always needs two persons, as does a decision that would end one.
        """
        actions = actions_of(hub, tx, found, self.state)
        if self.proposes or actor.needs_second_person(tx):
            return actions
        ending = beside_contradictions(tx, found)
        return {id_: action for id_, action in actions.items() if action is DECIDE or id_ in ending}


def basis_of(review: Review) -> str:
    """Return the digest of the facts about a review that a decision depends on."""
    # A further doubt may change the rule of a dispute, which does not change the decision.
    rule = None if review.subject else review.rule
    row = [review.object_id, review.version, review.opened, rule]
    return hashlib.sha256(orjson.dumps(row)).hexdigest()
