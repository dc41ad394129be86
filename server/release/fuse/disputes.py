"""What partners did about listings, where that tells of reporters: who was right, and what a person has to look at."""

from collections.abc import Iterable, Mapping, Set
from functools import partial

from schemas.vocabulary import Action
from server.release.context import ReleaseContext
from server.release.fuse.confidence import Doubt
from server.release.fuse.consensus import fuse
from server.release.fuse.reliability import verdicts
from server.release.fuse.statements import COERCED, DISPUTED, DOUBTED, JudgeStanding, ReportedValue, Verdict
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
_MUST_BE_LOOKED_AT = (Action.BLOCK, Action.HOLD)


class Disputes:
    """Heeds what partners say became of listings."""

    def __init__(self, scene: ReleaseContext, publication: Publication) -> None:
        """Look at what is out in ``publication``."""
        self._scene = scene
        self._publication = publication

    def heed(self, values: Iterable[ReportedValue], new: Set[str]) -> None:
        """Take to heart the verdicts among the ``new`` objects: a trusted partner's against a listing disputes it."""
        came_out: list[reputation.JudgedReport] = []
        for value in values:
            fresh = [verdict for verdict in value.verdicts if verdict.id in new]
            for verdict in fresh:
                self._heed(value, verdict)
            if fresh:
                came_out += self._came_out(value, new)
        reputation.add(self._scene.tx, came_out)

    def call_for_review(
        self, values: Iterable[ReportedValue], standings: Mapping[str, ListingState], new: Set[str]
    ) -> None:
        """Let a person look at what is doubted or said to be coerced, once it is renewed: one review a value.

        A doubt of what would be ``hold`` or ``block`` is always looked at, and one without standing of anything.
        """
        for value in values:
            self._call_for_signs(value, new)
            standing = standings[value.subject]
            if not value.doubts or not standing.rooms or value.disputed or not self._needs_review(value):
                continue
            waiting = reviews.of_subjects(self._scene.tx, [value.subject]).get(value.subject, [])
            fresh = [verdict for verdict in value.doubts if not self._was_decided(verdict, waiting)]
            if fresh and not any(review.state == "open" for review in waiting):
                listing = standing.shared or min(standing.rooms.values())
                held = HeldObject(listing, None, DOUBTED, _DOUBTED)
                reviews.dispute(self._scene.tx, value.subject, fresh[0].judged.partner.name, held)

    def _heed(self, value: ReportedValue, verdict: Verdict) -> None:
        judged = verdict.judged
        if not judged.partner.trusted or judged.doubt is not Doubt.DISPUTED or judged.standing < JudgeStanding.DECIDES:
            return
        listed = [id_ for id_ in sorted(value.listings) if self._publication.out(id_)]
        if listed:
            shared = [id_ for id_ in listed if not all(map(self._scene.is_own, self._publication.out(id_)))]
            held = HeldObject((shared or listed)[0], None, DISPUTED, _DISPUTED)
            reviews.dispute(self._scene.tx, value.subject, judged.partner.name, held)
            value.disputed = True

    def _needs_review(self, value: ReportedValue) -> bool:
        if any(verdict.judged.standing < JudgeStanding.WITH for verdict in value.doubts):
            return True
        undoubted = fuse(
            [claim.said for claim in value.claims],
            value.sightings,
            coerced=value.coerced,
            sign=bool(value.signs),
            at=self._scene.at,
        )
        return undoubted.grade in _MUST_BE_LOOKED_AT

    def _was_decided(self, verdict: Verdict, rows: Iterable[reviews.Review]) -> bool:
        decided = max((row.decided or 0 for row in rows if row.state == "rejected"), default=0)
        return bool(decided) and log.added(self._scene.tx, self._scene.inbox, [verdict.id])[verdict.id] <= decided

    def _call_for_signs(self, value: ReportedValue, new: Set[str]) -> None:
        """Let a person look at a new sign of coercion that nobody with standing gives."""
        signs = {claim.said.id: claim.said.partner.name for claim in value.claims if claim.said.id in value.signs & new}
        seen_before = reviews.states(self._scene.tx, signs)
        for id_, partner in signs.items():
            if id_ not in seen_before:
                reviews.hold(self._scene.tx, partner, [HeldObject(id_, None, COERCED, _COERCED)])

    def _came_out(self, value: ReportedValue, new: Set[str]) -> list[reputation.JudgedReport]:
        """Give what counts for reporters: others acted on it. What counts against them, somebody looks at first."""
        weighty = [verdict for verdict in value.verdicts if verdict.judged.standing >= JudgeStanding.WITH]
        before = [verdict.judged for verdict in weighty if verdict.id not in new]
        said = [claim.said for claim in value.claims]
        after = [verdict.judged for verdict in weighty]
        return verdicts(said, before, after, partial(self._scene.reliability, kind=value.kind))
