"""Disputes: outcomes and opinions that tell against a listing, or for its reporters, and the reviews that they open."""

from collections.abc import Iterable, Mapping, Set
from functools import partial

from schemas.vocabulary import Action
from server.release.context import ReleaseContext
from server.release.fuse.confidence import Doubt
from server.release.fuse.consensus import fuse
from server.release.fuse.reliability import verdicts
from server.release.fuse.statements import (
    COERCED,
    DISPUTED,
    DOUBTED,
    DOUBTS,
    JudgeStanding,
    OpinionStatement,
    ReportedValue,
)
from server.release.publish.collections import Publication
from server.release.publish.listings import ListingState
from server.store import log, reputation, reviews
from server.store.reviews import HeldObject

_DISPUTED = "a trusted partner holds it for a false positive; it is listed nowhere until somebody has looked at it"
_DOUBTED = "somebody doubts it; it stays listed, lower where the doubt has standing, until somebody has looked at it"
_COERCED = (
    "it says that the holder acts under coercion, by somebody without standing: others' reports of the account stay "
    "listed, as hold at most, until somebody has looked at it"
)
_ALWAYS_REVIEWED = (Action.BLOCK, Action.HOLD)


class Disputes:
    """Applies new opinions to listings: disputes them, opens reviews, and credits reporters."""

    def __init__(self, context: ReleaseContext, publication: Publication) -> None:
        """Work with the listings that ``publication`` has loaded."""
        self._context = context
        self._publication = publication

    def apply(self, values: Iterable[ReportedValue], new: Set[str]) -> list[reputation.JudgedReport]:
        """Apply the ``new`` opinions: a trusted partner's false positive takes a listing down until it is reviewed.

        Returns what counts for the reporters.
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

        A doubt of a value that would be ``hold`` or ``block`` is always reviewed, and one without standing of any.
        """
        for value in values:
            self._review_signs(value, new)
            state = states[value.subject]
            if not value.doubts or not state.ids or value.disputed or not self._needs_review(value):
                continue
            known = reviews.of_subjects(self._context.tx, [value.subject]).get(value.subject, [])
            fresh = [opinion for opinion in value.doubts if not self._was_decided(opinion, known)]
            if fresh and not any(review.state == "open" and review.rule in DOUBTS for review in known):
                listing = state.shared or min(state.ids.values())
                held = HeldObject(listing, None, DOUBTED, _DOUBTED)
                reviews.dispute(self._context.tx, value.subject, fresh[0].partner.name, held, DOUBTS)

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
        undoubted = fuse(
            value.statements,
            value.counting_sightings,
            coerced=value.coerced,
            sign=bool(value.signs),
            at=self._context.at,
        )
        return undoubted.grade in _ALWAYS_REVIEWED

    def _was_decided(self, opinion: OpinionStatement, known: Iterable[reviews.Review]) -> bool:
        decided = max((review.decided or 0 for review in known if review.state == "rejected"), default=0)
        if not decided or self._publication.contributes(opinion.key):
            return False
        return log.added(self._context.tx, self._context.inbox, [opinion.key])[opinion.key] <= decided

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
        """Return what counts for reporters: others acted on the value. A person decides what counts against them."""
        weighty = [opinion for opinion in value.opinions if opinion.standing >= JudgeStanding.WITH]
        before = [opinion for opinion in weighty if opinion.key not in new]
        return verdicts(value.statements, before, weighty, partial(self._context.reliability, kind=value.kind))
