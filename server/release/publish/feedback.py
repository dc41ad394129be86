"""What contributors hear of what became of what they said: gathered over a transaction, one note an event and batch."""

from collections import defaultdict
from collections.abc import Set

from mappers import feedback_note
from schemas import timestamp
from schemas.feedback import Feedback, FeedbackEvent
from schemas.partner import Partner
from schemas.vocabulary import OpinionWord, OutcomeWord, Tlp
from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue, Verdict
from server.release.publish.collections import Publication
from server.release.publish.listings import ListingState, is_published
from server.release.route.audience import Audience
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
_AGAINST = frozenset({OpinionWord.STRONGLY_DISAGREE, OpinionWord.DISAGREE})


class FeedbackNotes:
    """Gathers what to tell each contributor, and writes it to their own collections."""

    def __init__(self, scene: ReleaseContext) -> None:
        """Tell it in the hub's name."""
        self._scene = scene
        self._told: dict[tuple[str, Feedback], list[str]] = defaultdict(list)

    def tell(self, partner: str, feedback_: Feedback, key: str) -> None:
        """Let a partner, by name, know what became of one of its objects, unless it left."""
        if partner in self._scene.registry.partners:
            self._told[partner, feedback_].append(inbox.object_id(key))

    def of_value(self, value: ReportedValue, standing: ListingState, new: Set[str]) -> None:
        """Tell of what ``new`` objects, of whoever contributes just now, change for those who report the value."""
        for claim in value.claims:
            said = claim.said
            first_out = bool(standing.rooms) and standing.entered == standing.rooms.keys()
            if (said.id in new or first_out) and is_published(self._scene, standing, claim.rooms):
                self.tell(said.partner.name, Feedback(FeedbackEvent.RELEASED), said.id)
            for other in value.claims:
                if other.said.id in new and self._hears(said.partner, other.said.partner, other.rooms):
                    self.tell(said.partner.name, Feedback(FeedbackEvent.CORROBORATED, other.said.partner.kind), said.id)
            for sight in value.sights:
                by = sight.seen.partner
                if sight.id in new and sight.seen.count and self._hears(said.partner, by, sight.rooms):
                    self.tell(said.partner.name, Feedback(FeedbackEvent.SIGHTED, by.kind), said.id)
            for verdict in value.verdicts:
                if verdict.id in new and self._hears(said.partner, verdict.judged.partner, verdict.rooms):
                    self._judged(said.partner.name, verdict, said.id)

    def of_decision(self, value: ReportedValue, event: FeedbackEvent) -> None:
        """Tell those who doubt a value what a person decided, and who reports it that it was upheld.

        Who reports what was delisted hears so with its report.
        """
        for verdict in value.doubts:
            self.tell(verdict.judged.partner.name, Feedback(event), verdict.id)
        for claim in value.claims if event is FeedbackEvent.UPHELD else ():
            doubters = (verdict for verdict in value.doubts)
            if any(self._hears(claim.said.partner, each.judged.partner, each.rooms) for each in doubters):
                self.tell(claim.said.partner.name, Feedback(event), claim.said.id)

    def flush(self, publication: Publication) -> None:
        """Enter what there is to tell into the contributors' own collections."""
        at = timestamp.text(self._scene.at)
        for (name, what), refs in self._told.items():
            partner = self._scene.registry.partners[name]
            note = feedback_note.to_stix(self._scene.hub.identity, partner.identity, what, refs, at)
            publication.enter(self._scene.own(name, "outcomes"), note, Tlp.AMBER_STRICT)

    def _judged(self, name: str, verdict: Verdict, id_: str) -> None:
        judged = verdict.judged
        if judged.outcome in _DONE:
            self.tell(name, Feedback(FeedbackEvent.ACTED_ON, judged.partner.kind, judged.outcome), id_)
        elif judged.outcome is OutcomeWord.FALSE_POSITIVE or judged.opinion in _AGAINST:
            self.tell(name, Feedback(FeedbackEvent.DISPUTED, judged.partner.kind), id_)

    def _hears(self, partner: Partner, by: Partner, rooms: Audience) -> bool:
        """Tell whether a contributor may hear what another said: what goes to many, and what reaches itself."""
        return partner.counts_as != by.counts_as and (bool(rooms.shared) or partner.name in rooms.personal)
