"""Feedback to contributors about their objects: collected over a transaction, one note for each event and batch."""

from collections import defaultdict
from collections.abc import Set

from mappers.notes import feedback_note
from schemas import timestamp
from schemas.partner import Partner
from schemas.records import Feedback, FeedbackEvent
from schemas.vocabulary import OUTCOMES, OpinionWord, OutcomeReason, OutcomeWord, Tlp
from server.release.context import ReleaseContext
from server.release.fuse.statements import OpinionStatement, ReportedValue, SightingStatement, Statement
from server.release.publish.collections import Publication
from server.release.publish.listings import ListingState, is_published
from server.store import inbox

_DONE = frozenset(word for word, meaning in OUTCOMES.items() if meaning.doubt != "disputed")
_REASONS = frozenset(OutcomeReason)
_RELEASED = Feedback(FeedbackEvent.RELEASED)
_AGAINST = frozenset({OpinionWord.STRONGLY_DISAGREE, OpinionWord.DISAGREE})


class FeedbackNotes:
    """Collects the feedback to each contributor, and publishes it in their private collections ``outcomes-…``."""

    def __init__(self, context: ReleaseContext) -> None:
        """Collect feedback of the hub of ``context``."""
        self._context = context
        self._keys: dict[tuple[str, Feedback], list[str]] = defaultdict(list)
        self._references: dict[str, dict[str, str]] = defaultdict(dict)

    def add(self, partner: str, feedback: Feedback, key: str, reference: str | None = None) -> None:
        """Add feedback to a partner, by name, about one of its objects, unless it left.

        ``reference`` is the partner's own reference for that object.
        """
        if partner in self._context.registry.partners:
            object_id = inbox.object_id(key)
            self._keys[partner, feedback].append(object_id)
            if reference:
                self._references[partner][object_id] = reference

    def add_report(self, report: Statement, feedback: Feedback) -> None:
        """Add feedback to the reporter of a report about it, with the report's own reference."""
        self.add(report.partner.name, feedback, report.key, report.report.reference)

    def of_value(self, value: ReportedValue, state: ListingState, new: Set[str]) -> None:
        """Add the feedback to the value's reporters about ``new`` objects of any contributor."""
        first_listed = bool(state.ids) and state.entered == state.ids.keys()
        has_others = len(value.statements) > 1 or value.sightings or value.opinions
        for report in value.own:
            is_new = report.key in new or first_listed
            if is_new and is_published(self._context, state, report.audience):
                self.add_report(report, _RELEASED)
            if has_others:
                self._add_others(report, value, new)

    def _add_others(self, report: Statement, value: ReportedValue, new: Set[str]) -> None:
        """Add the feedback to one reporter about ``new`` objects of others that it may see."""
        for other in value.own:
            if other.key in new and self._may_see(report.partner, other):
                self.add_report(report, Feedback(FeedbackEvent.CORROBORATED, other.partner.kind))
        for sighting in value.sightings:
            if sighting.key in new and sighting.count and self._may_see(report.partner, sighting):
                self.add_report(report, Feedback(FeedbackEvent.SIGHTED, sighting.partner.kind))
        for opinion in value.opinions:
            if opinion.key in new and self._may_see(report.partner, opinion):
                self._add_opinion(report, opinion)

    def of_decision(self, value: ReportedValue, feedback: Feedback) -> None:
        """Add a person's decision for the value's doubters, and for its reporters if the value was upheld.

        If the value was upheld, doubters read that they were overruled. The reporters of a delisted value read that
        with their report.
        """
        upheld = feedback.event is FeedbackEvent.UPHELD
        for doubt in value.doubts:
            event = FeedbackEvent.OVERRULED if upheld else feedback.event
            self.add(doubt.partner.name, feedback._replace(event=event), doubt.key, doubt.reference)
        for report in value.own if upheld else ():
            if any(self._may_see(report.partner, doubt) for doubt in value.doubts):
                self.add_report(report, feedback)

    def publish(self, publication: Publication) -> None:
        """Add the notes to the contributors' private collections."""
        at = timestamp.text(self._context.at)
        for (name, feedback), refs in self._keys.items():
            partner = self._context.registry.partners[name]
            note = feedback_note(
                self._context.identity.identity, partner.identity, feedback, refs, at, self._references.get(name, {})
            )
            publication.enter(self._context.private_collection(name, "outcomes"), note, Tlp.AMBER_STRICT)

    def _add_opinion(self, report: Statement, opinion: OpinionStatement) -> None:
        by_kind, reason = opinion.partner.kind, _closed(opinion.reason)
        if opinion.outcome in _DONE:
            done = Feedback(FeedbackEvent.ACTED_ON, by_kind, opinion.outcome, reason=reason)
            self.add_report(report, done)
        elif opinion.outcome is OutcomeWord.FALSE_POSITIVE or opinion.opinion in _AGAINST:
            self.add_report(report, Feedback(FeedbackEvent.DISPUTED, by_kind, reason=reason))

    def _may_see(self, reporter: Partner, statement: Statement | SightingStatement | OpinionStatement) -> bool:
        """Return whether a reporter may know of another's statement: it is shared, or visible to the reporter."""
        if reporter.counts_as == statement.partner.counts_as:
            return False
        return bool(statement.audience.shared) or reporter.name in statement.audience.private


def _closed(reason: str | None) -> OutcomeReason | None:
    """Return the reason of an outcome if it is in the vocabulary: other text could be a message to the reporter."""
    return OutcomeReason(reason) if reason in _REASONS else None
