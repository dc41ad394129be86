"""The notes of requests: gathered over a transaction, and published in the private collections of their parties."""

from mappers import request_note
from schemas.feedback import Feedback, FeedbackEvent
from schemas.request import RequestReason, RequestState
from schemas.vocabulary import Tlp
from server.release.context import ReleaseContext
from server.release.publish.collections import Publication
from server.release.publish.feedback import FeedbackNotes
from server.release.requests import views
from server.store.requests import requests
from server.store.requests.requests import StoredRequest, StoredStep


class RequestNotes:
    """Gathers which requests changed, and publishes each as every party may see it.

    The addressee reads in its feedback that something is requested, and the sender that it was answered.
    """

    def __init__(self) -> None:
        """Gather none so far."""
        self._changed: dict[str, FeedbackEvent | None] = {}

    def add(self, id_: str, event: FeedbackEvent | None = None) -> None:
        """Note that a request is new, or took a step: requested of its addressee, or answered to its sender."""
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
        feedback.publish(publication)
        publication.write("", leave_for_end=leave_for_end)
        self._changed = {}


def _publish(context: ReleaseContext, publication: Publication, stored: StoredRequest, steps: list[StoredStep]) -> None:
    sender = context.registry.partners.get(stored.sender)
    identity = sender.identity if sender else context.identity.identity
    for name, role in sorted(requests.parties(context.tx, stored.id).items()):
        if name in context.registry.partners:
            view = views.view(stored, steps, role, context.micros)
            note = request_note.published(view, context.identity.identity, identity)
            by = sender.name if sender else ""
            publication.enter(context.private_collection(name, "requests"), note, Tlp.AMBER_STRICT, by=by)


def _add_feedback(
    feedback: FeedbackNotes, stored: StoredRequest, last: StoredStep, event: FeedbackEvent | None
) -> None:
    reader = stored.addressee if event is FeedbackEvent.REQUESTED else stored.sender
    if event is None or reader is None:
        return
    reason = RequestReason(last.reason) if last.reason else None
    case = views.request_of(stored).reference if reader == stored.sender else None
    feedback.add(
        reader,
        Feedback(event, code=RequestState(stored.state), reason=reason),
        request_note.note_id(stored.id),
        case,
    )
