"""Disputes: outcomes and opinions that count against a listing or for its reporters, and the reviews they open."""

from collections.abc import Iterable, Mapping, Set
from functools import partial

from schemas.vocabulary import Action
from server.release.context import ReleaseContext
from server.release.fuse.confidence import Doubt
from server.release.fuse.hubs import fuse_all
from server.release.fuse.reliability import verdicts
from server.release.fuse.statements import (
    COERCED,
    DISPUTED,
    DOUBTED,
    DOUBTS,
    PEER_FOUND_WRONG,
    JudgeStanding,
    OpinionStatement,
    ReportedValue,
)
from server.release.publish.collections import Publication
from server.release.publish.listings import ListingState
from server.store import log, reputation, reviews
from server.store.database.times import micros
from server.store.reviews import HeldObject

_DISPUTED = "a trusted partner calls it a false positive; it is not listed until a person has reviewed it"
_DOUBTED = (
    "a partner doubts it; it stays listed, at a lower grade if the doubt has standing, until a person has reviewed it"
)
_COERCED = (
    "a partner without standing reports that the holder acts under coercion: others' reports of the account stay "
    "listed, as hold at most, until a person has reviewed it"
)
_PEER_FOUND_WRONG = (
    "another hub found the listing wrong; until a person has reviewed it, it is disputed and has a lower grade"
)
_ALWAYS_REVIEWED = (Action.BLOCK, Action.HOLD)


class Disputes:
    """Applies new opinions to listings: disputes them, opens reviews, and credits reporters."""

    def __init__(self, context: ReleaseContext, publication: Publication) -> None:
        """Work with the listings that ``publication`` has loaded."""
        self._context = context
        self._publication = publication

    def apply(self, values: Iterable[ReportedValue], new: Set[str]) -> list[reputation.JudgedReport]:
        """Apply the ``new`` opinions: a trusted partner's false positive removes a listing until it is reviewed.

        Return the verdicts that count for the reporters.
        """
        credits: list[reputation.JudgedReport] = []
        for value in values:
            fresh = [opinion for opinion in value.opinions if opinion.key in new]
            for opinion in fresh:
                self._dispute(value, opinion)
            if fresh:
                credits += self._credits(value, new)
        return credits

    def open_reviews(self, values: Iterable[ReportedValue], states: Mapping[str, ListingState], new: Set[str]) -> None:
        """Open one review of each doubted value, and of each new sign of coercion, after the listings were updated.

        A doubt is always reviewed if the value would be ``hold`` or ``block``. A doubt without standing is reviewed for
        any value.
        """
        for value in values:
            self._review_signs(value, new)
            state = states[value.subject]
            if value.decisions and self._review_decisions(value, state):
                continue
            if not value.doubts or not state.ids or value.disputed or not self._needs_review(value):
                continue
            self._review_doubts(value, state)

    def _review_doubts(self, value: ReportedValue, state: ListingState) -> None:
        """Open the review of a listed value with a doubt that no person has decided on, unless one is open."""
        known = reviews.of_subjects(self._context.tx, [value.subject]).get(value.subject, [])
        # Without a report of its own partners, this hub has no decision to make about other hubs' doubts.
        fresh = [
            opinion
            for opinion in value.doubts
            if (value.own or not opinion.hub) and not self._was_decided(opinion, known)
        ]
        if fresh and not any(review.state == "open" and review.rule in DOUBTS for review in known):
            held = HeldObject(state.shared or min(state.ids.values()), None, DOUBTED, _DOUBTED)
            reviews.dispute(self._context.tx, value.subject, fresh[0].said_by, held, DOUBTS)

    def _dispute(self, value: ReportedValue, opinion: OpinionStatement) -> None:
        decides = opinion.partner.trusted and opinion.standing >= JudgeStanding.DECIDES
        if not decides or opinion.doubt is not Doubt.DISPUTED:
            return
        listed = [id_ for id_ in sorted(value.listings) if self._publication.published(id_)]
        if listed:
            shared = [id_ for id_ in listed if not self._is_private(id_)]
            held = HeldObject((shared or listed)[0], None, DISPUTED, _DISPUTED)
            reviews.dispute(self._context.tx, value.subject, opinion.partner.name, held, DOUBTS)
            value.disputed = True

    def _is_private(self, id_: str) -> bool:
        return all(map(self._context.is_private, self._publication.published(id_)))

    def _needs_review(self, value: ReportedValue) -> bool:
        if any(opinion.standing < JudgeStanding.WITH for opinion in value.doubts):
            return True
        undoubted = fuse_all(
            value.statements,
            value.counting_sightings,
            coerced=value.coerced,
            sign=bool(value.signs),
            at=self._context.at,
        )
        return undoubted.grade in _ALWAYS_REVIEWED

    def _was_decided(self, opinion: OpinionStatement, known: Iterable[reviews.Review]) -> bool:
        decided = max((review.decided or 0 for review in known if review.state == "rejected"), default=0)
        if opinion.hub:
            return micros(opinion.at) <= decided
        if not decided or self._publication.contributes(opinion.key):
            return False
        return log.added(self._context.tx, self._context.inbox, [opinion.key])[opinion.key] <= decided

    def _review_decisions(self, value: ReportedValue, state: ListingState) -> bool:
        """Open a review of a value that another hub found wrong and this hub's partners report; return whether one is
        open.
        """
        listing = state.shared or min(state.ids.values(), default="") or max(value.listings, default="")
        if not value.own or not listing or value.disputed:
            return False
        known = reviews.of_subjects(self._context.tx, [value.subject]).get(value.subject, [])
        if any(review.state == "open" and review.rule in DOUBTS for review in known):
            return True
        decisions = [decision for decision in value.decisions if not self._was_decided(decision, known)]
        if decisions:
            held = HeldObject(listing, None, PEER_FOUND_WRONG, _PEER_FOUND_WRONG)
            reviews.dispute(self._context.tx, value.subject, decisions[0].said_by, held, DOUBTS)
        return bool(decisions)

    def _review_signs(self, value: ReportedValue, new: Set[str]) -> None:
        """Open a review of each new sign of coercion by a partner without standing."""
        signs = {
            statement.key: statement.partner.name
            for statement in value.statements
            if statement.key in value.signs & new
        }
        known = reviews.states(self._context.tx, signs)
        for key, partner in signs.items():
            if key not in known:
                reviews.hold(self._context.tx, partner, [HeldObject(key, None, COERCED, _COERCED)])

    def _credits(self, value: ReportedValue, new: Set[str]) -> list[reputation.JudgedReport]:
        """Return the verdicts that count for reporters because others acted on the value. A person decides those
        against.
        """
        weighty = [opinion for opinion in value.opinions if opinion.standing >= JudgeStanding.WITH]
        before = [opinion for opinion in weighty if opinion.key not in new]
        return verdicts(value.statements, before, weighty, partial(self._context.reliability, kind=value.kind))
