"""Feedback to contributors about their objects: gathered over a transaction, one note for each event and batch."""

from collections import defaultdict
from collections.abc import Set

from mappers import feedback_note
from schemas import timestamp
from schemas.feedback import Feedback, FeedbackEvent
from schemas.partner import Partner
from schemas.vocabulary import OpinionWord, OutcomeWord, Tlp
from server.release.context import ReleaseContext
from server.release.fuse.statements import OpinionStatement, ReportedValue, SightingStatement, Statement
from server.release.publish.collections import Publication
from server.release.publish.listings import ListingState, is_published
from server.store import inbox

_DONE = frozenset(
    {
        OutcomeWord.BLOCKED,
        OutcomeWord.TAKEN_DOWN,
        OutcomeWord.FUNDS_HELD,
        OutcomeWord.NO_ACTION,
        OutcomeWord.ALREADY_KNOWN,
    }
)
_RELEASED = Feedback(FeedbackEvent.RELEASED)
_AGAINST = frozenset({OpinionWord.STRONGLY_DISAGREE, OpinionWord.DISAGREE})


class FeedbackNotes:
    """Gathers the feedback to each contributor, and publishes it in their private collections ``outcomes-…``."""

    def __init__(self, context: ReleaseContext) -> None:
        """Gather feedback of the hub of ``context``."""
        self._context = context
        self._keys: dict[tuple[str, Feedback], list[str]] = defaultdict(list)

    def add(self, partner: str, feedback: Feedback, key: str) -> None:
        """Add feedback to a partner, by name, about one of its objects, unless it left."""
        if partner in self._context.registry.partners:
            self._keys[partner, feedback].append(inbox.object_id(key))

    def of_value(self, value: ReportedValue, state: ListingState, new: Set[str]) -> None:
        """Add the feedback to the value's reporters about ``new`` objects, whoever contributed them."""
        first_listed = bool(state.ids) and state.entered == state.ids.keys()
        has_others = len(value.statements) > 1 or value.sightings or value.opinions
        for report in value.statements:
            is_new = report.key in new or first_listed
            if is_new and is_published(self._context, state, report.audience):
                self.add(report.partner.name, _RELEASED, report.key)
            if has_others:
                self._add_others(report, value, new)

    def _add_others(self, report: Statement, value: ReportedValue, new: Set[str]) -> None:
        """Add the feedback to one reporter about ``new`` objects of others that it may see."""
        for other in value.statements:
            if other.key in new and self._may_see(report.partner, other):
                self.add(report.partner.name, Feedback(FeedbackEvent.CORROBORATED, other.partner.kind), report.key)
        for sighting in value.sightings:
            if sighting.key in new and sighting.count and self._may_see(report.partner, sighting):
                self.add(report.partner.name, Feedback(FeedbackEvent.SIGHTED, sighting.partner.kind), report.key)
        for opinion in value.opinions:
            if opinion.key in new and self._may_see(report.partner, opinion):
                self._add_opinion(report, opinion)

    def of_decision(self, value: ReportedValue, event: FeedbackEvent) -> None:
        """Add a person's decision for the value's doubters, and for its reporters where it was upheld.

        The reporters of a delisted value read that with their report.
        """
        for doubt in value.doubts:
            self.add(doubt.partner.name, Feedback(event), doubt.key)
        for report in value.statements if event is FeedbackEvent.UPHELD else ():
            if any(self._may_see(report.partner, doubt) for doubt in value.doubts):
                self.add(report.partner.name, Feedback(event), report.key)

    def publish(self, publication: Publication) -> None:
        """Add the notes to the contributors' private collections."""
        at = timestamp.text(self._context.at)
        for (name, feedback), refs in self._keys.items():
            partner = self._context.registry.partners[name]
            note = feedback_note.to_stix(self._context.identity.identity, partner.identity, feedback, refs, at)
            publication.enter(self._context.private_collection(name, "outcomes"), note, Tlp.AMBER_STRICT)

    def _add_opinion(self, report: Statement, opinion: OpinionStatement) -> None:
        by_kind = opinion.partner.kind
        if opinion.outcome in _DONE:
            self.add(report.partner.name, Feedback(FeedbackEvent.ACTED_ON, by_kind, opinion.outcome), report.key)
        elif opinion.outcome is OutcomeWord.FALSE_POSITIVE or opinion.opinion in _AGAINST:
            self.add(report.partner.name, Feedback(FeedbackEvent.DISPUTED, by_kind), report.key)

    def _may_see(self, reporter: Partner, statement: Statement | SightingStatement | OpinionStatement) -> bool:
        """Return whether a reporter may know of another's statement: it is shared, or visible to the reporter."""
        if reporter.counts_as == statement.partner.counts_as:
            return False
        return bool(statement.audience.shared) or reporter.name in statement.audience.private
