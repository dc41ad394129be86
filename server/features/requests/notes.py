"""The notes of requests: collected over a transaction, and published in the private collections of their parties."""

from mappers.notes import note_id, request_note
from schemas.records import Feedback, FeedbackEvent
from schemas.request import RequestReason, RequestState
from schemas.vocabulary import Tlp
from server.features.requests import records as requests, views
from server.features.requests.records import StoredRequest, StoredStep
from server.features.requests.telling import tell
from server.release.context import ReleaseContext
from server.release.peers import is_remote
from server.release.publish.collections import Publication
from server.release.publish.feedback import FeedbackNotes


class RequestNotes:
    """Collects the requests that changed, and publishes each as every party may see it.

    The addressee's feedback says that it has a request, and the sender's that there is a response.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._changed: dict[str, FeedbackEvent | None] = {}

    def add(self, id_: str, event: FeedbackEvent | None = None) -> None:
        """Record that a request is new, with an event for its addressee, or took a step, with an event for its
        sender.
        """
        self._changed[id_] = event

    def publish(self, context: ReleaseContext, *, leave_for_end: bool = False) -> None:
        """Add the present state of the requests to their parties' collections."""
        if not self._changed:
            return
        publication, feedback = Publication(context), FeedbackNotes(context)
        stored, steps = requests.find(context.tx, self._changed), requests.steps(context.tx, self._changed)
        for id_, event in self._changed.items():
            _publish(context, publication, stored[id_], steps[id_])
            _add_feedback(feedback, stored[id_], steps[id_][-1], event)
        tell(context, list(stored.values()), steps)
        feedback.publish(publication)
        publication.write("", leave_for_end=leave_for_end)
        self._changed = {}


def _publish(context: ReleaseContext, publication: Publication, stored: StoredRequest, steps: list[StoredStep]) -> None:
    current, hub = context.registry.partners, context.identity.identity
    sender = current.get(stored.sender)
    for name, role in sorted(requests.parties(context.tx, stored.id).items()):
        if name in current:
            view = views.view(stored, steps, role, context.micros, sender)
            told_by = None if is_remote(stored.sender) and not view.withheld else current.get(view.sender)
            note = request_note(view, hub, told_by.identity if told_by else hub)
            by = told_by.name if told_by else ""
            publication.enter(context.private_collection(name, "requests"), note, Tlp.AMBER_STRICT, by=by)


def _add_feedback(
    feedback: FeedbackNotes, stored: StoredRequest, last: StoredStep, event: FeedbackEvent | None
) -> None:
    reader = stored.addressee if event is FeedbackEvent.REQUESTED else stored.sender
    # A peer, the hub itself and an addressee outside it have no feedback. No partner's name has a colon.
    if event is None or reader is None or ":" in reader:
        return
    reason = RequestReason(last.reason) if last.reason else None
    case = views.request_of(stored).reference if reader == stored.sender else None
    feedback.add(
        reader,
        Feedback(event, code=RequestState(stored.state), reason=reason),
        note_id(stored.id),
        case,
    )
